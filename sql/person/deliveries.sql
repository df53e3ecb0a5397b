-- One row per answer of a platform about the person, newest first: what was sent, why, and what came back.
select
    delivery.at,
    audience.destination,
    audience.audience_key as audience,
    delivery.person_id,
    delivery.operation,
    delivery.outcome,
    delivery.error_code,
    delivery.error_text,
    membership.segment || ' since ' || to_char(membership.entered_at, 'YYYY-MM-DD') as because_of,
    ledger.state || ' ' || to_char(ledger.occurred_at, 'YYYY-MM-DD') || ' by ' || ledger.stream as consent,
    delivery.segment_version,
    batch.request_id,
    batch.job_id
from audience.delivery
inner join audience.audience on delivery.audience_id = audience.audience_id
left join audience.batch on delivery.batch_id = batch.batch_id
left join segment.membership on delivery.membership_id = membership.membership_id
left join consent.ledger on delivery.consent_id = ledger.consent_id
where delivery.person_id = any(%(ids)s::uuid[])
order by delivery.at desc, delivery.delivery_id desc
limit 200
