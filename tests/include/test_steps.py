"""Steps that do not come any more are told by their own rhythm, to their owner, and not by whoever slept."""

import itertools
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import alerts, steps
from include.alerts import Policy

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
NUMBERS = itertools.count()
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def ended(
    conn: psycopg.Connection,
    at: datetime,
    *,
    dag: str = "extract_crm",
    task: str = "publish_contacts",
    outcome: str = "success",
    owner: str = "crm",
) -> None:
    conn.execute(
        "insert into ops.task_run (dag_id, run_id, task_id, try_number, started_at, ended_at, outcome, owner)"
        " values (%s, %s, %s, 1, %s, %s, %s, %s)",
        (dag, f"run {next(NUMBERS)}", task, at - MINUTE, at, outcome, owner),
    )


def rhythm(conn: psycopg.Connection, every: timedelta, times: int, last: datetime, **which: str) -> None:
    """Good ends, ``every`` so often, the last of them at ``last``."""
    for number in range(times):
        ended(conn, last - number * every, **which)


def watched(conn: psycopg.Connection, since: datetime, until: datetime = NOW) -> None:
    """Somebody watched, every half hour."""
    looks = int((until - since) / (HOUR / 2)) + 1
    for number in range(looks):
        ended(conn, since + number * HOUR / 2, dag="watch", task="watch")


def stale(conn: psycopg.Connection) -> dict[str, bool]:
    return {state.subject: state.failing for state in steps.stale_steps(conn, at=NOW)}


SUBJECT = "runs of extract_crm"


@pytest.mark.parametrize(
    ("every", "ago", "told"),
    [
        (DAY, 29 * HOUR, False),
        (DAY, 31 * HOUR, True),
        (2 * HOUR, 2.9 * HOUR, False),
        (2 * HOUR, 3.1 * HOUR, True),
        (10 * MINUTE, 65 * MINUTE, False),
        (10 * MINUTE, 75 * MINUTE, True),
    ],
)
def test_pain_7_a_step_that_stops_to_come_is_told_by_its_own_rhythm(
    conn: psycopg.Connection, every: timedelta, ago: timedelta, told: bool
) -> None:
    watched(conn, NOW - 2 * DAY)
    rhythm(conn, every, 8 if every == DAY else 4 * DAY // every, NOW - ago)
    assert stale(conn) == {SUBJECT: told}


def test_pain_7_tries_that_fail_are_no_sign_that_a_step_works(conn: psycopg.Connection) -> None:
    watched(conn, NOW - 3 * DAY)
    rhythm(conn, DAY, 8, NOW - 2 * DAY)
    ended(conn, NOW - HOUR, outcome="failed")
    [state] = steps.stale_steps(conn, at=NOW)
    assert (state.failing, state.owner) == (True, "crm")
    told = "publish_contacts: not ended well since 2026-11-20 12:00 UTC; used to every 24 h."
    assert state.summary.startswith(told)


def test_an_afternoon_of_runs_by_hand_is_no_rhythm(conn: psycopg.Connection) -> None:
    watched(conn, NOW - 3 * DAY)
    rhythm(conn, 5 * MINUTE, 20, NOW - DAY)
    assert stale(conn) == {}


def test_weekends_of_a_step_that_rests_on_them_are_its_rhythm(conn: psycopg.Connection) -> None:
    watched(conn, NOW - 3 * DAY)
    friday = NOW - 2 * DAY  # NOW is a Sunday
    for day in range(28):
        at = friday - day * DAY
        if at.weekday() < 5:
            ended(conn, at)
    assert stale(conn) == {SUBJECT: False}


def test_whoever_slept_begins_to_wait_when_they_wake(conn: psycopg.Connection) -> None:
    rhythm(conn, DAY, 8, NOW - 5 * DAY)
    watched(conn, NOW - 12 * DAY, NOW - 5 * DAY)
    watched(conn, NOW)  # and now again, for the first time in five days
    assert stale(conn) == {SUBJECT: False}
    watched(conn, NOW - 20 * HOUR)
    assert stale(conn) == {SUBJECT: False}
    watched(conn, NOW - 31 * HOUR, NOW - 20 * HOUR - HOUR / 2)
    assert stale(conn) == {SUBJECT: True}


def test_a_step_that_was_taken_out_is_told_as_over(conn: psycopg.Connection) -> None:
    alerts.notify(conn, subject=SUBJECT, failing=True, owner="crm", summary="late", channels=[], policy=Policy())
    [state] = steps.stale_steps(conn, at=NOW)
    assert (state.subject, state.failing) == (SUBJECT, False)
    alerts.notify(conn, **vars(state), channels=[])
    assert alerts.open_alerts(conn) == []


def test_pain_31_the_owner_of_a_step_hears_that_it_is_slow(conn: psycopg.Connection) -> None:
    rhythm(conn, DAY, 8, NOW - DAY)
    conn.execute(
        "insert into ops.task_run (dag_id, run_id, task_id, try_number, started_at, owner)"
        " values ('extract_crm', 'now', 'publish_contacts', 1, %s, 'crm')", (NOW - 40 * MINUTE,),
    )  # fmt: skip
    [state] = steps.slow_steps(conn, at=NOW)
    assert (state.failing, state.owner, state.summary) == (True, "crm", "at work for 40 min; it used to take 60 s")


def test_a_step_that_rests_at_night_is_not_late_there_and_is_late_in_the_morning(conn: psycopg.Connection) -> None:
    """As `follow_shopify_orders` does: every few minutes of the day, never at night. It was told every midnight."""
    watched(conn, NOW - 3 * DAY)
    midnight = NOW.replace(hour=0)
    for day in range(1, 8):
        rhythm(conn, 20 * MINUTE, 48, midnight - HOUR - (day - 1) * DAY)
    late = {hours: steps.stale_steps(conn, at=midnight + hours * HOUR)[0].failing for hours in (0.5, 2, 6, 9)}
    assert late == {0.5: False, 2: False, 6: False, 9: True}


def test_a_paused_dag_is_one_subject_that_names_its_steps(conn: psycopg.Connection) -> None:
    watched(conn, NOW - 3 * DAY)
    for task in ("land_contacts", "check_contacts", "publish_contacts"):
        rhythm(conn, DAY, 8, NOW - 2 * DAY, task=task)
    [state] = steps.stale_steps(conn, at=NOW)
    assert state.subject == SUBJECT
    assert state.summary.startswith("check_contacts, land_contacts, publish_contacts: not ended well since")


def test_a_step_told_as_slow_is_told_as_over_when_it_is_skipped_and_not_when_it_fails(conn: psycopg.Connection) -> None:
    slow = {"owner": "crm", "summary": "at work for 2 h", "causes": ["time of a.b"], "channels": []}
    alerts.notify(conn, subject="a.b", failing=True, **slow)
    assert [(state.subject, state.failing) for state in steps.slow_steps(conn, at=NOW)] == [("a.b", False)]
    alerts.notify(conn, subject="a.b", failing=True, owner="crm", summary="failed with ValueError", channels=[])
    assert steps.slow_steps(conn, at=NOW) == []
