-- Who is kept out of an audience besides consent: control groups and priority lists. What a hold shows, who decided it
-- and why. What the credentials of each destination are worth.

-- One row per audience and person who must not be in it, whatever the segment says. The plan and each batch look here.
create table if not exists audience.excluded (
    audience_id bigint not null,
    person_id uuid not null,
    reason text not null,        -- 'control' group; 'priority': a higher audience of the list comes first; 'elsewhere':
    primary key (audience_id, person_id)  -- another audience of the list has not let go yet
);

-- What the files say of an audience beyond its options.
alter table audience.audience
add column controls jsonb not null default '[]',  -- [{"experiment", "salt", "share"}]
add column priority_list text,
add column priority_rank int;                     -- from 1, the highest

-- How far the exclusions of an audience are worked out. Written with them, in one transaction.
create table audience.exclusion_state (
    audience_id bigint primary key references audience.audience,
    segment text not null,
    experiments bigint[] not null default '{}',   -- in force; others than the files': everybody is drawn anew
    membership_id bigint not null default 0,      -- memberships up to this one are drawn
    batch_id bigint not null default 0,           -- requests up to this one are noted as exposures
    list_seen text                                -- what the list looked like when it was last worked out
);

-- experiment: control groups. An assignment never moves; another share or salt is another version of the experiment.
create schema experiment;

create table experiment.experiment (
    experiment_id bigint generated always as identity primary key,
    experiment text not null,    -- 'global', or destination and audience
    version text not null,       -- salt and share
    salt text not null,
    share double precision not null check (share between 0 and 1),
    started_at timestamptz not null default now(),
    unique (experiment, version)
);

-- One row per experiment and person, drawn when the person first qualified. Append-only.
create table experiment.assignment (
    experiment_id bigint not null references experiment.experiment,
    person_id uuid not null,
    arm text not null check (arm in ('control', 'treatment')),
    inherited_from uuid,         -- a merged person's former id whose assignment was kept
    assigned_at timestamptz not null,
    primary key (experiment_id, person_id)
);
create trigger append_only before update or delete on experiment.assignment
for each statement execute function ops.refuse_change();

-- One row per experiment and treated person: when a platform first took the person. Append-only.
create table experiment.exposure (
    experiment_id bigint not null references experiment.experiment,
    person_id uuid not null,
    first_exposed_at timestamptz not null,
    primary key (experiment_id, person_id)
);
create trigger append_only before update or delete on experiment.exposure
for each statement execute function ops.refuse_change();

-- The assignment log as people read it.
create view experiment.assigned as
select
    experiment.experiment,
    experiment.version,
    assignment.person_id,
    assignment.arm,
    assignment.inherited_from,
    assignment.assigned_at,
    exposure.first_exposed_at
from experiment.assignment
inner join experiment.experiment on assignment.experiment_id = experiment.experiment_id
left join experiment.exposure
    on assignment.experiment_id = exposure.experiment_id and assignment.person_id = exposure.person_id;

-- Who is in the global control group in force: nobody tells any platform anything of them.
create view experiment.global_control as
select assignment.person_id
from experiment.experiment
inner join experiment.assignment on experiment.experiment_id = assignment.experiment_id
where
    experiment.experiment = 'global'
    and assignment.arm = 'control'
    and exists (
        select from audience.audience
        cross join lateral jsonb_array_elements(audience.controls) as control
        where
            audience.active
            and control ->> 'experiment' = experiment.experiment
            and control ->> 'salt' = experiment.salt
            and (control ->> 'share')::double precision = experiment.share
    );

-- A hold: the removals that were shown, who was asked, what was decided and why.
alter table audience.hold
add column decision text check (decision in ('approved', 'rejected')),
add column decided_why text,
add column asked_in text,        -- the run in Airflow that asks; null: nobody was asked yet
add column asked_at timestamptz,
add column closed_at timestamptz;

-- One row per person whose removal waits: an approval covers these and nobody else.
create table audience.hold_removal (
    hold_id bigint not null references audience.hold on delete cascade,
    person_id uuid not null,
    primary key (hold_id, person_id)
);

-- What a priority list asks its other audiences: when something last happened there.
create index on audience.batch (audience_id, ended_at);

-- People still refused from an earlier try: they were not asked about again, and are not there.
alter table audience.sync add column parked bigint not null default 0;

-- One row per destination and check of its credentials. No secret, no personal data.
create table ops.destination_check (
    check_id bigint generated always as identity primary key,
    destination text not null,
    state text not null check (state in ('ok', 'missing', 'refused', 'unreachable')),
    account text,
    scopes text[] not null default '{}',
    limits jsonb not null default '{}',
    expires_at timestamptz,
    problems text[] not null default '{}',
    checked_at timestamptz not null default now()
);
create index on ops.destination_check (destination, checked_at desc);
