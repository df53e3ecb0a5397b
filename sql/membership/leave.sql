-- One row per person whose stay in a segment ends: in it until now, not among the persons it gives today.
-- A former person id leaves as 'merged'; its successor enters by itself.
update segment.membership as stay
set
    left_at = %(at)s,
    left_version = %(version)s,
    left_reason = case
        when exists (
            select from identity.redirect
            where redirect.old_person_id = stay.person_id
        ) then 'merged'
        else 'rule'
    end
where
    stay.segment = %(segment)s
    and stay.left_at is null
    and not exists (
        select from pg_temp.segment_people
        where segment_people.person_id = stay.person_id
    )
