"""The candidate of a stream: what its open batches would bring to staging, in a table of its own.

The table ``checking.<source>_<table>`` is made anew by each fill, from the stream's statement
``Stream.staging_statement`` over all batches that landed and are not yet published. Left out are
versions that staging already holds (same payload) and versions older than the one staging holds.

One statement serves every stream, so names of tables are ``psycopg.sql.Identifier``; the statements in
sql/publishing speak of ``candidate`` and ``published``, temporary views over the stream's two tables.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import psycopg
from psycopg import sql

from include import warehouse
from include.errors import FatalError


class CheckedStream(Protocol):
    """What the gate needs to know of a stream; ``include.sources.registry.Stream`` has it."""

    name: str
    shape: str
    suite: str


T = TypeVar("T")
Staged = Callable[[Any, Sequence[int]], tuple[str, Mapping[str, Any]]]


@dataclass(frozen=True)
class Candidate:
    """What a fill left in the candidate table.

    :param table: its name in schema ``checking``.
    :param batch_ids: open batches it is made of, oldest first.
    :param released_ids: ``raw_id`` of released rows whose batch was published before.
    :param report_batch_id: the batch that check results are filed under; None: nothing is open.
    :param rows: rows of the table (entries, for orders and events).
    :param deletions: records the source deleted.
    """

    stream: str
    table: str
    batch_ids: tuple[int, ...]
    released_ids: tuple[int, ...]
    report_batch_id: int | None
    rows: int
    deletions: int


_CREATE = sql.SQL(
    "create unlogged table checking.{table} (like checking.{shape} including defaults including generated)"
)
_VIEW = sql.SQL("create temporary view {view} as select * from {schema}.{table}")
_FILL = sql.SQL("insert into candidate ({columns}) select {columns} from ({staged}) as staged")
_FILL_RELEASED = sql.SQL("""
insert into candidate ({columns})
select {columns}
from ({staged}) as staged
where
    staged.raw_id = any(%(released_ids)s::bigint[])
    and not exists (select from candidate as c where c.record_key = staged.record_key)
    and not exists (
        select from checking.deletion as d
        where
            d.stream = %(stream)s
            and d.record_key = staged.record_key
    )
""")
_ANALYZE_RAW = sql.SQL("analyze raw.{} (stream, batch_id, record_key, raw_id)")
MANY_ROWS = 10_000  # from here on a plan made for the few rows of yesterday's statistics is a slow one


def table_of(stream: str) -> str:
    """The table of a stream in schemas ``staging`` and ``checking``: ``hubspot.contacts`` is ``hubspot_contacts``."""
    return stream.replace(".", "_")


def staged_by_mapping(stream: CheckedStream, batch_ids: Sequence[int]) -> tuple[str, Mapping[str, Any]]:
    """The stream's staging statement and its bound values (mapping and batches)."""
    from include.sources import registry
    from include.sources.mapping import staging_parameters

    statement = warehouse.statement(registry.stream(stream.name).staging_statement)
    return statement, staging_parameters(stream.name, list(batch_ids))


@contextmanager
def names(conn: psycopg.Connection, stream: str) -> Iterator[None]:
    """Let ``candidate`` and ``published`` mean this stream's two tables; inside one transaction."""
    views = {"candidate": "checking", "published": "staging"}
    for view, schema in views.items():
        conn.execute(_VIEW.format(view=sql.Identifier("pg_temp", view), schema=sql.Identifier(schema),
                                  table=sql.Identifier(table_of(stream))))
    yield
    conn.execute("drop view pg_temp.candidate, pg_temp.published")


def without_values(doing: str, action: Callable[[], T]) -> T:
    """Do it; turn Postgres' complaint about a value into one that does not repeat the value.

    :raises FatalError: names the column or constraint. It is raised outside the handler, since an exception that
        is raised inside takes the first one along, and logs print that too.
    """
    try:
        return action()
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        place = error.diag.column_name or error.diag.constraint_name or "a column it does not name"
        refusal = FatalError(f"{doing}: Postgres refuses {place} ({type(error).__name__}, {error.sqlstate}); mend the "
                             "staging statement or the mapping, then clear the task.", code=error.sqlstate)
    raise refusal


