-- One row per vendor record that staging holds or identity knows: a rebuild looks at all of them. Drains the queue too.
with

drained as (
    delete from staging.changed_record
    returning stream, record_key
)

insert into identity.work_key (stream, record_key)
select stream, record_key from drained
union
select stream, record_key from staging.person_record
union
select stream, record_key from staging.order_entry
union
select stream, record_key from staging.event
union
select stream, record_key from identity.record
where shape = 'person'
union
select stream, record_key from staging.last_word
union
select stream, source_key from identity.bundle_row
