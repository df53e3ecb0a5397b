-- One row: people still refused from an earlier try, as the plan of this one found them.
select sync.parked
from audience.sync
where sync.sync_id = %(sync_id)s
