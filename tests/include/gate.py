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
from include.sources import registry
from include.suites import read_suite

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


# Every stream of the registry by the name of its suite: a new source needs no line here.
STREAMS = {one.suite: GateStream(one.name, one.shape, one.suite) for one in registry.STREAMS.values()}
CONTACTS, ORDERS = STREAMS["hubspot_contacts"], STREAMS["shopify_orders"]
DAY = "2026-11-19T10:00:00+00:00"
# For each shape a row that says something in every column a rule may ask for. `{n}` is the row's number.
SHAPES: dict[str, dict[str, Any]] = {
    "person_record": {
        "changed_at": DAY, "email": "person{n}@shop.example", "phone": None, "ids": {"shopify_customer": "{n}"},
        "country": "DE", "deleted": False, "birth_on": "1980-02-29", "interests": [], "consent_email": "granted",
        "consent_email_at": "2026-01-01T00:00:00+00:00", "consent_ads": "withdrawn",
        "consent_ads_at": "2026-01-01T00:00:00+00:00"},
    "order_entry": {
        "changed_at": DAY, "email": "person{n}@shop.example", "phone": None, "ids": {"shopify_customer": "{n}"},
        "country": "DE", "entry_no": 1, "occurred_at": DAY, "currency": "EUR", "amount_minor": 1999,
        "order_key": "o{n}", "kind": "sale", "sku": "mug", "quantity": 1},
    "event": {
        "changed_at": DAY, "email": "person{n}@shop.example", "phone": None, "ids": {"shopify_customer": "{n}"},
        "entry_no": 1, "occurred_at": DAY, "currency": "EUR", "amount_minor": 1999, "name": "email_opened",
        "properties": {}},
    "company": {"changed_at": DAY, "created_at": DAY, "name": "Shop {n}", "domain": "shop{n}.example", "country": "DE",
                "employees": 12, "revenue_minor": 100000, "currency": "EUR", "ids": {}},
    "deal": {"changed_at": DAY, "created_at": DAY, "name": "Deal {n}", "pipeline": "default", "stage": "open",
             "state": "open", "amount_minor": 1999, "currency": "EUR", "closes_on": "2026-11-19", "person_keys": []},
    "campaign": {"changed_at": DAY, "created_at": DAY, "name": "Mailing {n}", "subject": "News", "channel": "email",
                 "state": "sent", "sent_at": DAY, "recipients": 100, "opened": 50, "clicked": 10, "bounced": 1,
                 "unsubscribed": 1},
    "report_row": {"changed_at": DAY, "on_date": "2026-11-19", "dimensions": {"country": "DE"},
                   "metrics": {"sessions": 1}, "lacks": []},
}


def staged(stream: GateStream, batch_ids: Sequence[int]) -> tuple[str, Mapping[str, Any]]:
    """The staging statement of these tests."""
    return STAGED.replace("{shape}", stream.shape), {
        "stream": stream.name, "batch_ids": list(batch_ids), "version_ids": None}


def good(stream: GateStream, number: int = 1, **changed: Any) -> dict[str, Any]:
    """A row no rule of the stream's suite objects to: the shape's, with values the suite's own lists allow."""
    row: dict[str, Any] = {"record_key": f"k{number}", "bad_casts": [], **_numbered(SHAPES[stream.shape], number)}
    for rule in read_suite(stream.suite).rules:
        column, values = rule.kwargs.get("column"), rule.kwargs.get("value_set")
        listed = rule.type == "expect_column_values_to_be_in_set" and row.get(column) is not None
        if listed and row[column] not in values:
            row[column] = values[0]
    return row | changed


def _numbered(value: Any, number: int) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(one, number) for key, one in value.items()}
    return value.replace("{n}", str(number)) if isinstance(value, str) else value


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
