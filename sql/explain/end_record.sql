-- One row per record of stitching that a vendor's record is: itself, or the bundles on an order or event of that key.
select
    record.record_id,
    record.person_id
from identity.record
where record.stream = %(stream)s and record.record_key = %(record_key)s
union
select
    record.record_id,
    record.person_id
from identity.bundle_row
inner join identity.record on bundle_row.record_id = record.record_id
where
    bundle_row.stream = %(stream)s
    and (bundle_row.source_key = %(record_key)s or bundle_row.order_key = %(record_key)s)
order by record_id
