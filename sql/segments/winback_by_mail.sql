/*
segment: winback_by_mail
title: Win back by mail
owner: crm
kind: lifecycle
goal: reactivation by mail of those who still read us
purpose: email
audiences:
  mailchimp: {tag: winback}
  file_drop: {audience: winback, mode: snapshot, fields: [first_name, last_name]}
*/
-- One row per person who is a lapsed high-value buyer or at risk of becoming one, still reads our mails, and has
-- no open cart that another mail is about.
with

drifting as (
    select person_id
    from segment.current
    where segment = 'lapsed_high_value'

    union

    select person_id
    from profile.trait
    where lifecycle = 'at_risk'
),

reading as (
    select person_id
    from segment.current
    where segment = 'engaged_readers'
),

has_open_cart as (
    select person_id
    from segment.current
    where segment = 'cart_abandoners'
)

select drifting.person_id
from drifting
inner join reading on drifting.person_id = reading.person_id
left join has_open_cart on drifting.person_id = has_open_cart.person_id
where has_open_cart.person_id is null
