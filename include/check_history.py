"""What a check compares a batch with: the stream's own history of volume and freshness."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

import psycopg
from psycopg import sql

from include import warehouse
from include.candidate import Candidate, names

ALL_ROWS = 2**53  # no volume limit: more rows than a table can hold
HAPPENED = {"order_entry": "occurred_at", "event": "occurred_at", "report_row": "on_date"}
_NEWEST = sql.SQL("""
update ops.batch
set newest_at = (
    select max(c.{column}) from candidate as c where c.{column} <= ops.batch.landed_at
)
where batch_id = %(batch_id)s
""")


@dataclass(frozen=True)
class Freshness:
    """How old the newest record of a stream is, against its own past.

    :param age: of the newest record, when the newest batch was landed.
    :param allowed: half as much again as on nine in ten of its last 28 days, an hour at least.
    :param judged: False: fewer than seven days of history, or nothing that tells an age.
    """

    age: timedelta | None
    allowed: timedelta | None
    judged: bool

    @property
    def stale(self) -> bool:
        return self.judged and self.age is not None and self.allowed is not None and self.age > self.allowed

    @property
    def text(self) -> str:
        return f"the newest record is {_hours(self.age)} old, at most {_hours(self.allowed)} is usual"

    def result(self, severity: Literal["info", "critical"]) -> dict[str, Any]:
        """As a row of ``ops.check_result``."""
        return {
            "rule": "freshness",
            "column_name": None,
            "severity": severity,
            "passed": not self.stale,
            "checked_rows": None,
            "failed_rows": None,
            "details": {
                "text": self.text if self.judged else None,
                "age": _hours(self.age),
                "allowed": _hours(self.allowed),
                "judged": self.judged,
            },
        }


def parameters(conn: psycopg.Connection, candidate: Candidate) -> dict[str, Any]:
    """Values for ``$PARAMETER``; volumes are in rows of the candidate, history is in landed records."""
    found = warehouse.rows(
        conn,
        "quality/parameters",
        {"stream": candidate.stream, "batch_ids": [*candidate.batch_ids, candidate.report_batch_id]},
    )[0]
    with names(conn, candidate.stream):
        records = warehouse.rows(conn, "quality/count_records", {"stream": candidate.stream})[0]["records"]
    conn.commit()
    rows_a_record = candidate.rows / records if records else 1.0
    most = found["volume_max"]
    return {
        "latest_at": found["latest_at"].isoformat(),
        "latest_on": found["latest_on"].isoformat(),
        "volume_min": math.floor(found["volume_min"] * rows_a_record),
        "volume_max": ALL_ROWS if most is None else math.ceil(most * rows_a_record),
    }


def note_newest(conn: psycopg.Connection, stream: str, shape: str, batch_ids: Sequence[int]) -> None:
    """Keep the newest moment the candidate tells of with the newest of its batches. What lies ahead of its landing is
    no moment."""
    if not batch_ids:
        return
    column = sql.Identifier(HAPPENED.get(shape, "changed_at"))
    with names(conn, stream):
        conn.execute(_NEWEST.format(column=column), {"batch_id": max(batch_ids)})


def freshness(conn: psycopg.Connection, stream: str) -> Freshness:
    """The stream's age as of its newest batch."""
    found = warehouse.rows(conn, "quality/freshness", {"stream": stream})
    return Freshness(**found[0]) if found else Freshness(None, None, False)


@dataclass(frozen=True)
class Silence:
    """For how long a stream has landed nothing new."""

    stream: str
    silent_for: timedelta
    allowed: timedelta

    @property
    def too_long(self) -> bool:
        return self.silent_for > self.allowed

    @property
    def text(self) -> str:
        if not self.too_long:
            return "lands records again"
        return f"has landed nothing new for {_hours(self.silent_for)}, at most {_hours(self.allowed)} is usual"


def silences(conn: psycopg.Connection, at: Any) -> list[Silence]:
    """Every stream with at least seven days of history, however long it has been silent."""
    return [Silence(**row) for row in warehouse.rows(conn, "quality/silences", {"at": at})]


def _hours(span: timedelta | None) -> str:
    return "unknown" if span is None else f"{span.total_seconds() / 3600:,.1f} h"
