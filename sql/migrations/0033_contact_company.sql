-- The company a contact of a CRM belongs to, its primary one, as a deal names its own; and what it says about the person.
alter table staging.person_record
add column company_key text,    -- record of company_stream
add column company_stream text;
alter table checking.person_record
add column company_key text,
add column company_stream text;

-- company (sql/traits/company.sql)
alter table profile.trait
add column company_name text,
add column company_domain text,
add column company_industry text,
add column company_employees bigint,
add column company_country text;
