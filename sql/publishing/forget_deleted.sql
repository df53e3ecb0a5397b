-- One row per record that is published again although the source had deleted it once.
delete from staging.deleted_record as d
using candidate as c
where
    d.stream = %(stream)s
    and d.record_key = c.record_key
