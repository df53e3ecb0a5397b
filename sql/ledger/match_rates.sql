-- One row per audience of a destination and kind of identifier: the newest share of people the platform knows (the
-- middle of what it tells, at most all), the median of the ten measures before, and how many of those there are.
with

measured as (
    select
        match_rate.audience_id,
        match_rate.identifier,
        least(1, (match_rate.matched_low + match_rate.matched_high) / 2.0 / match_rate.sent) as share,
        row_number() over (
            partition by match_rate.audience_id, match_rate.identifier
            order by match_rate.measured_at desc, match_rate.match_rate_id desc
        ) as age
    from audience.match_rate
)

select
    audience.audience_key as audience,
    measured.identifier,
    (
        select definition.owner
        from segment.definition
        where definition.segment = audience.segment
        order by definition.first_used_at desc
        limit 1
    ) as owner,
    (max(measured.share) filter (where measured.age = 1))::float8 as share,
    (percentile_cont(0.5) within group (order by measured.share) filter (where measured.age between 2 and 11))::float8
        as usual,
    count(*) filter (where measured.age between 2 and 11) as measures
from measured
inner join audience.audience on measured.audience_id = audience.audience_id
where audience.destination = %(destination)s and measured.age <= 11
group by audience.audience_id, audience.audience_key, audience.segment, measured.identifier
order by audience.audience_key, measured.identifier
