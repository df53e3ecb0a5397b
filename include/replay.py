"""Make staging again from raw, for the batches of a span of time: no platform is called.

The batches are opened once more and go the way every batch goes: read by today's mapping, checked by today's suite,
published in one transaction. What staging holds of later batches stays, what is held in quarantine stays held, what a
person released stays released. When the check stops the batches, staging is as it was.
"""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from include import quality, warehouse
from include.errors import AudienceflowError
from include.publishing import publish_stream
from include.sources.registry import Stream


@dataclass(frozen=True)
class Replayed:
    """What a replay did: batches opened once more, rows written to staging, records that left it, records held back."""

    batches: int
    rows: int
    deleted: int
    quarantined: int


def replay(conn: psycopg.Connection, url: str, stream: Stream, *, since: datetime, until: datetime) -> Replayed:
    """Bring what the stream landed in [since, until) to staging anew; commits.

    Killed on the way, the stream's next check and publication finish it.

    :param url: libpq URL of the same warehouse, for the check.
    :raises CriticalCheckError: today's suite stops the batches; nothing has changed.
    """
    span = {"stream": stream.name, "since": since, "until": until}
    batches = warehouse.run(conn, "replay/open", span)
    conn.commit()
    if not batches:
        return Replayed(0, 0, 0, 0)
    try:
        quality.check_stream(conn, url, stream)
        done = publish_stream(conn, stream)
        conn.commit()
    except AudienceflowError:
        conn.rollback()
        warehouse.run(conn, "replay/give_up", span)
        conn.commit()
        raise
    return Replayed(batches, done.rows, done.deleted, done.quarantined)
