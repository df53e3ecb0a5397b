-- The state of one audience's exclusions. Other experiments or another segment than last time: everybody is looked at
-- anew, and so is the list, because a person has one reason at a time.
with

before as (
    select
        experiments,
        segment
    from audience.exclusion_state
    where audience_id = %(audience_id)s
)

insert into audience.exclusion_state as kept (audience_id, segment, experiments)
values (%(audience_id)s, %(segment)s, %(experiments)s::bigint[])
on conflict (audience_id) do update
    set
        segment = excluded.segment,
        experiments = excluded.experiments,
        membership_id = case
            when kept.experiments = excluded.experiments and kept.segment = excluded.segment then kept.membership_id
            else 0
        end,
        list_seen = case
            when kept.experiments = excluded.experiments and kept.segment = excluded.segment then kept.list_seen
        end
returning
    membership_id,
    list_seen,
    not exists (
        select from before
        where before.experiments = %(experiments)s::bigint[] and before.segment = %(segment)s
    ) as begun_anew
