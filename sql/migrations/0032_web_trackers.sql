-- Web trackers: visits of Matomo, report rows of Google Analytics. And a kind of identifier that is a thing, not a person.
create table raw.matomo_visits partition of raw.record for values in ('matomo.visits');
create table raw.ga4_reports partition of raw.record for values in ('ga4.reports');
create table staging.matomo_visits partition of staging.event for values in ('matomo.visits');
create table staging.ga4_reports partition of staging.report_row for values in ('ga4.reports');

-- Their landed records are looked up by the beginning of their keys (site and day, report and day).
create index on raw.matomo_visits (record_key collate "C");
create index on raw.ga4_reports (record_key collate "C");

-- A moment in whole seconds since 1970; null for anything else.
create function staging.read_epoch(value text) returns timestamptz
language sql immutable parallel safe as $$
    select case when value ~ '^\d{9,10}$' then to_timestamp(value::bigint) end
$$;

-- Set: values of this type are things that people use. One that more than so many people use joins nobody.
alter table identity.identifier_rule add column users_above int;

-- What the source says its report does not show of this row's day: other_row, thresholded, sampled, truncated.
alter table staging.report_row add column lacks text[] not null default '{}';
alter table checking.report_row add column lacks text[] not null default '{}';
alter table checking.report_row alter column lacks drop not null;
alter table checking.report_row
add column is_whole boolean generated always as (coalesce(cardinality(lacks), 0) = 0) stored;
