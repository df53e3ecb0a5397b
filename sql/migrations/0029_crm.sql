-- Partitions of the CRMs' further streams, and what their deals say about a person.
create table raw.hubspot_companies partition of raw.record for values in ('hubspot.companies');
create table raw.hubspot_deals partition of raw.record for values in ('hubspot.deals');
create table raw.salesforce_contacts partition of raw.record for values in ('salesforce.contacts');
create table raw.salesforce_leads partition of raw.record for values in ('salesforce.leads');
create table raw.salesforce_accounts partition of raw.record for values in ('salesforce.accounts');
create table raw.salesforce_opportunities partition of raw.record for values in ('salesforce.opportunities');

create table staging.hubspot_companies partition of staging.company for values in ('hubspot.companies');
create table staging.hubspot_deals partition of staging.deal for values in ('hubspot.deals');
create table staging.salesforce_contacts partition of staging.person_record for values in ('salesforce.contacts');
create table staging.salesforce_leads partition of staging.person_record for values in ('salesforce.leads');
create table staging.salesforce_accounts partition of staging.company for values in ('salesforce.accounts');
create table staging.salesforce_opportunities partition of staging.deal for values in ('salesforce.opportunities');

-- deals (sql/traits/deals.sql): money in minor units of deal_currency
alter table profile.trait
add column deal_currency char(3),
add column open_deal_count int not null default 0,
add column open_deal_cents bigint not null default 0,
add column next_close_on date,
add column won_deal_count int not null default 0,
add column won_deal_cents bigint not null default 0,
add column last_won_on date,
add column lost_deal_count int not null default 0;
