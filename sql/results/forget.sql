-- Pages that are older than anybody looks back at: one row each, with where the page lies. The newest of a suite stays.
delete from ops.result_page as p
where
    p.checked_at < %(before)s
    and exists (
        select from ops.result_page as later
        where
            later.suite = p.suite
            and later.checked_at > p.checked_at
    )
returning p.path
