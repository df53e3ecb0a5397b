"""Who is kept out of an audience besides consent: control groups and priority lists, as rows of ``audience.excluded``.

Control groups: an experiment draws each person once, by the salted hash of the person id, when the person first
qualifies for an audience it is on; the draw is written to ``experiment.assignment`` and never moves. After a merge the
person keeps the assignment of today's id, which is the oldest; when that id was never drawn, of the oldest former id
that was. After a split the part that keeps the id keeps the assignment; the other parts are new persons. Another share
or salt is another version of the experiment; with the same salt a larger group contains the smaller one.

Priority lists: a person is only in the highest audience of a list that the person qualifies for (segment, consent, an
identifier the platform takes; being in that audience's control group counts as qualifying). Changing place is a
removal first: nobody is added while another audience of the list holds, or may hold, the person.

The work of control groups grows with the memberships that are new; a list is worked out anew when a segment of it was
built with a change, or a sync of another of its audiences changed something.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from include import warehouse
from include.destinations.base import Audience
from include.errors import RetriableError
from include.ledger import reading
from include.segments.control import Control

LIST_LOCK_SPACE = 7_210_016  # any constant: keeps these advisory locks apart from others
LONGEST_WAIT = "15min"  # for the sync of another audience of the same list


@dataclass(frozen=True)
class Excluded:
    """What one pass changed. ``freed``: people another audience of the list has let go, who may come in now."""

    freed: int = 0


def write(conn: psycopg.Connection, audience: Audience, *, at: datetime) -> Excluded:
    """Bring the audience's exclusions up to date. In the caller's transaction, safe to repeat.

    Costs one look-up for an audience with neither control groups nor a list.
    """
    [facts] = warehouse.rows(conn, "exclusions/facts", {"audience_id": audience.audience_id})
    if not audience.active or not (facts["controls"] or facts["priority_list"] or facts["known"]):
        return Excluded()
    state = _experiments(conn, audience, facts, at)
    return _list(conn, audience, facts, state)


def draw(conn: psycopg.Connection, controls: Sequence[Control], people: Sequence[str], *, at: datetime) -> list[int]:
    """Draw people whom no audience may have drawn: numbers of the experiments. In the caller's transaction."""
    experiments = [_experiment_id(conn, vars(control), at) for control in controls]
    nobody_else = {"segment": None, "after": 0}
    warehouse.run(conn, "exclusions/draw", {**nobody_else, "experiments": experiments, "people": people, "at": at})
    return experiments


def _experiments(conn: psycopg.Connection, audience: Audience, facts: dict[str, Any], at: datetime) -> dict[str, Any]:
    """Draw whoever is new and exclude the control groups; returns the state as it stands then."""
    wanted = [_experiment_id(conn, one, at) for one in facts["controls"]]
    key = {"audience_id": audience.audience_id, "segment": audience.segment, "experiments": wanted, "at": at}
    [state] = warehouse.rows(conn, "exclusions/begin", key)
    if state["begun_anew"]:
        warehouse.run(conn, "exclusions/forget_control", key)
    if wanted:
        [newest] = warehouse.rows(conn, "exclusions/newest_membership", {**key, "after": state["membership_id"]})
        span = {**key, "after": state["membership_id"]}
        with reading.by_key(conn):
            warehouse.run(conn, "exclusions/draw", {**span, "people": []})
            warehouse.run(conn, "exclusions/exclude_control", span)
        warehouse.run(conn, "exclusions/drawn", {**key, "membership_id": newest["membership_id"]})
    return state


def _experiment_id(conn: psycopg.Connection, control: Mapping[str, Any], at: datetime) -> int:
    values = {**control, "version": f"{control['salt']} {control['share']:.4%}", "at": at}
    [row] = warehouse.rows(conn, "exclusions/experiment", values)
    return row["experiment_id"]


def _list(conn: psycopg.Connection, audience: Audience, facts: dict[str, Any], state: dict[str, Any]) -> Excluded:
    key = {"audience_id": audience.audience_id}
    if facts["priority_list"] is None:
        warehouse.run(conn, "exclusions/leave_list", key)
        return Excluded()
    [seen] = warehouse.rows(conn, "exclusions/list_seen", {**key, "list": facts["priority_list"]})
    if seen["seen"] == state["list_seen"]:
        return Excluded()
    bound = {**key, "segment": audience.segment, "list": facts["priority_list"], "rank": facts["priority_rank"]}
    with reading.by_passes(conn):
        [changed] = warehouse.rows(conn, "exclusions/priority", bound)
    warehouse.run(conn, "exclusions/list_done", {**key, "seen": seen["seen"]})
    return Excluded(changed["freed"])


def note_exposures(conn: psycopg.Connection, audience: Audience) -> None:
    """Log whom the platform took for the first time since they were drawn. After a delivery, audience locked."""
    with conn.transaction(), reading.by_passes(conn):
        warehouse.run(conn, "exclusions/expose", {"audience_id": audience.audience_id})


@contextmanager
def list_locked(conn: psycopg.Connection, audience: Audience) -> Iterator[str | None]:
    """While it is held no other audience of the same priority list is synced. Gives the list's name, or None.

    :raises RetriableError: another sync of the list takes longer than LONGEST_WAIT.
    """
    [facts] = warehouse.rows(conn, "exclusions/facts", {"audience_id": audience.audience_id})
    name = facts["priority_list"]
    if name is None:
        yield None
        return
    conn.execute("select set_config('lock_timeout', %s, false)", (LONGEST_WAIT,))
    try:
        conn.execute("select pg_advisory_lock(%s, hashtext(%s))", (LIST_LOCK_SPACE, name))
    except psycopg.errors.LockNotAvailable:
        raise RetriableError(f"Priority list {name!r}: another of its audiences is being synced.") from None
    finally:
        conn.execute("select set_config('lock_timeout', '0', false)")
    try:
        yield name
    finally:
        if not conn.broken:
            conn.execute("select pg_advisory_unlock(%s, hashtext(%s))", (LIST_LOCK_SPACE, name))


def counts(conn: psycopg.Connection, audience: Audience) -> list[dict[str, Any]]:
    """People of the segment who are kept out, a row per reason: ``control``, ``priority``, ``elsewhere``."""
    return warehouse.rows(conn, "exclusions/counts", {"audience_id": audience.audience_id})
