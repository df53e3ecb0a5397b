-- The platform said "too many": nobody on the account takes calls of these rates for the seconds it named, or, where
-- it named none, for 1, 2, 4, … at most 60 s; what many calls were told at once counts as one time.
insert into ops.rate_limit as kept (account, rate, paused_until, told, told_at)
select
    %(account)s,
    name,
    clock_timestamp() + make_interval(secs => coalesce(%(seconds)s::float8, 1)),
    1,
    clock_timestamp()
from unnest(%(rates)s::text[]) as name
order by name
on conflict (account, rate) do update
    set
        told = case
            when kept.paused_until > clock_timestamp() then kept.told
            when kept.told_at < clock_timestamp() - interval '2 minutes' then 1
            else kept.told + 1
        end,
        paused_until = case
            when kept.paused_until > clock_timestamp() and %(seconds)s::float8 is null then kept.paused_until
            else greatest(
                kept.paused_until,
                clock_timestamp() + make_interval(secs => coalesce(
                    %(seconds)s::float8,
                    case
                        when kept.told_at < clock_timestamp() - interval '2 minutes' then 1
                        else least(60, 2 ^ least(kept.told, 6))
                    end
                ))
            )
        end,
        told_at = case when kept.paused_until > clock_timestamp() then kept.told_at else clock_timestamp() end
