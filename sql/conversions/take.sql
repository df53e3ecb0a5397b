-- The orders of one call, by their numbers among those due. Consent is looked at again here: whoever withdrew since is not
-- handed out, nor is a buyer in a control group, nor one without an address and a number.
select
    due.stream,
    due.order_key,
    due.transaction_id,
    due.ordered_at,
    due.value_minor,
    conversion.minor_per_unit(due.currency) as minor_per_unit,
    due.currency,
    due.restated,
    agreed.consent_id,
    person.person_id::text as person_id,
    person.email,
    person.phone,
    person.first_name,
    person.last_name,
    person.country,
    person.postcode
from pg_temp.conversion_due as due
inner join consent.person_consent as agreed
    on due.person_id = agreed.person_id and agreed.purpose = 'ads' and agreed.state = 'granted'
inner join profile.person on due.person_id = person.person_id
where
    due.ordinal between %(first)s and %(last)s
    and (person.email is not null or person.phone is not null)
    and not exists (
        select from experiment.assignment
        where
            assignment.experiment_id = any(%(experiments)s::bigint[])
            and assignment.person_id = due.person_id
            and assignment.arm = 'control'
    )
order by due.ordinal
