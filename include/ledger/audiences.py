"""Which audiences there are: declared in the front matters of segments, kept in ``audience.audience``."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Audience, Destination
from include.errors import ConfigError
from include.ledger.audience_files import read_global_control, read_priorities
from include.segments.control import Control
from include.segments.definition import load_definitions

_REMOTE_ID = "update audience.audience set remote_id = %s where audience_id = %s"


@dataclass(frozen=True)
class Declared:
    """One audience as the files declare it.

    :param options: as written, with the segment's ``limits``.
    :param controls: the control groups that are kept out of it.
    :param priority: name of the priority list it is on, and its place there from 1.
    """

    destination: str
    key: str
    segment: str
    purpose: str
    options: Mapping[str, Any] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    priority: tuple[str, int] | None = None


def from_files() -> list[Declared]:
    """The audiences that the files in sql/segments name, with control groups and lists of sql/audiences.

    :raises ConfigError: a file is wrong, or two claim one audience.
    """
    segments = load_definitions().values()
    priorities = read_priorities({(one.destination, one.key) for segment in segments for one in segment.audiences})
    everywhere = read_global_control()
    return [
        Declared(
            audience.destination,
            audience.key,
            segment.name,
            audience.purpose,
            {
                **audience.options,
                "limits": {name: limit for name, limit in asdict(segment.limits).items() if limit is not None},
            },
            tuple(control for control in (everywhere, audience.control) if control is not None),
            priorities.get((audience.destination, audience.key)),
        )
        for segment in segments
        for audience in segment.audiences
    ]


def register(conn: psycopg.Connection, declared: Iterable[Declared] | None = None) -> int:
    """Write what the files declare; audiences that no file names become inactive, and the next sync empties them.

    :param declared: None reads sql/segments.
    :returns: how many audiences are active.
    :raises ConfigError: two files claim one audience.
    """
    audiences = from_files() if declared is None else list(declared)
    owners: dict[tuple[str, str], str] = {}
    for one in audiences:
        other = owners.setdefault((one.destination, one.key), one.segment)
        if other != one.segment:
            raise ConfigError(
                f"{one.segment}: {one.destination} audience {one.key!r} already belongs to {other}; rename one."
            )
    with conn.transaction():
        for one in audiences:
            warehouse.run(
                conn,
                "ledger/register_audience",
                {
                    "destination": one.destination,
                    "key": one.key,
                    "segment": one.segment,
                    "purpose": one.purpose,
                    "options": orjson.dumps(dict(one.options)).decode(),
                    "controls": orjson.dumps(one.controls).decode(),
                    "priority_list": one.priority[0] if one.priority else None,
                    "priority_rank": one.priority[1] if one.priority else None,
                },
            )
        warehouse.run(
            conn,
            "ledger/retire_audiences",
            {
                "destinations": [one.destination for one in audiences],
                "keys": [one.key for one in audiences],
            },
        )
    return len(audiences)


def of_destination(conn: psycopg.Connection, destination: str) -> list[Audience]:
    """The audiences of a destination that are declared or still hold somebody, by key."""
    return [Audience(**row) for row in warehouse.rows(conn, "ledger/audiences", {"destination": destination})]


def of_same_list(conn: psycopg.Connection, audience: Audience) -> list[Audience]:
    """The audiences of its priority list, the highest first, itself among them; none when it is on no list."""
    key = {"audience_id": audience.audience_id}
    return [Audience(**row) for row in warehouse.rows(conn, "ledger/audiences_of_list", key)]


def opened(conn: psycopg.Connection, audience: Audience, destination: Destination) -> Audience:
    """The audience with the platform's id, found or made there when it is not known or no longer there.

    When it was not there, nobody is a member any more: the plan adds everybody as a difference. One that
    no file names is not made again.

    :param conn: in autocommit mode.
    """
    if audience.remote_id is not None and destination.has_audience(audience):
        return audience
    wanted = audience.active or audience.remote_id is None
    if audience.remote_id is not None:
        _forget(conn, audience)
    remote_id = destination.open_audience(audience) if wanted else None
    conn.execute(_REMOTE_ID, (remote_id, audience.audience_id))
    return replace(audience, remote_id=remote_id)


def _forget(conn: psycopg.Connection, audience: Audience) -> None:
    """Nobody is a member any more. Before it is made again: where an id is a name, it would pass for the old one."""
    with conn.transaction():
        warehouse.run(conn, "ledger/forget_members", {"audience_id": audience.audience_id, "at": datetime.now(UTC)})
        conn.execute(_REMOTE_ID, (None, audience.audience_id))
