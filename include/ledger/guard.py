"""Removals that wait for a person.

Held: when the source is empty, stale or failed its limits, and when removals are more than a share AND more than a
count. Additions go on. An approval is a ceiling: the removals are computed anew; more than were shown are held again.
A rejected hold keeps its removals waiting in silence until there are more of them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import psycopg

from include import warehouse
from include.destinations.base import Audience
from include.errors import FatalError

MAX_REMOVAL_SHARE = 0.2  # of the people the platform holds
MAX_REMOVALS = 50
STALE_AFTER_HOURS = 48


@dataclass(frozen=True)
class Verdict:
    """What becomes of the removals of a plan. ``reason`` is None when nothing speaks against them."""

    held: bool
    reason: str | None = None


def danger(conn: psycopg.Connection, audience: Audience, removals: int, size: int, at: datetime) -> str | None:
    """Why these removals look like a mistake, or None. The segment's own limits win over the defaults."""
    if removals == 0:
        return None
    limits = audience.options.get("limits", {})
    if audience.active and (cause := _source(conn, audience, limits, at)) is not None:
        return cause
    share, count = limits.get("max_change_share", MAX_REMOVAL_SHARE), limits.get("max_removals", MAX_REMOVALS)
    if removals > count and removals > share * size:
        return f"{removals} of {size} people would be removed; the limit is {count} and {share:.0%}"
    return None


def _source(conn: psycopg.Connection, audience: Audience, limits: dict[str, Any], at: datetime) -> str | None:
    found = warehouse.rows(conn, "ledger/source_state", {"segment": audience.segment})
    if not found:
        return "the segment was never built"
    build = found[0]
    hours = limits.get("stale_hours", STALE_AFTER_HOURS)
    if build["built_at"] < at - timedelta(hours=hours):
        return f"the segment's newest build is older than {hours} hours"
    if build["alert"]:
        return "the segment's newest build is outside its limits"
    return "the segment is empty" if build["size"] == 0 else None


def judge(conn: psycopg.Connection, audience: Audience, removals: int, size: int, at: datetime) -> Verdict:
    """Whether the removals wait; reads only, so that a dry run judges as the send does."""
    reason = danger(conn, audience, removals, size, at)
    if reason is None:
        return Verdict(False)
    current = _current(conn, audience)
    return Verdict(not (current and current["state"] == "approved" and removals <= current["removals"]), reason)


def write_down(
    conn: psycopg.Connection, audience: Audience, verdict: Verdict, removals: int, size: int, at: datetime
) -> None:
    """Open, replace or close the audience's hold as the verdict says. Part of the plan's transaction."""
    current = _current(conn, audience)
    if not verdict.held:
        warehouse.run(conn, "ledger/hold_close", {"audience_id": audience.audience_id})
        return
    if current and current["state"] in ("open", "rejected") and removals <= current["removals"]:
        return
    warehouse.run(conn, "ledger/hold_close", {"audience_id": audience.audience_id})
    warehouse.run(
        conn,
        "ledger/hold_open",
        {
            "audience_id": audience.audience_id,
            "reason": verdict.reason,
            "removals": removals,
            "size": size,
            "at": at,
            "since": current["since"] if current else None,
        },
    )


def _current(conn: psycopg.Connection, audience: Audience) -> dict[str, Any] | None:
    found = warehouse.rows(conn, "ledger/hold_current", {"audience_id": audience.audience_id})
    return found[0] if found else None


def approve(conn: psycopg.Connection, hold_id: int, who: str) -> None:
    """Let the removals of an open hold go in the next sync, at most as many as the hold shows.

    :raises FatalError: the hold is not open (any more): look at the newest one.
    """
    _decide(conn, hold_id, who, "approved")


def reject(conn: psycopg.Connection, hold_id: int, who: str) -> None:
    """Keep the people of an open hold; asked again only when more would be removed.

    :raises FatalError: the hold is not open (any more).
    """
    _decide(conn, hold_id, who, "rejected")


def _decide(conn: psycopg.Connection, hold_id: int, who: str, state: Literal["approved", "rejected"]) -> None:
    with conn.transaction():
        decided = warehouse.run(
            conn, "ledger/hold_decide", {"hold_id": hold_id, "state": state, "who": who, "at": datetime.now(UTC)}
        )
        if not decided:
            raise FatalError(f"Hold {hold_id} is not open: it was decided, used up or replaced by a newer one.")
        conn.execute(
            "insert into ops.audit (actor, action, subject) values (%s, %s, %s)",
            (who, f"hold {state}", f"hold {hold_id}"),
        )
