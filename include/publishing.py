"""Publish a checked candidate to staging: in one transaction, or not at all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import sql

from include import warehouse
from include.candidate import (
    MANY_ROWS,
    CheckedStream,
    Staged,
    fill,
    fill_candidate,
    insert_staged,
    lock,
    names,
    staged_by_mapping,
    table_of,
    without_values,
)
from include.schema_contract import drift
from include.sources.shapes import PERSONAL

__all__ = ["Published", "fill_candidate", "publish_stream"]


@dataclass(frozen=True)
class Published:
    """What a publication did.

    :param rows: rows written to staging (entries, for orders and events).
    :param deleted: records that left staging because the source deleted them.
    :param quarantined: landed records held back.
    """

    rows: int
    deleted: int
    quarantined: int


_EARLIER = sql.SQL("insert into earlier_version ({columns}) select {columns} from ({staged}) as staged")
_INSERT = sql.SQL("insert into staging.{table} ({columns}) select {columns} from checking.{table}")


def publish_stream(
    conn: psycopg.Connection, stream: CheckedStream, *, staged: Staged = staged_by_mapping
) -> Published:
    """Bring the stream's checked candidate to staging and close its batches, in one transaction.

    Each record is replaced as a whole (all entries of an order). Records held in quarantine stay away, with one
    exception: a withdrawal of consent in a held version reaches the version staging holds. The last that a record said
    before its source deleted it is kept in ``staging.last_word`` when it is a withdrawal, in whichever of the versions
    since the last build of persons. Keys of records that changed go to ``staging.changed_record``.
    Safe to repeat: without a checked candidate nothing happens.
    """
    return without_values(f"{stream.name}: publishing to staging", lambda: _in_one_transaction(conn, stream, staged))


def _in_one_transaction(conn: psycopg.Connection, stream: CheckedStream, staged: Staged) -> Published:
    with conn.transaction():
        lock(conn, stream.name)
        found = warehouse.rows(conn, "publishing/checked_candidate", {"stream": stream.name})
        if not found:
            return Published(0, 0, 0)
        _refill_if_lost(conn, stream, found[0], staged)
        values = {"stream": stream.name, "batch_ids": found[0]["batch_ids"], "released_ids": found[0]["released_ids"]}
        with names(conn, stream.name):
            done = _publish(conn, stream, values, staged)
        if done.rows >= MANY_ROWS:  # what builds on staging plans with these
            conn.execute(sql.SQL("analyze staging.{}").format(sql.Identifier(table_of(stream.name))))
        conn.execute("delete from checking.candidate where stream = %(stream)s", values)
        conn.execute("delete from checking.deletion where stream = %(stream)s", values)
        conn.execute(sql.SQL("truncate checking.{}").format(sql.Identifier(table_of(stream.name))))
    return done


def _publish(
    conn: psycopg.Connection, stream: CheckedStream, values: Mapping[str, Any], staged: Staged
) -> Published:
    """The steps, in an order that matters: quarantine is settled before rows go, counts are taken while they stand."""
    warehouse.run(conn, "publishing/supersede", values)
    if stream.shape == "person_record":
        _queue(conn, stream, warehouse.rows(conn, "publishing/carry_withdrawals", values))
    warehouse.run(conn, "publishing/drop_held", values)
    quarantined = _held(conn, values)
    warehouse.run(conn, "publishing/settle_released", values)
    said = _last_words(conn, stream, values, staged) if stream.shape == "person_record" else []
    gone = warehouse.rows(conn, "publishing/delete_gone", values)
    if stream.shape in PERSONAL:
        _queue(conn, stream, list({row["record_key"]: row for row in [*gone, *said]}.values()))
    warehouse.run(conn, "publishing/remember_deleted", values)
    warehouse.run(conn, "publishing/forget_deleted", values)
    warehouse.run(conn, "publishing/delete_replaced", values)
    rows = _insert(conn, stream)
    if stream.shape in PERSONAL:
        warehouse.run(conn, "publishing/queue_changes", values)
    drift.learn(conn, stream.name, values["batch_ids"])
    warehouse.run(conn, "publishing/close_batches", values)
    return Published(rows, len(gone), quarantined)


def _last_words(
    conn: psycopg.Connection, stream: CheckedStream, values: Mapping[str, Any], staged: Staged
) -> list[dict[str, Any]]:
    """Keep the withdrawals of records that are deleted now, also of versions that landed beside the deletion."""
    conn.execute(
        "create temporary table earlier_version (like checking.person_record including defaults including generated)"
    )
    [earlier] = warehouse.rows(conn, "publishing/earlier_versions", values)
    if earlier["raw_ids"]:
        statement, bound = staged(stream, values["batch_ids"])
        insert_staged(conn, stream, _EARLIER, (statement, {**bound, "version_ids": earlier["raw_ids"]}), values)
    kept = warehouse.rows(conn, "publishing/keep_last_words", values)
    conn.execute("drop table pg_temp.earlier_version")
    return kept


def _refill_if_lost(conn: psycopg.Connection, stream: CheckedStream, candidate: Mapping[str, Any],
                    staged: Staged) -> None:
    """After a crash of the server an unlogged table is empty; what was in it follows from raw."""
    count = conn.execute(sql.SQL("select count(*) from checking.{}").format(
        sql.Identifier(table_of(stream.name)))).fetchone()[0]
    if count == candidate["row_count"]:
        return
    batches = conn.execute("select distinct batch_id from ops.quarantine where raw_id = any(%(ids)s)",
                           {"ids": candidate["released_ids"]}).fetchall()
    fill(conn, stream, candidate["batch_ids"], candidate["released_ids"], [batch for (batch,) in batches], staged)


def _held(conn: psycopg.Connection, values: Mapping[str, Any]) -> int:
    return conn.execute(
        "select count(distinct raw_id) from ops.quarantine where batch_id = any(%(batch_ids)s) and state = 'held'",
        values,
    ).fetchone()[0]


def _insert(conn: psycopg.Connection, stream: CheckedStream) -> int:
    columns = sql.SQL(", ").join(
        sql.Identifier(row["column_name"])
        for row in warehouse.rows(conn, "publishing/columns", {"shape": stream.shape})
    )
    return conn.execute(_INSERT.format(table=sql.Identifier(table_of(stream.name)), columns=columns)).rowcount


def _queue(conn: psycopg.Connection, stream: CheckedStream, changed: Sequence[Mapping[str, Any]]) -> None:
    warehouse.run(conn, "publishing/queue_keys", {
        "stream": stream.name,
        "record_keys": [row["record_key"] for row in changed],
        "batch_ids": [row["batch_id"] for row in changed],
    })


def blocked_streams(conn: psycopg.Connection, at: datetime) -> list[str]:
    """Names of the streams whose landed rows wait behind a failed check, but for those that were set aside."""
    return [row["stream"] for row in warehouse.rows(conn, "publishing/blocked_streams", {"at": at})]


def set_aside(
    conn: psycopg.Connection, stream: str, *, who: str, why: str, hours: int, at: datetime
) -> datetime | None:
    """Let persons be built without what a stream landed and could not publish, for some hours; audited, commits.

    The other sources' news, withdrawals of consent among them, go on to the audiences; the stream's own rows stay
    behind the check.

    :returns: until when; None: nothing of the stream waits.
    """
    with conn.transaction():
        values = {"stream": stream, "who": who, "why": why, "hours": hours, "at": at}
        found = warehouse.rows(conn, "publishing/set_aside", values)
        if found:
            conn.execute(
                "insert into ops.audit (actor, action, subject, details)"
                " values (%(who)s, 'stream set aside', %(stream)s,"
                " jsonb_build_object('hours', %(hours)s::int, 'why', %(why)s::text))",
                values,
            )
    conn.commit()
    return found[0]["until_at"] if found else None


def anything_changed(conn: psycopg.Connection) -> bool:
    """Whether anything was published since the last build of persons."""
    [row] = warehouse.rows(conn, "publishing/anything_changed")
    return row["anything"]
