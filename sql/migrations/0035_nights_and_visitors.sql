-- Whether everything that persons wait for has come, and what a person lets them be built without; who is a visitor alone.

-- One row a stream that has ever been published by its own DAG. An event of an asset is a wake-up and not a queue: what has come
-- since persons were last begun stands here.
create table ops.arrival (
    stream text primary key,
    came_at timestamptz not null,   -- its newest publication, also one of nothing
    taken_at timestamptz            -- when persons were last begun; null: never since it first came
);

-- One row a stream whose failed check holds nobody back until then, by a person's word. Its own rows stay where they are.
create table ops.set_aside (
    stream text primary key,
    until_at timestamptz not null,
    set_by text not null,
    reason text not null,
    set_at timestamptz not null default now()
);

-- False: all that is known of them are things that people use, as a browser is: a visitor who never said who they are.
alter table profile.person add column is_known boolean not null default true;
update profile.person as p
set is_known = false
where not exists (
    select from identity.record as r
    left join identity.edge as e
        on r.record_id = e.record_id
    left join identity.identifier as i
        on e.identifier_id = i.identifier_id
    left join identity.identifier_rule as thing
        on i.type = thing.type and thing.users_above is not null
    where
        r.person_id = p.person_id
        and (r.shape = 'person' or (i.identifier_id is not null and thing.type is null))
);
