"""The first load of an audience: quiet if it is to be; its size and length are told before it starts."""

import logging
import math
from dataclasses import dataclass, replace

import psycopg

from include import warehouse
from include.destinations.base import Audience, Destination

SECONDS_A_CALL = 2.0  # of a platform nothing is known of yet

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Estimate:
    """``people`` in ``calls``, in about ``seconds``."""

    people: int
    calls: int
    seconds: float


def of_sync(conn: psycopg.Connection, audience: Audience, sync_id: int) -> Audience:
    """The audience as this sync is to treat it: quietly, if its options say so and no load came to its end yet."""
    quiet = audience.options.get("first_load") == "quiet" and _is_first(conn, audience, sync_id)
    return replace(audience, sync_id=sync_id, quiet=quiet)


def estimate(conn: psycopg.Connection, destination: Destination, people: int) -> Estimate:
    """How long so many additions take, by how long the platform's last calls took."""
    [found] = warehouse.rows(conn, "ledger/seconds_a_call", {"destination": destination.name})
    a_call = SECONDS_A_CALL if found["seconds"] is None else float(found["seconds"])
    calls = math.ceil(people / destination.batch_size)
    return Estimate(people, calls, math.ceil(calls / destination.connections) * a_call)


def tell(conn: psycopg.Connection, audience: Audience, destination: Destination, people: int) -> None:
    """Log a first load before its first call."""
    if people == 0 or audience.sync_id is None or not _is_first(conn, audience, audience.sync_id):
        return
    expected = estimate(conn, destination, people)
    _log.info(
        "%s %s: first load%s of %d people in %d calls, about %.0f s",
        audience.destination,
        audience.key,
        ", quiet," if audience.quiet else "",
        expected.people,
        expected.calls,
        expected.seconds,
    )


def _is_first(conn: psycopg.Connection, audience: Audience, sync_id: int) -> bool:
    [found] = warehouse.rows(conn, "ledger/first_load", {"audience_id": audience.audience_id, "sync_id": sync_id})
    return found["first_load"]
