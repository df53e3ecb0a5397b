-- The one carrier threshold of rules.yaml. Touches its row when it differs.
insert into identity.carrier_rule as o (shared_above)
values (%(shared_above)s)
on conflict (single) do update
    set shared_above = excluded.shared_above
    where o.shared_above is distinct from excluded.shared_above
