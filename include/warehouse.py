"""The one door to Postgres: connections, statements kept in sql/, migrations.

A statement is a file and is run whole; values are bound by name, names are quoted by
``psycopg.sql``. Nothing here builds SQL from text.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.errors import ConfigError

SQL_ROOT = Path(__file__).resolve().parent.parent / "sql"
MIGRATION_LOCK = 7_210_001  # any constant: two migrators at once wait for each other
HISTORY = """
create table if not exists public.schema_migration (
    name text primary key,
    applied_at timestamptz not null default now()
)
"""


def connect(url: str, *, application_name: str = "audienceflow", autocommit: bool = False) -> psycopg.Connection:
    """Open a connection in UTC. The caller closes it; ``with`` commits or rolls back.

    :param url: libpq URL, ``postgresql://user:password@host:port/warehouse``.
    """
    return psycopg.connect(
        url,
        autocommit=autocommit,
        connect_timeout=5,
        application_name=application_name,
        options="-c timezone=UTC",
    )


@cache
def statement(name: str) -> str:
    """The text of ``sql/<name>.sql``.

    :param name: path below sql/ without the ending, as in ``"ledger/plan"``.
    :raises ConfigError: there is no such file.
    """
    path = SQL_ROOT / f"{name}.sql"
    if not path.is_file():
        raise ConfigError(f"sql/{name}.sql does not exist; a statement is asked for by its path below sql/.")
    return path.read_text(encoding="utf-8")


def has_statement(name: str) -> bool:
    """Whether there is a file ``sql/<name>.sql``."""
    return (SQL_ROOT / f"{name}.sql").is_file()


def run(conn: psycopg.Connection, name: str, params: Mapping[str, Any] | None = None) -> int:
    """Execute ``sql/<name>.sql`` with bound values and return the number of rows it touched."""
    return conn.execute(statement(name), params).rowcount


def rows(conn: psycopg.Connection, name: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """Execute ``sql/<name>.sql`` and return all rows as dicts; for results that fit in memory."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement(name), params).fetchall()


def migrations() -> list[Path]:
    """The migration files in their order; two files with one number are an error."""
    found = sorted((SQL_ROOT / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    numbers = [path.name[:4] for path in found]
    doubled = {number for number in numbers if numbers.count(number) > 1}
    if doubled:
        raise ConfigError(f"sql/migrations has two files numbered {min(doubled)}; give the newer one the next number.")
    return found


@contextmanager
def _migration_lock(conn: psycopg.Connection) -> Iterator[None]:
    conn.execute("select pg_advisory_lock(%s)", (MIGRATION_LOCK,))
    try:
        yield
    finally:
        conn.execute("select pg_advisory_unlock(%s)", (MIGRATION_LOCK,))


def migrate(url: str) -> list[str]:
    """Apply each migration that is not yet applied, one transaction a file; return their names.

    Safe to call at every start and from several processes at once.
    """
    applied = []
    with connect(url, autocommit=True) as conn, _migration_lock(conn):
        conn.execute(HISTORY)
        done = {name for (name,) in conn.execute("select name from public.schema_migration")}
        for path in migrations():
            if path.name in done:
                continue
            with conn.transaction():
                conn.execute(path.read_text(encoding="utf-8"))
                conn.execute("insert into public.schema_migration (name) values (%s)", (path.name,))
            applied.append(path.name)
    return applied
