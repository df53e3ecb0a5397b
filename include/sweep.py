"""Deletions where a platform tells none: every key it has, held against what staging holds of the stream.

The listing is the source's (`Stream.keys`), after the rows of the same landing and at most as often as the mapping's
``options: {sweep_hours: …}`` says. A record that is no longer named lands as a tombstone, ``{"_deleted": true}``. A
listing that came back half would look like a mass deletion: when more are gone than a share AND a count of the stream
(``sweep_share``, ``sweep_floor``), nothing is deleted until a person allows it, up to the number they were shown.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from include import warehouse
from include.candidate import table_of
from include.prefetch import prefetched
from include.sources.pages import TOMBSTONE, Window
from include.sources.registry import Stream

HOURS = 20.0  # a nightly run sweeps each night, though it begins a little earlier than the last
SHARE = 0.05
FLOOR = 20

# When a record of each shape was made, as staging knows it: what a listing that goes back only so far can name.
_MADE = {"person_record": "created_at", "order_entry": "occurred_at", "event": "occurred_at", "company": "created_at",
         "deal": "created_at", "campaign": "created_at", "report_row": "on_date"}
# Not those of which something landed that is not published yet: it may tell the deletion itself, and will be looked at
# when it was.
_HELD = sql.SQL(
    "create temporary view held_key as select record_key from staging.{table} as s where not exists ("
    "select from raw.record as r inner join ops.batch as b on b.batch_id = r.batch_id"
    " where r.stream = {stream} and b.stream = {stream} and b.state <> 'published' and r.record_key = s.record_key)"
    " group by record_key having {since}::timestamptz is null or min({made}) >= {since}::timestamptz"
)
_ANYTHING = sql.SQL("select exists (select from staging.{table})")


@dataclass(frozen=True)
class Swept:
    """What a sweep did.

    :param gone: records that got a tombstone.
    :param batch_id: their batch; None: there are none.
    :param refused: why nothing was deleted though records are gone; None: it was.
    """

    gone: int
    batch_id: int | None = None
    refused: str | None = None


@dataclass(frozen=True)
class _Found:
    listed: int
    held: int
    gone: int


NOTHING = Swept(0)


def sweep(conn: psycopg.Connection, stream: Stream, client: Any, mapping: Mapping[str, Any], until: datetime) -> Swept:
    """List the stream's keys if that is due, and land tombstones for records of staging that are not among them.

    Commits. The caller has the stream to itself. Killed anywhere, nothing is deleted and the next landing sweeps anew.

    :param until: where the landing's window ended.
    """
    options = mapping.get("options", {})
    allowed = _due(conn, stream, options, until)
    if stream.keys is None or allowed is None:
        return NOTHING
    table = sql.Identifier(table_of(stream.name))
    with conn.transaction():
        if not conn.execute(_ANYTHING.format(table=table)).fetchone()[0]:
            return NOTHING
        days = options.get("sweep_days")
        window = Window(until - timedelta(days=days) if days else None, until)
        _list(conn, stream.keys, client, window, mapping)
        return _decide(conn, stream, window, options, allowed)


def _due(conn: psycopg.Connection, stream: Stream, options: Mapping[str, Any], until: datetime) -> int | None:
    """How many records may go whatever their share; None: it is not time yet."""
    found = warehouse.rows(conn, "sweep/last", {"stream": stream.name})
    conn.commit()
    if not found:
        return 0
    if found[0]["allowed"] is not None:
        return found[0]["allowed"]
    return 0 if found[0]["began_at"] <= until - timedelta(hours=options.get("sweep_hours", HOURS)) else None


def _list(conn: psycopg.Connection, keys: Callable[..., Iterator[list[str]]], client: Any, window: Window,
          mapping: Mapping[str, Any]) -> None:
    warehouse.run(conn, "sweep/listed_key")
    with conn.cursor() as db, db.copy(warehouse.statement("sweep/copy_keys")) as copy, \
            prefetched(keys(client, window, mapping)) as pages:
        for page in pages:
            for key in page:
                copy.write_row((key,))
    conn.execute("analyze listed_key")


def _decide(conn: psycopg.Connection, stream: Stream, window: Window, options: Mapping[str, Any],
            allowed: int) -> Swept:
    conn.execute(_HELD.format(table=sql.Identifier(table_of(stream.name)), made=sql.Identifier(_MADE[stream.shape]),
                              stream=sql.Literal(stream.name), since=sql.Literal(window.since)))
    found = _Found(**warehouse.rows(conn, "sweep/count")[0])
    refused = None if found.gone <= allowed else _too_many(stream, found, options)
    buried = _bury(conn, stream, window) if found.gone and refused is None else Swept(0, refused=refused)
    conn.execute("drop view pg_temp.held_key")
    warehouse.run(conn, "sweep/write", {"stream": stream.name, "until": window.until, "batch_id": buried.batch_id,
                                        "state": "done" if refused is None else "refused", **vars(found)})
    return buried


def _bury(conn: psycopg.Connection, stream: Stream, window: Window) -> Swept:
    batch = {"stream": stream.name, "since": window.since, "until": window.until}
    batch_id = warehouse.rows(conn, "landing/open_batch", batch)[0]["batch_id"]
    values = {"stream": stream.name, "batch_id": batch_id, "tombstone": TOMBSTONE.decode()}
    rows = warehouse.run(conn, "sweep/bury", values)
    rows -= warehouse.run(conn, "landing/drop_unchanged", values)  # those that wait to be published already
    warehouse.run(conn, "landing/close_batch", {"batch_id": batch_id, "rows": rows})
    return Swept(rows, batch_id if rows else None)


def _too_many(stream: Stream, found: _Found, options: Mapping[str, Any]) -> str | None:
    share, floor = options.get("sweep_share", SHARE), options.get("sweep_floor", FLOOR)
    if found.gone <= floor or found.gone <= share * found.held:
        return None
    return (f"{stream.name}: the listing of all keys names {found.listed} and lacks {found.gone} of the {found.held} "
            f"records that staging holds, {found.gone / found.held:.1%}; at most {share:.1%} or {floor} go without a "
            f"word. Nothing was deleted. If they are gone indeed: audienceflow source allow-deletions {stream.name}")


def allow(conn: psycopg.Connection, stream: str, who: str) -> int | None:
    """Let the stream's next sweep delete as many records as its last one was refused; commits.

    :returns: how many; None: its last sweep was not refused.
    """
    with conn.transaction():
        found = warehouse.rows(conn, "sweep/allow", {"stream": stream, "who": who})
        if not found:
            return None
        conn.execute(
            "insert into ops.audit (actor, action, subject, details)"
            " values (%(who)s, 'deletions allowed', %(stream)s, jsonb_build_object('records', %(gone)s::bigint))",
            {"who": who, "stream": stream, "gone": found[0]["gone_records"]})
    conn.commit()
    return found[0]["gone_records"]
