"""Removals that wait for a person.

Held: when the source is empty, stale, failed its limits or jumped in size, and when removals are more than a share AND
more than a count. Additions go on, and so does whoever took back their consent, unless the withdrawals alone are that
many: a broken consent source is a mistake as well. An approval is a ceiling: the removals are computed anew, and when
anybody is among them who was not shown, all are held again. A rejected hold keeps its people in silence until somebody
else would be removed.
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
JUMP_SHARE, JUMP_COUNT = 0.5, 500  # a segment without limits of its own that changes by both since the day before


@dataclass(frozen=True)
class Held:
    """What waits; ``reason`` tells why removals are (or, unless approved, would be) held; None: nothing is."""

    removals: int = 0
    reason: str | None = None


@dataclass(frozen=True)
class _Case:
    """The removals of one plan that would wait: all, or all but the withdrawals.

    :param size: people the platform holds by what it acknowledged.
    """

    audience: Audience
    removals: int
    size: int
    withdrawals_go: bool
    at: datetime

    @property
    def bound(self) -> dict[str, Any]:
        audience = self.audience
        return {
            "audience_id": audience.audience_id,
            "purpose": audience.purpose,
            "withdrawals_go": self.withdrawals_go,
            "at": self.at,
        }


def hold(conn: psycopg.Connection, audience: Audience, removals: int, at: datetime) -> Held:
    """Take what has to wait out of this session's plan, and open, replace or close the audience's hold.

    Part of the plan's transaction: a dry run rolls it back.

    :param removals: people the plan would remove.
    """
    case = _case(conn, audience, removals, at)
    reason = danger(conn, audience, case.removals, case.size, at)
    current = _current(conn, audience)
    if reason is None:
        if current:
            warehouse.run(conn, "ledger/hold_close", case.bound)
        return Held()
    warehouse.run(conn, "ledger/hold_mark", case.bound)
    seen = current is not None and _unseen(conn, current["hold_id"]) == 0
    if seen and current["state"] == "approved":
        return Held(0, reason)
    if not seen:
        _replace(conn, case, reason, current)
    warehouse.run(conn, "ledger/hold_removals")
    return Held(case.removals, reason)


def _case(conn: psycopg.Connection, audience: Audience, removals: int, at: datetime) -> _Case:
    if removals == 0:
        return _Case(audience, 0, 0, True, at)  # how many the platform holds is asked only when somebody would leave
    [sized] = warehouse.rows(conn, "ledger/size", {"audience_id": audience.audience_id})
    size = sized["size"]
    [found] = warehouse.rows(conn, "ledger/withdrawals", {"purpose": audience.purpose})
    withdrawn = found["withdrawn"]
    go = _too_many(audience, withdrawn, size) is None
    return _Case(audience, removals - withdrawn if go else removals, size, go, at)


def _unseen(conn: psycopg.Connection, hold_id: int) -> int:
    [found] = warehouse.rows(conn, "ledger/hold_unseen", {"hold_id": hold_id})
    return found["unseen"]


def _replace(conn: psycopg.Connection, case: _Case, reason: str, current: dict[str, Any] | None) -> None:
    warehouse.run(conn, "ledger/hold_close", case.bound)
    since = current["since"] if current else None
    new = {**case.bound, "reason": reason, "removals": case.removals, "size": case.size, "since": since}
    [made] = warehouse.rows(conn, "ledger/hold_open", new)
    warehouse.run(conn, "ledger/hold_show", {"hold_id": made["hold_id"]})


def _current(conn: psycopg.Connection, audience: Audience) -> dict[str, Any] | None:
    found = warehouse.rows(conn, "ledger/hold_current", {"audience_id": audience.audience_id})
    return found[0] if found else None


def danger(conn: psycopg.Connection, audience: Audience, removals: int, size: int, at: datetime) -> str | None:
    """Why these removals look like a mistake, or None. The segment's own limits win over the defaults."""
    if removals == 0:
        return None
    if audience.active and (cause := _source(conn, audience, at)) is not None:
        return cause
    return _too_many(audience, removals, size)


def _limits(audience: Audience) -> dict[str, Any]:
    return audience.options.get("limits", {})


def _too_many(audience: Audience, removals: int, size: int) -> str | None:
    limits = _limits(audience)
    share, count = limits.get("max_change_share", MAX_REMOVAL_SHARE), limits.get("max_removals", MAX_REMOVALS)
    if removals > count and removals > share * size:
        return f"{removals} of {size} people would be removed; the limit is {count} and {share:.0%}"
    return None


def _source(conn: psycopg.Connection, audience: Audience, at: datetime) -> str | None:
    found = warehouse.rows(conn, "ledger/source_state", {"segment": audience.segment})
    if not found:
        return "the segment was never built"
    build, limits = found[0], _limits(audience)
    hours = limits.get("stale_hours", STALE_AFTER_HOURS)
    if build["built_at"] < at - timedelta(hours=hours):
        return f"the segment's newest build is older than {hours} hours"
    if build["alert"]:
        return "the segment's newest build is outside its limits"
    if build["size"] == 0:
        return "the segment is empty"
    return None if "max_change_share" in limits else _jump(build["size_before"], build["size"])


def _jump(before: int | None, size: int) -> str | None:
    """A segment that limits its change alerts at the build; this is for one that does not."""
    if not before or abs(size - before) <= max(JUMP_COUNT, JUMP_SHARE * before):
        return None
    return f"the segment jumped from {before} to {size} people since the day before"


def used_up(conn: psycopg.Connection, audience: Audience, at: datetime) -> None:
    """The removals of an approval have gone out: it covers nobody any more."""
    warehouse.run(conn, "ledger/hold_used_up", {"audience_id": audience.audience_id, "at": at})


def approve(conn: psycopg.Connection, hold_id: int, who: str, why: str | None = None) -> None:
    """Let the removals of an open hold go in the next sync: those it shows, and nobody else.

    :raises FatalError: the hold is not open (any more): look at the newest one.
    """
    _decide(conn, hold_id, who, why, "approved")


def reject(conn: psycopg.Connection, hold_id: int, who: str, why: str | None = None) -> None:
    """Keep the people of an open hold; asked again only when somebody else would be removed.

    :raises FatalError: the hold is not open (any more).
    """
    _decide(conn, hold_id, who, why, "rejected")


def _decide(
    conn: psycopg.Connection, hold_id: int, who: str, why: str | None, state: Literal["approved", "rejected"]
) -> None:
    answer = {"hold_id": hold_id, "state": state, "who": who, "why": why, "at": datetime.now(UTC)}
    with conn.transaction():
        if not warehouse.run(conn, "ledger/hold_decide", answer):
            raise FatalError(f"Hold {hold_id} is not open: it was decided, used up or replaced by a newer one.")
