"""Land made-up rows for tests of the gate: a row's payload is the staging row itself, as JSON."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg

from include import publishing, warehouse
from include.candidate import fill_candidate

LANDED_AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)

# The newest version of each key, typed by the candidate's own table: what a stream's stg statement does with a mapping.
STAGED = """
with

newest as (
    select distinct on (r.record_key, case when %(version_ids)s::bigint[] is not null then r.raw_id end) r.*
    from raw.record as r
    where
        r.stream = %(stream)s
        and r.batch_id = any(%(batch_ids)s)
        and (%(version_ids)s::bigint[] is null or r.raw_id = any(%(version_ids)s::bigint[]))
    order by
        r.record_key,
        case when %(version_ids)s::bigint[] is not null then r.raw_id end,
        (r.payload -> 0 ->> 'changed_at')::timestamptz desc nulls last,
        r.raw_id desc
)

select (jsonb_populate_record(null::checking.{shape}, entry || jsonb_build_object(
    'stream', n.stream, 'raw_id', n.raw_id, 'batch_id', n.batch_id, 'payload_hash', n.payload_hash
))).*
from newest as n
cross join jsonb_array_elements(n.payload::jsonb) as entry
"""


@dataclass(frozen=True)
class GateStream:
    """As much of a stream as the gate asks for."""

    name: str
    shape: str
    suite: str


STREAMS = {
    name.replace(".", "_"): GateStream(name, shape, name.replace(".", "_"))
    for name, shape in {
        "hubspot.contacts": "person_record",
        "hubspot.companies": "company",
        "hubspot.deals": "deal",
        "salesforce.contacts": "person_record",
        "salesforce.leads": "person_record",
        "salesforce.accounts": "company",
        "salesforce.opportunities": "deal",
        "shopify.customers": "person_record",
        "woocommerce.customers": "person_record",
        "woocommerce.orders": "order_entry",
        "mailchimp.members": "person_record",
        "files.persons": "person_record",
        "shopify.orders": "order_entry",
        "files.orders": "order_entry",
        "shopify.checkouts": "event",
        "mailchimp.activity": "event",
        "mailchimp.campaigns": "campaign",
        "klaviyo.profiles": "person_record",
        "klaviyo.events": "event",
        "brevo.contacts": "person_record",
        "brevo.events": "event",
        "matomo.visits": "event",
        "ga4.reports": "report_row",
    }.items()
}
# What a good row of a shape holds that stitches nobody.
BUSINESS: dict[str, dict[str, Any]] = {
    "company": {"name": "Acme", "domain": "acme.example", "country": "DE", "employees": 12, "ids": {}},
    "deal": {"name": "Machine", "stage": "offer", "state": "open", "amount_minor": 100_000, "currency": "EUR",
             "closes_on": "2026-12-31", "person_keys": ["1"]},
    "campaign": {"name": "May", "sent_at": "2026-11-19T10:00:00+00:00",
                 **dict.fromkeys(("recipients", "opened", "clicked", "bounced", "unsubscribed"), 1)},
    "report_row": {"on_date": "2026-11-19", "dimensions": {"report": "traffic"}, "metrics": {"sessions": 4},
                   "lacks": []},
}
CONTACTS, ORDERS = STREAMS["hubspot_contacts"], STREAMS["shopify_orders"]


def staged(stream: GateStream, batch_ids: Sequence[int]) -> tuple[str, Mapping[str, Any]]:
    """The staging statement of these tests."""
    return STAGED.replace("{shape}", stream.shape), {
        "stream": stream.name, "batch_ids": list(batch_ids), "version_ids": None}


def good(stream: GateStream, number: int = 1, **changed: Any) -> dict[str, Any]:
    """A row no rule objects to."""
    if stream.shape in BUSINESS:
        key = {"record_key": f"k{number}", "changed_at": "2026-11-19T10:00:00+00:00", "bad_casts": []}
        return {**key, **BUSINESS[stream.shape], **changed}
    row: dict[str, Any] = {
        "record_key": f"k{number}", "changed_at": "2026-11-19T10:00:00+00:00", "email": f"person{number}@shop.example",
        "phone": None, "ids": {"shopify_customer": str(number)}, "bad_casts": [], "country": "DE",
    }
    if stream.shape == "person_record":
        row |= {"deleted": False, "birth_on": "1980-02-29", "interests": [], "consent_email": "granted",
                "consent_email_at": "2026-01-01T00:00:00+00:00", "consent_ads": "withdrawn",
                "consent_ads_at": "2026-01-01T00:00:00+00:00"}
    else:
        row |= {"entry_no": 1, "occurred_at": "2026-11-19T10:00:00+00:00", "currency": "EUR", "amount_minor": 1999}
    if stream.shape == "order_entry":
        row |= {"order_key": f"o{number}", "kind": "sale", "sku": "mug", "quantity": 1}
    if stream.shape == "event":
        names = {"shopify.checkouts": "cart_abandoned", "matomo.visits": "site_visited"}
        row |= {"name": names.get(stream.name, "email_opened"), "properties": {}}
        del row["country"]
    return row | changed


def land(conn: psycopg.Connection, stream: GateStream, *records: dict[str, Any] | list[dict[str, Any]],
         landed_at: datetime = LANDED_AT) -> int:
    """Land one batch; a record is a row, or the list of its entries. Returns the batch's id."""
    batch_id = conn.execute(
        "insert into ops.batch (stream, state, landed_rows, landed_at) values (%s, 'landed', %s, %s)"
        " returning batch_id",
        (stream.name, len(records), landed_at)).fetchone()[0]
    for record in records:
        entries = record if isinstance(record, list) else [record]
        payload = json.dumps(entries)
        conn.execute(
            "insert into raw.record (batch_id, stream, record_key, payload, payload_hash) values (%s, %s, %s, %s, %s)",
            (batch_id, stream.name, entries[0]["record_key"] or "", payload, hashlib.sha256(payload.encode()).digest()))
    conn.commit()
    return batch_id


def column(conn: psycopg.Connection, query: str, *values: Any) -> list[Any]:
    """The first column of a query's rows."""
    return [row[0] for row in conn.execute(query, values)]


def pass_unseen(conn: psycopg.Connection, stream: GateStream) -> publishing.Published:
    """Publish what is open as though every rule had passed: for tests that are not about rules."""
    candidate = fill_candidate(conn, stream, staged=staged)
    warehouse.run(conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
    warehouse.run(conn, "quality/mark_candidate", {"stream": stream.name})
    done = publishing.publish_stream(conn, stream, staged=staged)
    conn.commit()
    return done
