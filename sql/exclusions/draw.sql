-- Draws whoever entered the segment since `after`, today's persons of merged members, and the people given besides, for
-- each experiment that has not drawn them: control when the first 32 bits of md5(salt:person) lie below the share. A merged
-- person that was never drawn under today's id keeps the oldest assignment of its former ids.
with

newcomers as (
    select member.person_id
    from segment.membership as member
    where
        member.membership_id > %(after)s
        and member.segment = %(segment)s
        and member.left_at is null
        and not exists (select from identity.redirect where redirect.old_person_id = member.person_id)
    union
    select redirect.person_id
    from identity.redirect
    inner join segment.membership as member on redirect.old_person_id = member.person_id
    where member.segment = %(segment)s and member.left_at is null
    union
    select given.person_id
    from unnest(%(people)s::uuid[]) as given (person_id)
),

due as (
    select
        experiment.experiment_id,
        experiment.salt,
        experiment.share,
        newcomers.person_id
    from newcomers
    inner join experiment.experiment on experiment.experiment_id = any(%(experiments)s::bigint[])
    where not exists (
        select from experiment.assignment as drawn
        where drawn.experiment_id = experiment.experiment_id and drawn.person_id = newcomers.person_id
    )
)

insert into experiment.assignment (experiment_id, person_id, arm, inherited_from, assigned_at)
select
    due.experiment_id,
    due.person_id,
    coalesce(
        former.arm,
        case
            when ('x' || left(md5(due.salt || ':' || due.person_id), 8))::bit(32)::bigint < due.share * 4294967296
                then 'control'
            else 'treatment'
        end
    ),
    former.person_id as inherited_from,
    %(at)s
from due
left join lateral (
    select
        earlier.arm,
        earlier.person_id
    from identity.redirect
    inner join experiment.assignment as earlier
        on redirect.old_person_id = earlier.person_id and due.experiment_id = earlier.experiment_id
    where redirect.person_id = due.person_id
    order by earlier.assigned_at, earlier.person_id
    limit 1
) as former on true
on conflict (experiment_id, person_id) do nothing
