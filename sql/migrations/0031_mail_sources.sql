-- Partitions of what e-mail platforms tell: Klaviyo, Brevo, and Mailchimp's campaigns.
create table raw.klaviyo_profiles partition of raw.record for values in ('klaviyo.profiles');
create table raw.klaviyo_events partition of raw.record for values in ('klaviyo.events');
create table raw.brevo_contacts partition of raw.record for values in ('brevo.contacts');
create table raw.brevo_events partition of raw.record for values in ('brevo.events');
create table raw.mailchimp_campaigns partition of raw.record for values in ('mailchimp.campaigns');

create table staging.klaviyo_profiles partition of staging.person_record for values in ('klaviyo.profiles');
create table staging.brevo_contacts partition of staging.person_record for values in ('brevo.contacts');
create table staging.klaviyo_events partition of staging.event for values in ('klaviyo.events');
create table staging.brevo_events partition of staging.event for values in ('brevo.events');
create table staging.mailchimp_campaigns partition of staging.campaign for values in ('mailchimp.campaigns');

-- Of the times a path finds the newest: a platform that gives several reasons not to write to somebody gives each its time.
-- One that cannot be read is given as it is, so that it is told as unreadable. Null when nothing stands there, and
-- without a path, which costs nothing then.
create function staging.pick_newest(payload jsonb, path text[]) returns text
language sql stable strict parallel safe as $$
    select case
        when not starts_with(path[1], '$') then staging.pick(payload, path)
        else (
            select found.value
            from unnest(staging.pick_all(payload, path)) as found (value)
            order by staging.read_time(found.value) desc nulls first
            limit 1
        )
    end
$$;
