-- One row per person of an audience: in its segment, granted for its purpose, with an identifier that the destination takes.
insert into pg_temp.whatif_audience (after_rules, destination, audience, person_id)
select
    %(after_rules)s,
    %(destination)s,
    %(audience)s,
    member.person_id
from segment.current as member
inner join profile.person on member.person_id = person.person_id
inner join consent.person_consent as consent on member.person_id = consent.person_id
where
    member.segment = %(segment)s
    and consent.purpose = %(purpose)s
    and consent.state = 'granted'
    and (
        ('email' = any(%(reachable_by)s::text[]) and person.email is not null)
        or ('phone' = any(%(reachable_by)s::text[]) and person.phone is not null)
    )
