"""Rows of staging for tests: what publishing would have left there, queue included."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

START = datetime(2026, 1, 1, tzinfo=UTC)
AS_OF = datetime(2026, 11, 21, tzinfo=UTC).date()
EMPTY = {"raw_id": 0, "batch_id": 0, "payload_hash": b""}
TABLES = {"person": "person_record", "order": "order_entry", "event": "event"}


def minute(number: int) -> datetime:
    """So many minutes after the first of January."""
    return START + timedelta(minutes=number)


def _insert(conn: psycopg.Connection, table: str, rows: list[dict[str, Any]], keys: str) -> None:
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        by_columns.setdefault(tuple(row), []).append(row)
    for columns, group in by_columns.items():
        statement = sql.SQL("insert into staging.{} ({}) values ({}) on conflict ({}) do update set {}").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Placeholder, columns)),
            sql.SQL(keys),
            sql.SQL(", ").join(sql.SQL("{0} = excluded.{0}").format(sql.Identifier(one)) for one in columns),
        )
        with conn.cursor() as cursor:
            cursor.executemany(statement, group)


def _queue(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    with conn.cursor() as cursor:
        cursor.executemany(
            "insert into staging.changed_record (stream, record_key, batch_id) values (%(stream)s, %(record_key)s, 0)",
            [{"stream": row["stream"], "record_key": row["record_key"]} for row in rows],
        )


def publish_persons(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put person records into staging (``stream`` defaults to hubspot.contacts) and their keys into the queue."""
    full = [
        {**EMPTY, "stream": "hubspot.contacts", "created_at": START, **row, "ids": Jsonb(row.get("ids") or {})}
        for row in rows
    ]
    _insert(conn, "person_record", full, "stream, record_key")
    _queue(conn, full)


def _bundled(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **EMPTY,
        "entry_no": 1,
        "email": None,
        "phone": None,
        "phone_country": None,
        **row,
        "ids": Jsonb(row.get("ids") or {}),
    }


def _set_keys(conn: psycopg.Connection, table: str) -> None:
    conn.execute(
        sql.SQL("update staging.{} set identity_key = staging.bundle_key(email, phone, ids)").format(
            sql.Identifier(table)
        )
    )


def publish_orders(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put order entries into staging (stream shopify.orders, one entry a record, EUR) and their keys into the queue."""
    full = [
        _bundled(
            {
                "stream": "shopify.orders",
                "order_key": row["record_key"],
                "currency": "EUR",
                "quantity": 1,
                "kind": "sale" if row["amount_minor"] >= 0 else "return",
                **row,
            }
        )
        for row in rows
    ]
    _insert(conn, "order_entry", full, "stream, record_key, entry_no")
    _set_keys(conn, "order_entry")
    _queue(conn, full)


def publish_events(conn: psycopg.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
    """Put events into staging (stream mailchimp.activity) and their keys into the queue."""
    full = [_bundled({"stream": "mailchimp.activity", "name": "email_opened", **row}) for row in rows]
    _insert(conn, "event", full, "stream, record_key, entry_no")
    _set_keys(conn, "event")
    _queue(conn, full)


def delete(conn: psycopg.Connection, shape: str, stream: str, record_key: str) -> None:
    """The source deleted the record: it leaves staging, its key goes to the queue."""
    conn.execute(
        sql.SQL("delete from staging.{} where stream = %s and record_key = %s").format(sql.Identifier(TABLES[shape])),
        [stream, record_key],
    )
    _queue(conn, [{"stream": stream, "record_key": record_key}])


def forget_everything(conn: psycopg.Connection) -> None:
    """Identity and profile as if no build had ever run; staging and the consent ledger stay."""
    conn.execute(
        "truncate identity.record, identity.identifier, identity.normal_form, identity.edge, identity.bundle_row, "
        "identity.unusable_value, identity.person, identity.redirect, identity.record_history, identity.person_change, "
        "identity.refused_link, identity.island, identity.cluster_size, identity.blocked_value, profile.person, "
        "profile.person_order, profile.person_event, profile.trait, consent.person_consent restart identity cascade"
    )


def persons(conn: psycopg.Connection) -> dict[tuple[str, str], str]:
    """Person of each record: {(stream, record key): person id}; withdrawn records are left out."""
    return {
        (stream, key): str(person)
        for stream, key, person in conn.execute(
            "select stream, record_key, person_id from identity.record where person_id is not null"
        )
    }


def traits_of(conn: psycopg.Connection, columns: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """These traits of everybody who has an address, by what stands before its @."""
    names = sql.SQL(", ").join(sql.Identifier("t", column) for column in columns)
    found = conn.execute(
        sql.SQL(
            "select split_part(p.email, '@', 1), {} from profile.trait as t"
            " inner join profile.person as p on p.person_id = t.person_id"
        ).format(names)
    )
    return {name: tuple(values) for name, *values in found}
