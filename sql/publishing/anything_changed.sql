-- One row: whether anything was published since the last build of persons.
select exists(select from staging.changed_record) as anything
