"""Deletions that a source does not tell: what it has, held against what it had. One guard, however that is known.

* By a **listing** of all its keys (`Stream.keys`), after the rows of the same landing and at most as often as the
  mapping's ``options: {sweep_hours: …}`` says, held against staging.
* By **parts** that a landing read whole (`Page.whole`: a day of visits, the list of all customers), held against what
  had landed of them before.

A record that is gone lands as a tombstone, ``{"_deleted": true}``. A listing that came back half would look like a mass
deletion: when more are gone than a share AND a count (``sweep_share``, ``sweep_floor``), nothing is deleted, the owner
is told, and rows go on, until a person allows it (`allow`), up to the number they were shown. Of parts the stream's
cursor stays too: the same is read again at each landing until it comes or is allowed to be gone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
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
_HELD = sql.SQL(
    "create temporary view held_key as select record_key from staging.{table}"
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

    gone: int = 0
    batch_id: int | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Found:
    """Records that came or were listed, that were held before, and how many of those are gone."""

    listed: int
    held: int
    gone: int


@dataclass(frozen=True)
class Guard:
    """How many records of a stream may go without a word.

    :param allowed: so many may go whatever their share, by a person's word.
    """

    stream: str
    share: float
    floor: int
    allowed: int

    def refuses(self, found: Found) -> str | None:
        """Why nothing may be deleted; None: it may."""
        if found.gone <= max(self.floor, self.share * found.held, self.allowed):
            return None
        return (
            f"{self.stream}: of {found.held} records that were there {found.gone} are gone, "
            f"{found.gone / found.held:.1%}, and {found.listed} are there; at most {self.share:.1%} or {self.floor} go "
            "without a word. Nothing was deleted. If they are gone indeed: audienceflow source allow-deletions "
            f"{self.stream}"
        )


NOTHING = Swept()


def listing(conn: psycopg.Connection, stream: Stream, client: Any, mapping: Mapping[str, Any],
            until: datetime) -> Swept:
    """List the stream's keys if that is due, and land tombstones for records of staging that are not among them.

    Commits. The caller has the stream to itself. Killed anywhere, nothing is deleted and the next landing sweeps anew.

    :param until: where the landing's window ended.
    """
    options = mapping.get("options", {})
    if stream.keys is None or not _is_due(conn, stream, options, until):
        return NOTHING
    table = sql.Identifier(table_of(stream.name))
    with conn.transaction():
        if not conn.execute(_ANYTHING.format(table=table)).fetchone()[0]:
            return NOTHING
        days = options.get("sweep_days")
        window = Window(until - timedelta(days=days) if days else None, until)
        _list(conn, stream.keys, client, window, mapping)
        warehouse.run(conn, "sweep/gone_key")
        made = sql.Identifier(_MADE[stream.shape])
        conn.execute(_HELD.format(table=table, made=made, since=sql.Literal(window.since)))
        found = Found(**warehouse.rows(conn, "sweep/find_in_listing", {"stream": stream.name})[0])
        conn.execute("drop view pg_temp.held_key")
        refused = guard(conn, stream, mapping).refuses(found)
        buried = Swept(refused=refused) if refused or not found.gone else _bury_apart(conn, stream, window)
        _write(conn, stream, until, found, buried)
        return buried


def parts(conn: psycopg.Connection, stream: Stream, batch_id: int, prefixes: Sequence[str], mapping: Mapping[str, Any],
          until: datetime, *, last: bool) -> Swept:
    """Land tombstones, in the batch itself, for records under ``prefixes`` that it did not bring.

    In the caller's transaction, before rows that say nothing new are taken out of the batch.

    :param prefixes: beginnings of keys under which all the source has came in the batch.
    :param last: no batch of this landing follows: a permission that was not made use of ends.
    """
    if not prefixes:
        return NOTHING
    guarded = guard(conn, stream, mapping)
    warehouse.run(conn, "sweep/gone_key")
    values = {"stream": stream.name, "batch_id": batch_id, "tombstone": TOMBSTONE.decode()}
    found = Found(**warehouse.rows(conn, "sweep/find_in_part", {**values, "prefixes": list(prefixes)})[0])
    refused = guarded.refuses(found)
    gone = 0 if refused else warehouse.run(conn, "sweep/bury", values)
    swept = Swept(gone, batch_id if gone else None, refused)
    if found.gone or (guarded.allowed and last):
        _write(conn, stream, until, found, swept)
    return swept


def guard(conn: psycopg.Connection, stream: Stream, mapping: Mapping[str, Any]) -> Guard:
    """The stream's guard as its mapping and its last sweep say."""
    options = mapping.get("options", {})
    last = warehouse.rows(conn, "sweep/last", {"stream": stream.name})
    allowed = last[0]["allowed"] if last else None
    return Guard(stream.name, options.get("sweep_share", SHARE), options.get("sweep_floor", FLOOR), allowed or 0)


def holds_back(conn: psycopg.Connection, stream: str) -> bool:
    """Whether the stream's last sweep was refused: deletions wait for the source or for a person."""
    last = warehouse.rows(conn, "sweep/last", {"stream": stream})
    return bool(last) and last[0]["refused"]


def _is_due(conn: psycopg.Connection, stream: Stream, options: Mapping[str, Any], until: datetime) -> bool:
    found = warehouse.rows(conn, "sweep/last", {"stream": stream.name})
    conn.commit()
    if not found or found[0]["allowed"] is not None:
        return True
    return found[0]["began_at"] <= until - timedelta(hours=options.get("sweep_hours", HOURS))


def _list(conn: psycopg.Connection, keys: Callable[..., Iterator[list[str]]], client: Any, window: Window,
          mapping: Mapping[str, Any]) -> None:
    warehouse.run(conn, "sweep/listed_key")
    with conn.cursor() as db, db.copy(warehouse.statement("sweep/copy_keys")) as copy, \
            prefetched(keys(client, window, mapping)) as pages:
        for page in pages:
            for key in page:
                copy.write_row((key,))
    conn.execute("analyze listed_key")


def _bury_apart(conn: psycopg.Connection, stream: Stream, window: Window) -> Swept:
    """In a batch of their own."""
    batch = {"stream": stream.name, "since": window.since, "until": window.until}
    batch_id = warehouse.rows(conn, "landing/open_batch", batch)[0]["batch_id"]
    values = {"stream": stream.name, "batch_id": batch_id, "tombstone": TOMBSTONE.decode()}
    rows = warehouse.run(conn, "sweep/bury", values)
    warehouse.run(conn, "landing/close_batch", {"batch_id": batch_id, "rows": rows})
    return Swept(rows, batch_id)


def _write(conn: psycopg.Connection, stream: Stream, until: datetime, found: Found, swept: Swept) -> None:
    warehouse.run(conn, "sweep/write", {
        "stream": stream.name, "until": until, "batch_id": swept.batch_id,
        "state": "done" if swept.refused is None else "refused", **asdict(found)})


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
