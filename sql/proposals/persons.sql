-- One row per person whose golden record says two things or more that can be compared, by person id.
-- The address book part of an e-mail address says something of the name; its domain does not.
select
    p.person_id,
    p.first_name,
    p.last_name,
    to_char(p.birth_on, 'YYYYMMDD') as birth_on,
    p.postcode,
    p.city,
    p.region,
    p.country,
    p.gender,
    p.phone,
    split_part(p.email, '@', 1) as mailbox
from profile.person as p
inner join identity.person as i on p.person_id = i.person_id
where
    num_nonnulls(p.first_name, p.last_name, p.birth_on, p.postcode, p.city, p.phone, p.email) >= 2
    and num_nonnulls(p.first_name, p.last_name) >= 1
order by p.person_id
