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

-- How staging reads raw values. Every one answers null for what it cannot read, never an error: one bad row must not
-- stop a batch. Whoever calls compares with the raw text and names the column in bad_casts.

-- The text at a path, trimmed; null when nothing stands there. The second path is asked when the first has nothing.
-- A path is a list of steps, or one jsonpath that begins with $ (ten times slower: for choosing within a list).
create function staging.pick(payload jsonb, path text[], other text[] default null) returns text
language sql immutable parallel safe as $$
    select coalesce(
        nullif(btrim(
            case
                when starts_with(path[1], '$') then jsonb_path_query_first(payload, path[1]::jsonpath, '{}', true) #>> '{}'
                else payload #>> path
            end
        ), ''),
        nullif(btrim(payload #>> other), '')
    )
$$;

-- A moment: ISO 8601 with a zone, or without one on the clock of `zone`, or epoch milliseconds.
-- `date_order` says how a date that does not begin with the year is written: dmy or mdy.
create function staging.read_time(value text, zone text default 'UTC', date_order text default 'ymd')
returns timestamptz language plpgsql stable parallel safe as $$
begin
    -- the usual spellings first, told by their shape: a third of the time that patterns take
    case translate(value, '0123456789T', '9999999999 ')
        when '9999-99-99 99:99', '9999-99-99 99:99:99', '9999-99-99' then
            return case when pg_input_is_valid(value, 'timestamp') then value::timestamp at time zone zone end;
        when '9999-99-99 99:99:99Z', '9999-99-99 99:99:99.999Z', '9999-99-99 99:99:99+99:99', '9999-99-99 99:99:99-99:99'
        then
            return case when pg_input_is_valid(value, 'timestamptz') then value::timestamptz end;
        else
            null;
    end case;
    if value is null then
        return null;
    end if;
    if date_order <> 'ymd' and value ~ '^\d{1,2}[./-]\d{1,2}[./-]\d{4}' then
        value := regexp_replace(
            value, '^(\d{1,2})[./-](\d{1,2})[./-](\d{4})', case date_order when 'dmy' then '\3-\2-\1' else '\3-\1-\2' end
        );
    end if;
    if value ~ '^\d{4}-\d{1,2}-\d{1,2}([T ]\d|$)' then
        if value ~ '\d:\d\d.*(Z|[+-]\d\d(:?\d\d)?)$' then
            return case when pg_input_is_valid(value, 'timestamptz') then value::timestamptz end;
        end if;
        return case when pg_input_is_valid(value, 'timestamp') then value::timestamp at time zone zone end;
    end if;
    if value ~ '^\d{12,13}$' then
        return to_timestamp(value::bigint / 1000.0);
    end if;
    return null;
end
$$;

-- A day: ISO 8601, or the day in UTC of epoch milliseconds, or in the order of `date_order`.
create function staging.read_date(value text, date_order text default 'ymd') returns date
language sql stable parallel safe as $$
    select (staging.read_time(value, 'UTC', date_order) at time zone 'UTC')::date
$$;

-- A number. `mark` separates the fraction; the other mark may group thousands.
create function staging.read_number(value text, mark text default '.') returns numeric
language plpgsql immutable parallel safe as $$
begin
    if mark = ',' then
        value := translate(value, '.,', ',.');
    end if;
    if value ~ '^-?\d+(\.\d+)?$' and length(value) <= 15 then  -- nearly all: without counting digits, which is slow
        return value::numeric;
    end if;
    if value ~ '^[+-]?(\d{1,15}(\.\d{0,10})?|\.\d{1,10})$' then
        return value::numeric;
    end if;
    if value ~ '^[+-]?\d{1,3}(,\d{3}){1,4}(\.\d{0,10})?$' then
        return replace(value, ',', '')::numeric;
    end if;
    if value ~ '^[+-]?\d{1,15}(\.\d{0,18})?([eE][+-]?\d)?$' then
        return value::numeric;
    end if;
    return null;
end
$$;

-- An amount in minor units of its currency (ISO 4217: none for yen, three for dinar), halves away from zero.
create function staging.to_minor(amount numeric, currency text) returns bigint
language sql immutable parallel safe as $$
    select case when abs(amount) < 1e12 then round(amount * case
        when currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 1
        when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 1000
        else 100
    end)::bigint end
$$;

-- ISO 3166-1 alpha-2 of a code or a name; `names` maps lower-case names to codes, null for "known to say nothing".
create function staging.read_country(value text, names jsonb) returns text
language sql immutable parallel safe as $$
    select case
        when names ? lower(value) then names ->> lower(value)
        when value ~ '^[A-Za-z]{2}$' then upper(value)
    end
$$;

-- The ids of other systems that a payload carries: {"shopify_customer": "77"}. `paths` maps identifier type to path, its
-- steps separated by the character 31.
create function staging.read_ids(payload jsonb, paths jsonb) returns jsonb
language sql immutable parallel safe as $$
    select coalesce(jsonb_object_agg(found.type, found.value), '{}')
    from (
        select p.key as type, staging.pick(payload, string_to_array(p.value, e'\x1f')) as value
        from jsonb_each_text(paths) as p
    ) as found
    where found.value is not null
$$;

-- Declared interests, sorted: a list, a text with separators, or an object of booleans ({"<id>": true}).
-- Only entries that begin with `prefix` count, and lose it; `names` gives ids a name.
create function staging.read_interests(value jsonb, separator text, prefix text, names jsonb) returns text[]
language sql immutable parallel safe as $$
    select coalesce(array_agg(distinct coalesce(names ->> kept.entry, kept.entry)), '{}')
    from (
        select substr(btrim(one.entry), length(coalesce(prefix, '')) + 1) as entry
        from (
            select jsonb_array_elements_text(case jsonb_typeof(value) when 'array' then value else '[]' end) as entry
            union all
            select unnest(string_to_array(case jsonb_typeof(value) when 'string' then value #>> '{}' end, coalesce(separator, ';')))
            union all
            select e.key
            from jsonb_each(case jsonb_typeof(value) when 'object' then value else '{}' end) as e
            where e.value = 'true'
        ) as one
        where starts_with(btrim(one.entry), coalesce(prefix, ''))
    ) as kept
    where kept.entry <> ''
$$;

-- Where a purpose's consent stands: 'granted' or 'withdrawn'; null when the value says neither.
create function staging.read_consent(value text, granted text[], withdrawn text[]) returns text
language sql immutable parallel safe as $$
    select case
        when lower(value) = any(withdrawn) then 'withdrawn'
        when lower(value) = any(granted) then 'granted'
    end
$$;

-- A currency of ISO 4217; null for anything else, also for three letters that are none.
create function staging.read_currency(value text) returns text
language sql immutable parallel safe as $$
    select case when upper(value) in (
        'AED', 'AFN', 'ALL', 'AMD', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BHD', 'BIF', 'BMD', 'BND',
        'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CLP', 'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK',
        'DJF', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GNF', 'GTQ',
        'GYD', 'HKD', 'HNL', 'HRK', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IQD', 'IRR', 'ISK', 'JMD', 'JOD', 'JPY', 'KES', 'KGS',
        'KHR', 'KMF', 'KPW', 'KRW', 'KWD', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'LYD', 'MAD', 'MDL', 'MGA', 'MKD',
        'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'OMR',
        'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'PYG', 'QAR', 'RON', 'RSD', 'RUB', 'RWF', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK',
        'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TND', 'TOP', 'TRY', 'TTD',
        'TWD', 'TZS', 'UAH', 'UGX', 'USD', 'UYU', 'UZS', 'VES', 'VND', 'VUV', 'WST', 'XAF', 'XCD', 'XOF', 'XPF', 'YER', 'ZAR',
        'ZMW', 'ZWG'
    ) then upper(value) end  -- one expression, so that Postgres puts it in the place of the call
$$;
