/*
trait: deals
title: What is being sold to a person, and what was
owner: growth
columns: [deal_currency, open_deal_count, open_deal_cents, next_close_on, won_deal_count, won_deal_cents, last_won_on,
          lost_deal_count]
*/
-- One row per person who is named in any deal made up to as_of; a deal counts whole for each person it names. A deal that is
-- closed with a later close date was open on that day. Money is in the person's main currency: the one of most deals, then of
-- the newest deal.
with

named as (
    select distinct
        r.person_id,
        d.stream,
        d.record_key,
        d.amount_minor,
        d.currency,
        d.closes_on,
        d.created_at,
        case when d.closes_on > %(as_of)s::date then 'open' else d.state end as state
    from staging.deal as d
    cross join unnest(d.person_keys) as k (person_key)
    inner join identity.record as r on d.person_stream = r.stream and k.person_key = r.record_key
    where
        r.person_id is not null
        and (d.created_at is null or d.created_at < (%(as_of)s::date + 1)::timestamp at time zone 'UTC')
),

main_currency as (
    select distinct on (person_id)
        person_id,
        currency
    from (
        select
            person_id,
            currency,
            count(*) as deals,
            max(created_at) as newest
        from named
        where currency is not null
        group by person_id, currency
    ) as used
    order by person_id, deals desc, newest desc nulls last, currency
)

select
    n.person_id,
    m.currency as deal_currency,
    count(*) filter (where n.state = 'open') as open_deal_count,
    coalesce(sum(n.amount_minor) filter (where n.state = 'open' and n.currency = m.currency), 0)::bigint as open_deal_cents,
    min(n.closes_on) filter (where n.state = 'open' and n.closes_on >= %(as_of)s::date) as next_close_on,
    count(*) filter (where n.state = 'won') as won_deal_count,
    coalesce(sum(n.amount_minor) filter (where n.state = 'won' and n.currency = m.currency), 0)::bigint as won_deal_cents,
    max(n.closes_on) filter (where n.state = 'won') as last_won_on,
    count(*) filter (where n.state = 'lost') as lost_deal_count
from named as n
left join main_currency as m on n.person_id = m.person_id
group by n.person_id, m.currency
