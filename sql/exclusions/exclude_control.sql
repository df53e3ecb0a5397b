-- Keeps the control groups of the experiments out of the audience: of the same people as were drawn.
insert into audience.excluded as kept (audience_id, person_id, reason)
select distinct
    %(audience_id)s::bigint,
    assignment.person_id,
    'control'
from (
    select member.person_id
    from segment.membership as member
    where member.membership_id > %(after)s and member.segment = %(segment)s and member.left_at is null
    union
    select redirect.person_id
    from identity.redirect
    inner join segment.membership as member on redirect.old_person_id = member.person_id
    where member.segment = %(segment)s and member.left_at is null
) as newcomers
cross join
    lateral ( -- by key: the newcomers are few among all who were ever drawn
        select drawn.person_id
        from experiment.assignment as drawn
        where
            drawn.experiment_id = any(%(experiments)s::bigint[])
            and drawn.person_id = newcomers.person_id
            and drawn.arm = 'control'
        offset 0
    ) as assignment
on conflict (audience_id, person_id) do update
    set reason = 'control'
    where kept.reason <> 'control'
