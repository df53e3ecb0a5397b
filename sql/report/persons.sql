-- One row: how many persons there are (visitors who never said who they are among them), how many records, how many persons
-- merged or split since `since`, and how many persons stand behind each purpose with a consent.
with

changes as (
    select
        count(*) filter (where kind = 'merge') as merged,
        count(*) filter (where kind = 'split') as split
    from identity.person_change
    where changed_at >= %(since)s
),

consents as (
    select
        count(*) filter (where purpose = 'email') as email_consents,
        count(*) filter (where purpose = 'ads') as ads_consents
    from consent.person_consent
    where state = 'granted'
),

persons as (
    select
        count(*) as persons,
        count(*) filter (where not is_known) as visitors
    from profile.person
),

records as (
    select count(*) as records from staging.person_record
    where not deleted
)

select
    persons.persons,
    persons.visitors,
    records.records,
    changes.merged,
    changes.split,
    consents.email_consents,
    consents.ads_consents
from persons
cross join records
cross join changes
cross join consents
