-- At most one row: the day the trait table stands at.
select as_of
from profile.trait
order by person_id
limit 1
