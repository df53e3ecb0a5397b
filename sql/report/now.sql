-- The warehouse's own time: everything a run reports is what the warehouse wrote after it.
select clock_timestamp() as now
