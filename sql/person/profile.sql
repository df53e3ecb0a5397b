-- At most one row: the golden record, with the stream each value came from.
select
    email,
    phone,
    first_name,
    last_name,
    birth_on,
    gender,
    language,
    country,
    region,
    city,
    postcode,
    interests,
    email_client,
    customer_since,
    winners
from profile.person
where person_id = %(person_id)s