def fill_candidate(conn: psycopg.Connection, stream: CheckedStream, *, staged: Staged = staged_by_mapping) -> Candidate:
    """Make the stream's candidate table anew. Safe to repeat; joins the caller's transaction if there is one.

    Released rows of published batches come last: where the record is in an open batch, that version wins.

    :param staged: gives the staging statement and its values for some batches.
    :raises FatalError: the staging statement made a value its column cannot hold.
    """
    with conn.transaction():
        lock(conn, stream.name)
        opened = warehouse.rows(conn, "publishing/open_batches", {"stream": stream.name})[0]
        if opened["landed_rows"] >= MANY_ROWS:
            conn.execute(_ANALYZE_RAW.format(sql.Identifier(table_of(stream.name))))
        return fill(conn, stream, opened["batch_ids"], opened["released_ids"], opened["released_batch_ids"], staged)


def fill(conn: psycopg.Connection, stream: CheckedStream, batch_ids: Sequence[int], released_ids: Sequence[int],
         released_batch_ids: Sequence[int], staged: Staged) -> Candidate:
    """Make the candidate table of given batches and released rows; the caller holds the lock and the transaction."""
    table = table_of(stream.name)
    conn.execute(sql.SQL("drop table if exists checking.{}").format(sql.Identifier(table)))
    conn.execute("delete from checking.deletion where stream = %(stream)s", {"stream": stream.name})
    conn.execute(_CREATE.format(table=sql.Identifier(table), shape=sql.Identifier(stream.shape)))
    bound = {"stream": stream.name, "batch_ids": list(batch_ids)}
    deletions = 0
    with names(conn, stream.name):
        if batch_ids:
            insert_staged(conn, stream, _FILL, staged(stream, batch_ids), bound)
            conn.execute(sql.SQL("analyze checking.{}").format(sql.Identifier(table)))
            if stream.shape != "person_record":  # a person's deletion is a row; an order that is gone has none
                deletions = warehouse.run(conn, "publishing/vanished_records", bound)
            _drop_known(conn, bound)
        if released_ids:
            released = {**bound, "released_ids": list(released_ids)}
            insert_staged(conn, stream, _FILL_RELEASED, staged(stream, released_batch_ids), released)
            _drop_known(conn, bound)
        if stream.shape == "person_record":
            deletions = warehouse.run(conn, "publishing/move_deletions", bound)
        count = conn.execute("select count(*) from candidate").fetchone()[0]
    warehouse.run(conn, "publishing/remember_candidate", {
        "stream": stream.name, "batch_ids": list(batch_ids), "released_ids": list(released_ids), "row_count": count})
    report = max(batch_ids, default=None) or max(released_batch_ids, default=None)
    return Candidate(stream.name, table, tuple(batch_ids), tuple(released_ids), report, count, deletions)


def insert_staged(conn: psycopg.Connection, stream: CheckedStream, insert: sql.SQL,
                  staged: tuple[str, Mapping[str, Any]],
                  bound: Mapping[str, Any]) -> None:
    """Put what a staging statement gives, with its values, into the table that ``insert`` names.

    :raises FatalError: it made a value its column cannot hold.
    """
    statement, values = staged
    columns = sql.SQL(", ").join(
        sql.Identifier(row["column_name"])
        for row in warehouse.rows(conn, "publishing/columns", {"shape": stream.shape})
    )
    query = insert.format(columns=columns, staged=sql.SQL(statement.rstrip().rstrip(";") + "\n"))
    without_values(f"{stream.name}: filling the candidate table", lambda: conn.execute(query, {**bound, **values}))


def _drop_known(conn: psycopg.Connection, bound: Mapping[str, Any]) -> None:
    """Leave what is no news: versions that staging holds, or had deleted, and versions older than those."""
    warehouse.run(conn, "publishing/drop_known", bound)
    warehouse.run(conn, "publishing/drop_deleted", bound)


def lock(conn: psycopg.Connection, stream: str) -> None:
    """Wait until nobody else fills or publishes this stream; until the end of the transaction."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended('checking.' || %(stream)s, 0))", {"stream": stream})
