-- One row of counts, in persons of pg_temp.segment_people: who has an identifier of the destination, who agreed to
-- its purpose, and who both. No statement of consent counts as unknown, and unknown is no.
with

member as (
    select
        coalesce(consent.state, 'unknown') as consent,
        ('email' = any(%(reachable_by)s::text[]) and person.email is not null)
        or ('phone' = any(%(reachable_by)s::text[]) and person.phone is not null) as has_identifier
    from pg_temp.segment_people
    left join profile.person as person on segment_people.person_id = person.person_id
    left join consent.person_consent as consent
        on segment_people.person_id = consent.person_id and consent.purpose = %(purpose)s
)

select
    count(*) filter (where has_identifier) as with_identifier,
    count(*) filter (where consent = 'granted') as granted,
    count(*) filter (where consent = 'withdrawn') as withdrawn,
    count(*) filter (where consent = 'unknown') as unknown,
    count(*) filter (where has_identifier and consent = 'granted') as reachable
from member
