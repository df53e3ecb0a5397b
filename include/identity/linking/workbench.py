"""A DuckDB of one run: in memory, spilling into one folder, without a way to the network."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from psycopg import sql

from include.identity.linking.fields import WHOLE_NAME, Field

MEMORY = "2GB"  # beyond it DuckDB spills
THREADS = 2

# Lower case, without accents; whatever is neither letter nor digit parts words.
_WORDS = sql.SQL("nullif(trim(regexp_replace(strip_accents(lower({column}::varchar)), '[^[:alnum:]]+', ' ', 'g')), '')")
_NO_BLANKS = sql.SQL("nullif(replace({words}, ' ', ''), '')")


@contextmanager
def workbench(folder: Path, *, memory: str = MEMORY) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a database of this run's own; nothing of it is left.

    :param folder: where it spills when memory is short. It holds personal data while the run lasts.
    """
    settings = {
        "temp_directory": str(folder),
        "memory_limit": memory,
        "threads": THREADS,
        "autoinstall_known_extensions": "false",  # never ask the network for an extension
        "autoload_known_extensions": "false",
        "preserve_insertion_order": "true",
    }
    conn = duckdb.connect(":memory:", config=settings)
    conn.execute("set enable_progress_bar = false")  # else it draws into the log of a task
    try:
        yield conn
    finally:
        conn.close()


def clean(conn: duckdb.DuckDBPyConnection, table: pa.Table, fields: Sequence[Field]) -> None:
    """Make ``record``: one row per row of ``table``, in its order, values in a form that can be compared.

    :param table: ``row`` (0, 1, 2, …), ``source`` (int), and the columns of ``fields``.
    """
    conn.register("given_records", table)
    columns = [sql.SQL("row"), sql.SQL("source")]
    columns += [sql.SQL("{} as {}").format(_cleaned(field), sql.Identifier(field.name)) for field in fields]
    run(
        conn,
        sql.SQL("create or replace table record as select {} from given_records order by row").format(
            sql.SQL(", ").join(columns)
        ),
    )
    names = [sql.Identifier(field.name) for kind in ("given", "family") for field in fields if field.kind == kind]
    if len(names) == 2:
        run(conn, sql.SQL("alter table record add column {} varchar").format(sql.Identifier(WHOLE_NAME)))
        run(
            conn,
            sql.SQL("update record set {} = nullif(concat_ws(' ', {}), '')").format(
                sql.Identifier(WHOLE_NAME), sql.SQL(", ").join(names)
            ),
        )
    conn.unregister("given_records")


def run(conn: duckdb.DuckDBPyConnection, statement: sql.Composable) -> duckdb.DuckDBPyConnection:
    """Execute a statement whose names were quoted by ``psycopg.sql``; DuckDB quotes as Postgres does."""
    return conn.execute(statement.as_string())


def _cleaned(field: Field) -> sql.Composed:
    words = _WORDS.format(column=sql.Identifier(field.name))
    return _NO_BLANKS.format(words=words) if field.kind in ("code", "date") else words
