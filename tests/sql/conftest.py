"""Rows of a segment's case: what the case does not say gets a plain value, so that a case shows only its point."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

PLAIN = {
    "text": "x",
    "bpchar": "EUR",
    "date": date(2026, 1, 1),
    "timestamptz": datetime(2026, 1, 1, tzinfo=UTC),
    "int4": 0,
    "int8": 0,
    "bool": True,
    "jsonb": Jsonb({}),
    "bytea": b"x",
}


def person(number: int) -> UUID:
    """The person that a case calls ``number``."""
    return UUID(int=number)


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def _complete(table: str, row: dict[str, Any], serial: int) -> dict[str, Any]:
    """Fill what follows from what the case says, or keeps rows apart."""
    row = {**row, "person_id": person(row["person_id"])}
    if table == "profile.person_order":
        row.setdefault("order_key", f"order-{serial}")
        if "ordered_at" in row:
            row.setdefault("ordered_on", row["ordered_at"].date())
        else:
            row["ordered_at"] = noon(row["ordered_on"])
        total = row.get("total_cents", row.get("sold_cents", 1000) - row.get("returned_cents", 0))
        row.setdefault("total_cents", total)
        row.setdefault("sold_cents", total + row.get("returned_cents", 0))
    if table == "profile.person_event":
        row.setdefault("record_key", f"event-{serial}")
    return {
        name: value.replace(tzinfo=UTC) if isinstance(value, datetime) and value.tzinfo is None else value
        for name, value in row.items()
    }


def _needed(conn: psycopg.Connection, table: str) -> dict[str, str]:
    """Columns that take no null and have no default → their type."""
    found = conn.execute(
        "select column_name, udt_name from information_schema.columns where table_schema || '.' || table_name = %s "
        "and is_nullable = 'NO' and column_default is null and is_identity = 'NO'",
        (table,),
    )
    return dict(found.fetchall())


def insert(conn: psycopg.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Insert one row, with plain values for what must not be null."""
    full = {**{name: PLAIN[kind] for name, kind in _needed(conn, table).items() if name not in row}, **row}
    conn.execute(
        sql.SQL("insert into {} ({}) values ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, full)),
            sql.SQL(", ").join(map(sql.Placeholder, full)),
        ),
        full,
    )


def load(conn: psycopg.Connection, given: Mapping[str, Any]) -> date:
    """Load a case's tables; return its ``as_of``. Whoever is mentioned anywhere exists in ``profile.person``."""
    tables = {name: rows for name, rows in given.items() if name != "as_of"}
    serial = count(1)
    for table, rows in tables.items():
        for row in rows:
            insert(conn, table, _complete(table, row, next(serial)))
    mentioned = {person(row["person_id"]) for rows in tables.values() for row in rows}
    known = {found for (found,) in conn.execute("select person_id from profile.person")}
    for missing in sorted(mentioned - known):
        insert(conn, "profile.person", {"person_id": missing})
    return given["as_of"]
