-- Partitions of the first sources. A later source brings its own migration with the same few lines.
create table raw.hubspot_contacts partition of raw.record for values in ('hubspot.contacts');
create table raw.shopify_customers partition of raw.record for values in ('shopify.customers');
create table raw.shopify_orders partition of raw.record for values in ('shopify.orders');
create table raw.shopify_checkouts partition of raw.record for values in ('shopify.checkouts');
create table raw.mailchimp_members partition of raw.record for values in ('mailchimp.members');
create table raw.mailchimp_activity partition of raw.record for values in ('mailchimp.activity');
create table raw.files_orders partition of raw.record for values in ('files.orders');
create table raw.files_persons partition of raw.record for values in ('files.persons');

create table staging.hubspot_contacts partition of staging.person_record for values in ('hubspot.contacts');
create table staging.shopify_customers partition of staging.person_record for values in ('shopify.customers');
create table staging.mailchimp_members partition of staging.person_record for values in ('mailchimp.members');
create table staging.files_persons partition of staging.person_record for values in ('files.persons');
create table staging.shopify_orders partition of staging.order_entry for values in ('shopify.orders');
create table staging.files_orders partition of staging.order_entry for values in ('files.orders');
create table staging.shopify_checkouts partition of staging.event for values in ('shopify.checkouts');
create table staging.mailchimp_activity partition of staging.event for values in ('mailchimp.activity');
