"""Who entered and who left each segment: one transaction a segment, one failure does not stop the others."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import psycopg

from include import warehouse
from include.errors import FatalError
from include.segments.cage import TIMEOUT_SECONDS, cause_of, collect
from include.segments.definition import Segment, load_definitions

BUILD_LOCK = 7_210_006  # any constant: two builders at once wait for each other


@dataclass(frozen=True)
class SegmentBuilt:
    """What one build did; persons.

    :ivar alert: set when the segment is outside its limits.
    """

    segment: str
    version: str
    owner: str
    size: int
    entered: int
    left: int
    seconds: float
    alert: str | None


class SegmentBuildError(FatalError):
    """Some segments could not be built; the others were.

    :ivar failed: segment → what went wrong.
    :ivar built: those that were built.
    :ivar owners: segment that failed → who owns it.
    """

    def __init__(self, failed: Mapping[str, str], built: list[SegmentBuilt], owners: Mapping[str, str]) -> None:
        listed = "; ".join(f"{name}: {cause}" for name, cause in failed.items())
        super().__init__(
            f"{len(failed)} of {len(failed) + len(built)} segments were not built and keep their members: {listed}"
        )
        self.causes = tuple(f"build of segment {name}" for name in failed)
        self.failed = dict(failed)
        self.built = built
        self.owners = dict(owners)


@contextmanager
def _alone(conn: psycopg.Connection) -> Iterator[None]:
    conn.commit()  # what the caller had open: each segment is a transaction of its own
    conn.execute("select pg_advisory_lock(%s)", (BUILD_LOCK,))
    conn.commit()
    try:
        yield
    finally:
        if not conn.broken:
            conn.rollback()
            conn.execute("select pg_advisory_unlock(%s)", (BUILD_LOCK,))
            conn.commit()


def build_segments(
    conn: psycopg.Connection,
    *,
    as_of: date,
    definitions: Mapping[str, Segment] | None = None,
    timeout_seconds: int = TIMEOUT_SECONDS,
) -> list[SegmentBuilt]:
    """Bring the membership of every segment in line with its definition, as of the end of a day.

    Safe to repeat: with the same data the same day changes nobody. Commits what the caller had open.

    :param definitions: all segments there are; read from sql/segments/ when None. Who is in any other leaves.
    :param timeout_seconds: what one segment's statement may take.
    :raises ConfigError: a file is wrong; nothing was built.
    :raises SegmentBuildError: some could not be built, or build on one that could not.
    """
    segments = load_definitions() if definitions is None else definitions
    built: list[SegmentBuilt] = []
    failed: dict[str, str] = {}
    with _alone(conn):
        for segment in segments.values():
            below = [name for name in segment.depends_on if name in failed]
            if below:
                failed[segment.name] = f"builds on {', '.join(below)}"
                continue
            try:
                with conn.transaction():
                    built.append(build_segment(conn, segment, as_of, timeout_seconds))
            except psycopg.Error as error:
                if conn.broken:
                    raise
                failed[segment.name] = cause_of(error, timeout_seconds)
            except FatalError as error:
                failed[segment.name] = str(error)
        with conn.transaction():
            warehouse.run(conn, "membership/retire", {"segments": list(segments)})
            warehouse.run(conn, "membership/clear_overlap")
            warehouse.run(conn, "membership/fill_overlap", {"segments": list(segments), "as_of": as_of})
    if failed:
        raise SegmentBuildError(failed, built, {name: segments[name].owner for name in failed})
    return built


def build_segment(conn: psycopg.Connection, segment: Segment, as_of: date, timeout_seconds: int) -> SegmentBuilt:
    """Bring the membership of one segment in line with its definition, in the caller's transaction and under its lock.

    :raises FatalError: it was built for a later day already.
    :raises psycopg.Error: what its statement did wrong.
    """
    started = time.monotonic()
    moment = warehouse.rows(conn, "membership/moment", {"segment": segment.name})[0]
    if moment["newest_as_of"] is not None and as_of < moment["newest_as_of"]:
        raise FatalError(
            f"as_of {as_of} lies before its newest build ({moment['newest_as_of']}); membership only moves forward. "
            f"See the past with segment.members_at, try a rule on it with `segment preview --as-of`"
        )
    size = collect(conn, segment.sql, {**segment.binds, "as_of": as_of}, timeout_seconds=timeout_seconds)
    entered, left = _move(conn, segment, moment["at"])
    alert = _alert(conn, segment, size, as_of)
    seconds = time.monotonic() - started
    warehouse.run(
        conn,
        "membership/record_build",
        {
            "segment": segment.name,
            "version": segment.version,
            "as_of": as_of,
            "at": moment["at"],
            "size": size,
            "entered": entered,
            "left_count": left,
            "seconds": seconds,
            "alert": alert,
        },
    )
    return SegmentBuilt(segment.name, segment.version, segment.owner, size, entered, left, seconds, alert)


def _move(conn: psycopg.Connection, segment: Segment, at: datetime) -> tuple[int, int]:
    params: dict[str, Any] = {"segment": segment.name, "version": segment.version, "at": at}
    warehouse.run(
        conn,
        "membership/remember_definition",
        {
            **params,
            "title": segment.title,
            "owner": segment.owner,
            "front_matter": segment.front_matter_json,
            "body": segment.body,
        },
    )
    left = warehouse.run(conn, "membership/leave", params)
    return warehouse.run(conn, "membership/enter", params), left


def _alert(conn: psycopg.Connection, segment: Segment, size: int, as_of: date) -> str | None:
    """What is outside the limits, in one sentence; a segment that lost everybody is always told."""
    limits = segment.limits
    found = []
    if limits.min_size is not None and size < limits.min_size:
        found.append(f"has {size} persons, fewer than min_size {limits.min_size}")
    if limits.max_size is not None and size > limits.max_size:
        found.append(f"has {size} persons, more than max_size {limits.max_size}")
    before = warehouse.rows(conn, "membership/change_since", {"segment": segment.name, "as_of": as_of})
    if before and before[0]["size"]:
        earlier, changed = before[0]["size"], before[0]["changed"]
        if size == 0:
            found.append(f"is empty, had {earlier} persons")
        elif limits.max_change_share is not None and changed > limits.max_change_share * earlier:
            found.append(
                f"changed by {changed} of {earlier} persons, more than max_change_share {limits.max_change_share}"
            )
    return "; ".join(found) or None
