-- Identifiers of settled calls: the members' rows have them now, and nobody else is to keep them. Those of a job that the
-- platform still works on stay: whoever it names in the end has to be sent or taken back.
update audience.batch
set identifiers = null
where
    batch_id = any(%(batch_ids)s::bigint[])
    and not (outcome = 'accepted' and job_id is not null)
