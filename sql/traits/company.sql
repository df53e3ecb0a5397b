/*
trait: company
title: The company a person works for, as a CRM has it
owner: growth
columns: [company_name, company_domain, company_industry, company_employees, company_country]
*/
-- One row per person of whom a CRM's record names a company that was made up to as_of. Of several the one of the record that
-- changed last; then the first by stream and key, so that a rerun chooses the same.
with

named as (
    select distinct on (r.person_id)
        r.person_id,
        c.name,
        c.domain,
        c.industry,
        c.employees,
        c.country
    from staging.person_record as p
    inner join identity.record as r on p.stream = r.stream and p.record_key = r.record_key
    inner join staging.company as c on p.company_stream = c.stream and p.company_key = c.record_key
    where
        r.person_id is not null
        and (c.created_at is null or c.created_at < (%(as_of)s::date + 1)::timestamp at time zone 'UTC')
    order by r.person_id, p.changed_at desc nulls last, p.stream, p.record_key
)

select
    person_id,
    name as company_name,
    domain as company_domain,
    industry as company_industry,
    employees as company_employees,
    country as company_country
from named
