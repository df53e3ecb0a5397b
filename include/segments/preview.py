"""What a segment would be, before anything is written: size, reach, consent, a masked sample.

Works on a definition that was never built, and on one that builds on such: those are computed on the way.
Everything happens in temporary tables of a transaction that is rolled back.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import psycopg

from include import mask, warehouse
from include.destinations.registry import DESTINATIONS
from include.errors import ConfigError, FatalError
from include.segments.cage import TIMEOUT_SECONDS, cause_of, collect, read_current_from
from include.segments.definition import Segment

SAMPLE_SIZE = 5


@dataclass(frozen=True)
class Reach:
    """Persons of a segment at one destination.

    :ivar audiences: what the segment feeds there; empty when it feeds nothing.
    :ivar with_identifier: have an address the destination takes.
    :ivar granted, withdrawn, unknown: consent for its purpose; the three add up to the size.
    :ivar reachable: have both, an address and consent.
    """

    destination: str
    purpose: str
    audiences: tuple[str, ...]
    with_identifier: int
    granted: int
    withdrawn: int
    unknown: int
    reachable: int


@dataclass(frozen=True)
class Preview:
    """What a segment would be if it were built now.

    :ivar visitors: members who never said who they are: of them a browser is known, and no platform can be sent them.
    :ivar would_enter, would_leave: against today's membership; all enter when it was never built.
    """

    segment: str
    version: str
    as_of: date
    size: int
    visitors: int
    persons: int
    would_enter: int
    would_leave: int
    built_version: str | None
    reach: tuple[Reach, ...]
    sample: tuple[Mapping[str, Any], ...]


@contextmanager
def _nothing_stays(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction that is always rolled back; a savepoint when the caller has one open."""
    with conn.transaction(force_rollback=True):
        yield


def _fill_below(
    conn: psycopg.Connection, segments: Mapping[str, Segment], name: str, as_of: date, timeout_seconds: int
) -> None:
    """Put the members of each segment that ``name`` builds on into the temporary table ``segment_preview``."""
    for below in segments[name].depends_on:
        if conn.execute("select from pg_temp.segment_preview_done where segment = %s", (below,)).fetchone():
            continue
        params = {"segment": below, "version": segments[below].version}
        if warehouse.rows(conn, "membership/built_version", {"segment": below}) == [{"version": params["version"]}]:
            warehouse.run(conn, "membership/preview_built", params)
        else:
            _compute(conn, segments, below, as_of, timeout_seconds)
            warehouse.run(conn, "membership/preview_computed", params)
        conn.execute("insert into pg_temp.segment_preview_done (segment) values (%s)", (below,))


def _compute(
    conn: psycopg.Connection, segments: Mapping[str, Segment], name: str, as_of: date, timeout_seconds: int
) -> int:
    segment = segments[name]
    text = segment.sql
    if segment.depends_on:
        _fill_below(conn, segments, name, as_of, timeout_seconds)
        text = read_current_from(text, "pg_temp", "segment_preview")
    return collect(conn, text, {**segment.binds, "as_of": as_of}, timeout_seconds=timeout_seconds)


def compute_members(
    conn: psycopg.Connection,
    segments: Mapping[str, Segment],
    name: str,
    *,
    as_of: date,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> int:
    """Fill the temporary table ``segment_people`` with a segment's persons; return how many. Call inside a transaction.

    :raises FatalError: Postgres refused the statement; the text carries no value of a row.
    """
    conn.execute(
        "create temporary table segment_preview (segment text not null, person_id uuid not null) on commit drop"
    )
    conn.execute("create temporary table segment_preview_done (segment text primary key) on commit drop")
    try:
        return _compute(conn, segments, name, as_of, timeout_seconds)
    except psycopg.Error as error:
        if conn.broken:
            raise
        raise FatalError(f"segment {name}: {cause_of(error, timeout_seconds)}") from None


def _sample(conn: psycopg.Connection) -> tuple[Mapping[str, Any], ...]:
    found = warehouse.rows(conn, "membership/preview_sample", {"sample_size": SAMPLE_SIZE})
    return tuple(
        {
            "person_id": str(row["person_id"]),
            "email": mask.email(row["email"]),
            "first_name": mask.word(row["first_name"]),
            "country": row["country"],
            "lifecycle": row["lifecycle"],
            "order_count": row["order_count"],
        }
        for row in found
    )


def _reach(conn: psycopg.Connection, segment: Segment) -> tuple[Reach, ...]:
    found = []
    for name, destination in DESTINATIONS.items():
        params = {"purpose": destination.purpose, "reachable_by": list(destination.identifiers)}
        counts = warehouse.rows(conn, "membership/preview_reach", params)[0]
        audiences = tuple(audience.key for audience in segment.audiences if audience.destination == name)
        found.append(Reach(destination=name, purpose=destination.purpose, audiences=audiences, **counts))
    return tuple(found)


def preview_segment(
    conn: psycopg.Connection,
    segments: Mapping[str, Segment],
    name: str,
    *,
    as_of: date,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> Preview:
    """Compute a segment without writing anything.

    :raises ConfigError: there is no such segment.
    :raises FatalError: Postgres refused its statement, or it took too long.
    """
    if name not in segments:
        raise ConfigError(f"There is no segment {name!r}; there are {', '.join(sorted(segments))}.")
    segment = segments[name]
    with _nothing_stays(conn):
        size = compute_members(conn, segments, name, as_of=as_of, timeout_seconds=timeout_seconds)
        change = warehouse.rows(conn, "membership/preview_change", {"segment": name})[0]
        built = warehouse.rows(conn, "membership/built_version", {"segment": name})
        return Preview(
            segment=name,
            version=segment.version,
            as_of=as_of,
            size=size,
            visitors=change["visitors"],
            persons=change["persons"],
            would_enter=change["would_enter"],
            would_leave=change["would_leave"],
            built_version=built[0]["version"] if built else None,
            reach=_reach(conn, segment),
            sample=_sample(conn),
        )
