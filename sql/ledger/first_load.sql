-- Whether this is still the audience's first load: no sync before this one came to its own end. One row.
select
    not exists (
        select from audience.sync
        where
            audience_id = %(audience_id)s
            and sync_id <> %(sync_id)s
            and outcome in ('success', 'partial', 'held')
            and error_class is null
    ) as first_load
