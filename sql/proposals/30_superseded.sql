-- One row per open proposal that this run did not find again: its persons changed, or joined by other means.
update identity.proposal
set state = 'superseded'
where
    state = 'open'
    and seen_at < %(at)s
