-- One row per person record that keeps its older version because the newer one is held: a withdrawal of consent
-- in the held version counts all the same, whatever is wrong with the rest of the row.
update published as p
set
    consent_email = case when c.consent_email = 'withdrawn' then c.consent_email else p.consent_email end,
    consent_email_at = case when c.consent_email = 'withdrawn' then c.consent_email_at else p.consent_email_at end,
    consent_ads = case when c.consent_ads = 'withdrawn' then c.consent_ads else p.consent_ads end,
    consent_ads_at = case when c.consent_ads = 'withdrawn' then c.consent_ads_at else p.consent_ads_at end,
    published_at = now()
from candidate as c
where
    p.record_key = c.record_key
    and exists (
        select from ops.quarantine as q
        where
            q.raw_id = c.raw_id -- noqa: RF01
            and q.stream = %(stream)s
            and q.state = 'held'
    )
    and (
        (c.consent_email = 'withdrawn' and p.consent_email is distinct from 'withdrawn')
        or (c.consent_ads = 'withdrawn' and p.consent_ads is distinct from 'withdrawn')
    )
returning p.record_key, c.batch_id
