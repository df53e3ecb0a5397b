"""What people are told of a destination after a sync: who was left out, what waits for them, what is overdue.

One subject each, so that a notice goes out once per change of its state, with a recovery. Counts and codes only.
"""

from dataclasses import dataclass
from typing import Any

import psycopg

from include import warehouse
from include.destinations.base import TOO_FEW_MEMBERS
from include.ledger import debts, match_rates

NOBODY = "data-platform"  # owner of what no segment owns


@dataclass(frozen=True)
class State:
    """The state of one subject; ``include.alerts.notify`` takes it as it is.

    :param causes: other subjects, and names of what is broken, that it shares a cause with.
    """

    subject: str
    failing: bool
    owner: str
    summary: str
    causes: tuple[str, ...] = ()


def states(conn: psycopg.Connection, destination: str) -> list[State]:
    """Every subject of a destination as it stands now.

    An audience whose newest sync failed says nothing here: its task is red, and that is told once already.
    """
    found: list[State] = []
    for audience in warehouse.rows(conn, "ledger/watch", {"destination": destination, "too_few": TOO_FEW_MEMBERS}):
        if audience["outcome"] != "failed":
            found.append(_left_out(destination, audience))
            subject, owner = f"sync of {destination} {audience['audience']}", audience["owner"] or NOBODY
            found.append(State(subject, False, owner, "is synced again"))  # it may have been ended for being stuck
        found.append(_hold(destination, audience))
    found += [_matched(destination, rate) for rate in match_rates.standing(conn, destination)]
    return [*found, _overdue(conn, destination)]


def _left_out(destination: str, audience: dict[str, Any]) -> State:
    partial = audience["outcome"] == "partial"
    refused = f"{audience['rejected']} people refused now, {audience['parked']} refused before and still not there"
    summary = f"delivered in part: {refused}; the others were delivered" if partial else "everybody is delivered again"
    if partial and audience["too_few"]:
        summary = f"{audience['too_few']} people wait: the audience is smaller than the platform takes it"
    return State(f"audience {destination} {audience['audience']}", partial, audience["owner"] or NOBODY, summary)


def _hold(destination: str, audience: dict[str, Any]) -> State:
    held = audience["hold_id"] is not None
    summary = (
        f"{audience['removals']} of {audience['audience_size']} removals wait for approval since "
        f"{audience['since']:%Y-%m-%d %H:%M} UTC: {audience['reason']}. Answer in Airflow (approve_removals) or with "
        f"`bin/audienceflow holds show {audience['hold_id']}`"
        if held
        else "no removal waits for approval any more"
    )
    return State(f"hold {destination} {audience['audience']}", held, audience["owner"] or NOBODY, summary)


def _matched(destination: str, rate: dict[str, Any]) -> State:
    usual = "" if rate["usual"] is None else f", usually {rate['usual']:.0%}"
    summary = f"the platform knows {rate['share']:.0%} of the people sent by {rate['identifier']}{usual}"
    subject = f"match rate {destination} {rate['audience']} {rate['identifier']}"
    return State(subject, rate["fell"], rate["owner"] or NOBODY, summary)


def _overdue(conn: psycopg.Connection, destination: str) -> State:
    late = [debt for debt in debts.listed(conn, destination) if debt.overdue]
    hours = int(debts.deadline(destination).total_seconds() // 3600)
    told = "; ".join(f"{debt.audience}: {debt.people} {debt.kind} since {debt.age}" for debt in late)
    summary = f"removals are older than {hours} hours: {told}" if late else "no removal is overdue any more"
    return State(f"removals {destination}", bool(late), NOBODY, summary)
