"""What a load will take, told before its first page: records, calls, hours, by the platform's own count."""

import logging
import math
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from include import warehouse
from include.errors import AudienceflowError
from include.sources.pages import Window, page_size
from include.sources.registry import Stream

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Estimate:
    """A load as it was expected; ``records`` None: the platform does not tell.

    :param seconds: by the account's limits; the platform may be slower.
    """

    records: int | None
    calls: int | None
    seconds: float | None


@dataclass(frozen=True)
class Progress:
    """The newest estimate of a stream's load, and how far it has come.

    :param landed: records landed since the estimate was made.
    """

    stream: str
    estimated_at: datetime
    records: int | None
    calls: int | None
    hours: float | None
    landed: int
    done: bool


def estimate(stream: Stream, client: Any, window: Window, mapping: Any) -> Estimate:
    """Ask the platform how many records a window holds; one or two calls.

    A platform that refuses to count stops no load.
    """
    if stream.load is None:
        return Estimate(None, None, None)
    try:
        records = stream.load.total(client, window, mapping)
    except AudienceflowError as error:
        _log.info("%s: the platform did not say how much there is: %s", stream.name, error)
        records = None
    if records is None:
        return Estimate(None, None, None)
    calls = math.ceil(records / page_size(mapping, stream.load.page))
    return Estimate(records, calls, calls / stream.load.calls_a_second)


def write(conn: psycopg.Connection, stream: Stream, client: Any, window: Window, mapping: Any) -> Estimate:
    """Estimate, log it, and keep it in ops.load_estimate; commits."""
    found = estimate(stream, client, window, mapping)
    if found.records is None or found.calls is None or found.seconds is None:
        _log.info("%s: a load of unknown size begins; the platform tells no total.", stream.name)
    else:
        _log.info("%s: a load of %d records begins, in %d calls, about %.1f h", stream.name, found.records,
                  found.calls, found.seconds / 3600)
    warehouse.run(conn, "landing/write_estimate",
                  {"stream": stream.name, "since": window.since, "until": window.until, **asdict(found)})
    conn.commit()
    return found


def newest(conn: psycopg.Connection, stream: str | None = None) -> list[Progress]:
    """The newest estimate of each stream, or of one, with how far its load has come; by name."""
    return [Progress(**row) for row in warehouse.rows(conn, "landing/estimates", {"stream": stream})]
