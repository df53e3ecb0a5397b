-- Batches that a killed run left without an answer: unknown, as each of their persons. Who is working on one at this very
-- moment (a run beside a dry run) keeps it. One row a batch that is now to be settled.
update audience.batch
set
    state = 'unknown',
    outcome = 'unknown',
    outcome_text = 'the run was killed before its answer was written down',
    error_class = 'lost',
    error_code = 'killed',
    ended_at = %(at)s
where
    batch_id in (
        select lost.batch_id
        from audience.batch as lost
        where lost.audience_id = %(audience_id)s and lost.state = 'sent'
        order by lost.batch_id
        for update skip locked
    )
returning batch_id, operation, sent
