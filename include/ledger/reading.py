"""How the next statements read, where Postgres would guess wrong, within the caller's transaction.

It does not know how many people a table has gained since it last counted, takes them for few, and looks at all others
for each of them: what takes a second then takes hours.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from include import warehouse


@contextmanager
def by_key(conn: psycopg.Connection) -> Iterator[None]:
    """A few persons among many: looked up through keys, one by one."""
    warehouse.run(conn, "ledger/by_key")
    yield
    warehouse.run(conn, "ledger/by_choice")


@contextmanager
def by_passes(conn: psycopg.Connection) -> Iterator[None]:
    """Everybody: each table is passed once and joined by hash."""
    warehouse.run(conn, "ledger/by_passes")
    yield
    warehouse.run(conn, "ledger/by_choice")
