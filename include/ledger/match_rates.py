"""How many of an audience's people the platform knows: read back after each sync, told when it falls.

The usual fault behind a fall is a changed form of what is sent (another hashing, another column): no answer names it.
"""

import logging
from datetime import UTC, datetime
from typing import Any

import psycopg

from include import warehouse
from include.destinations.base import Audience, Destination, TellsMatches
from include.errors import AuthError, FatalError, RetriableError

FALL = 0.3  # of the usual share: more is told
ENOUGH = 3  # measures before anything is usual
_log = logging.getLogger(__name__)


def read(conn: psycopg.Connection, audience: Audience, destination: Destination, sync_id: int) -> int:
    """Ask the platform and keep what it tells; returns how many rates that were.

    Not asked where the platform does not tell it. A question that fails costs a measure, not the sync.
    """
    if not isinstance(destination, TellsMatches):
        return 0
    try:
        rates = destination.match_rates(audience)
    except AuthError:
        raise
    except (FatalError, RetriableError) as error:
        _log.warning("%s %s: no match rate, code %s.", audience.destination, audience.key, error.code)
        return 0
    for rate in rates:
        told = {"audience_id": audience.audience_id, "sync_id": sync_id, "at": datetime.now(UTC)}
        warehouse.run(conn, "ledger/keep_match_rate", {**told, **vars(rate)})
    return len(rates)


def standing(conn: psycopg.Connection, destination: str) -> list[dict[str, Any]]:
    """Per audience and identifier: ``share`` now, ``usual`` share, ``owner``, and whether it ``fell``."""
    found = warehouse.rows(conn, "ledger/match_rates", {"destination": destination})
    return [
        {**one, "fell": one["measures"] >= ENOUGH and one["share"] < one["usual"] * (1 - FALL)} for one in found
    ]
