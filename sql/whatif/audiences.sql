-- One row per audience: how many people it has before and after, who comes and who goes; of those who go, how many live on in
-- another person.
with

side as (
    select
        destination,
        audience,
        person_id,
        bool_or(after_rules) as after_rules,
        bool_or(not after_rules) as before_rules
    from pg_temp.whatif_audience
    group by destination, audience, person_id
)

select
    side.destination,
    side.audience,
    count(*) filter (where side.before_rules) as before,
    count(*) filter (where side.after_rules) as after,
    count(*) filter (where side.after_rules and not side.before_rules) as added,
    count(*) filter (where side.before_rules and not side.after_rules) as removed,
    count(*) filter (where side.before_rules and not side.after_rules and person.person_id is null) as removed_by_merge
from side
left join identity.person on side.person_id = person.person_id
group by side.destination, side.audience
order by side.destination, side.audience
