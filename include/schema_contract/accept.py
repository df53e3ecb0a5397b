"""What a stream is known to be made of, what changed, and who lets a change pass."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.errors import FatalError


@dataclass(frozen=True)
class Change:
    """One row of ``ops.schema_drift``."""

    drift_id: int
    stream: str
    part: str
    path: str
    kind: str
    expected: str
    found: str
    mode: str
    state: str
    rows: int
    of_rows: int
    first_seen_at: datetime
    last_seen_at: datetime
    decided_by: str | None


@dataclass(frozen=True)
class Column:
    """One known column of a stream, with the records it was in."""

    part: str
    path: str
    types: str
    state: str
    rows: int
    of_rows: int
    first_seen_at: datetime
    last_seen_at: datetime


def changes(conn: psycopg.Connection, *, stream: str | None = None, waiting: bool = True) -> list[Change]:
    """Changes by stream, newest first.

    :param waiting: only those that wait for somebody (open, discarded).
    """
    found = warehouse.rows(conn, "contract/changes", {"stream": stream, "waiting": waiting})
    return [Change(**row) for row in found]


def columns(conn: psycopg.Connection, stream: str) -> list[Column]:
    """The known columns of a stream, by path."""
    return [Column(**row) for row in warehouse.rows(conn, "contract/columns", {"stream": stream})]


def accept(conn: psycopg.Connection, stream: str, *, who: str, paths: Sequence[str] = ()) -> list[Change]:
    """Let changes of a stream pass, from its next check on; each with a row in ``ops.audit``. Safe to repeat.

    :param paths: only changes of these columns; none: all that wait.
    :returns: what was accepted by this call.
    :raises FatalError: nobody answers for it.
    """
    if not who.strip():
        raise FatalError("An accepted change needs the name of the person who decides; say who.")
    with conn.transaction():
        found = warehouse.rows(conn, "contract/accept", {"stream": stream, "paths": list(paths) or None, "who": who})
        accepted = [Change(**row) for row in found]
        warehouse.run(conn, "contract/adopt_columns", {"stream": stream, "paths": [one.path for one in accepted]})
        for one in accepted:
            details = {
                "part": one.part,
                "path": one.path,
                "kind": one.kind,
                "expected": one.expected,
                "found": one.found,
                "rows": one.rows,
            }
            warehouse.run(conn, "contract/audit", {"who": who, "stream": stream, "details": Jsonb(details)})
    return accepted
