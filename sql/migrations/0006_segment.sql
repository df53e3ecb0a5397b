-- segment: definitions by version, membership intervals, sizes, overlaps.
create schema segment;

create table segment.definition (
    segment text not null,
    version text not null,       -- hash of the definition's meaning
    title text not null,
    owner text not null,
    front_matter jsonb not null,
    body text not null,
    first_used_at timestamptz not null default now(),
    primary key (segment, version)
);

-- One row per stay of a person in a segment; left_at null: still in.
create table segment.membership (
    membership_id bigint generated always as identity primary key,
    segment text not null,
    person_id uuid not null,
    version text not null,       -- of the definition that let the person in
    entered_at timestamptz not null,
    left_at timestamptz,
    left_version text,
    left_reason text check (left_reason in ('rule', 'merged', 'retired')), -- retired: no file names the segment any more
    foreign key (segment, version) references segment.definition,
    constraint a_stay_ends_after_it_began check (left_at > entered_at)
);
create unique index on segment.membership (segment, person_id) where left_at is null;
create index on segment.membership (segment, entered_at);
create index on segment.membership (person_id);

-- One row per build of a segment. The newest row says how fresh the membership is.
create table segment.build (
    build_id bigint generated always as identity primary key,
    segment text not null,
    version text not null,
    as_of date not null,
    built_at timestamptz not null default now(),
    size bigint not null,
    entered bigint not null,
    left_count bigint not null,
    seconds double precision not null,
    alert text                   -- set: outside its limits
);
create index on segment.build (segment, built_at desc);

-- One row per unordered pair of segments at the newest build.
create table segment.overlap (
    segment_a text not null,
    segment_b text not null,
    as_of date not null,
    shared bigint not null,      -- persons in both
    size_a bigint not null,
    size_b bigint not null,
    primary key (segment_a, segment_b)
);

-- Who is in which segment today. The one relation a segment may read about other segments.
create view segment.current as
select
    segment,
    person_id,
    entered_at,
    version
from segment.membership
where left_at is null;

-- Who was in which segment at a moment of the past.
create function segment.members_at(moment timestamptz)
returns table (segment text, person_id uuid, entered_at timestamptz, version text)
language sql stable parallel safe as $$
    select
        segment,
        person_id,
        entered_at,
        version
    from segment.membership
    where entered_at <= moment and (left_at is null or left_at > moment)
$$;
