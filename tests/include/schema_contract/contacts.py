"""Contacts as the CRM sends them, landed in batches: what a contract is about."""

import copy
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from include import publishing, quality, warehouse
from include.candidate import fill_candidate
from include.quality import Checked
from include.schema_contract import drift
from include.schema_contract.parts import deletion_mark, terms_by_part
from include.schema_contract.terms import Terms
from include.sources import registry

STREAM = registry.stream("hubspot.contacts")
FIRST = datetime(2026, 11, 20, 3, tzinfo=UTC)
Payload = dict[str, Any]


def contact(number: int) -> Payload:
    """A contact that every rule of the suite lets pass."""
    return {
        "id": str(number),
        "archived": False,
        "createdAt": "2026-01-01T00:00:00Z",
        "updatedAt": "2026-11-19T10:00:00Z",
        "url": f"https://crm.example/{number}",
        "properties": {
            "email": f"person{number}@shop.example",
            "firstname": "Ann",
            "phone": None,
            "city": "",
            "country": "DE",
            "lastmodifieddate": "2026-11-19T10:00:00Z",
        },
    }


def contacts(first: int, count: int, change: Callable[[Payload], object] = lambda payload: None) -> list[Payload]:
    """So many contacts, each changed."""
    made = [copy.deepcopy(contact(number)) for number in range(first, first + count)]
    for payload in made:
        change(payload)
    return made


def land(conn: psycopg.Connection, payloads: Sequence[Payload], *, day: int = 0) -> int:
    """Land one batch of them; returns its id."""
    [batch_id] = conn.execute(
        "insert into ops.batch (stream, state, landed_rows, landed_at) values (%s, 'landed', %s, %s)"
        " returning batch_id",
        (STREAM.name, len(payloads), FIRST + timedelta(days=day)),
    ).fetchone()
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into raw.record (batch_id, stream, record_key, payload, payload_hash) values (%s, %s, %s, %s, %s)",
            [
                (batch_id, STREAM.name, one["id"], text, hashlib.sha256(text.encode()).digest())
                for one in payloads
                for text in (json.dumps(one),)
            ],
        )
    conn.commit()
    return batch_id


def learn(conn: psycopg.Connection, payloads: Sequence[Payload], *, day: int = -1) -> None:
    """Land and publish them as though every rule had passed, so that their columns are known."""
    land(conn, payloads, day=day)
    candidate = fill_candidate(conn, STREAM)
    drift.find(conn, STREAM.name, candidate.batch_ids, terms_by_part(conn, STREAM.name), deletion_mark(STREAM.name))
    warehouse.run(conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
    warehouse.run(conn, "quality/mark_candidate", {"stream": STREAM.name})
    publishing.publish_stream(conn, STREAM)
    conn.commit()


def terms(conn: psycopg.Connection, **said: Any) -> dict[str, Terms]:
    """The stream's own contract with some words changed."""
    return {"": replace(terms_by_part(conn, STREAM.name)[""], **said)}


def check(conn: psycopg.Connection, url: str, **said: Any) -> Checked:
    return quality.check_stream(conn, url, STREAM, terms=terms(conn, **said))


def publish(conn: psycopg.Connection) -> publishing.Published:
    done = publishing.publish_stream(conn, STREAM)
    conn.commit()
    return done
