"""Slow steps are told by their own history; a sync without a sign of life gives its audience back."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import steps, warehouse
from include.ledger import stuck
from include.ledger.sync import LOCK_SPACE
from tests.include.ledger.world import World

NOW = datetime.now(UTC)


def tried(conn: psycopg.Connection, seconds: int | None, *, began: datetime, run: str, task: str = "sync") -> None:
    """One try of a task; without ``seconds`` it is still at work."""
    conn.execute(
        "insert into ops.task_run (dag_id, run_id, task_id, try_number, started_at, ended_at, outcome)"
        " values ('sync_meta', %s, %s, 1, %s, %s, %s)",
        (run, task, began, began + timedelta(seconds=seconds) if seconds else None, "success" if seconds else None),
    )


@pytest.mark.parametrize(
    ("usual", "minutes", "slow"), [(600, 31, True), (600, 29, False), (2, 16, True), (2, 14, False)]
)
def test_pain_31_a_step_is_slow_by_its_own_history(
    conn: psycopg.Connection, usual: int, minutes: int, slow: bool
) -> None:
    for number in range(5):
        tried(conn, usual, began=NOW - timedelta(days=number + 1), run=f"old {number}")
    tried(conn, None, began=NOW - timedelta(minutes=minutes), run="now")
    tried(conn, None, began=NOW - timedelta(days=3), run="died long ago")
    assert [state.subject for state in steps.slow_steps(conn, at=NOW)] == (["sync_meta.sync"] if slow else [])


def test_a_step_without_a_history_is_not_judged(conn: psycopg.Connection) -> None:
    tried(conn, None, began=NOW - timedelta(hours=5), run="first")
    assert steps.slow_steps(conn, at=NOW) == []


@pytest.mark.parametrize(("minutes", "ended"), [(61, True), (59, False)])
def test_pain_31_a_sync_without_a_sign_of_life_is_ended_and_the_next_one_goes_on(
    world: World, minutes: int, ended: bool
) -> None:
    world.person("ada@x.example")
    world.sync()
    audience = world.one("select audience_id from audience.audience")
    with warehouse.connect(world.url, application_name="sync fake", autocommit=True) as worker:
        worker.execute("select pg_advisory_lock(%s, %s)", (LOCK_SPACE, audience))
        begun = "insert into audience.sync (audience_id, started_at) values (%s, clock_timestamp())"
        world.conn.execute(begun, (audience,))
        states = stuck.release_stuck(world.conn, at=datetime.now(UTC) + timedelta(minutes=minutes))
        assert [state.subject for state in states] == (["sync of fake buyers-tag"] if ended else [])
        if ended:
            with pytest.raises(psycopg.OperationalError):
                worker.execute("select 1")
    world.person("bob@x.example")
    assert world.sync().added == 1


def test_a_session_at_work_is_not_ended_for_the_try_that_died_before_it(world: World) -> None:
    world.sync()
    audience = world.one("select audience_id from audience.audience")
    died = datetime.now(UTC) - timedelta(hours=3)
    world.conn.execute("insert into audience.sync (audience_id, started_at) values (%s, %s)", (audience, died))
    with warehouse.connect(world.url, autocommit=True) as waiting:  # for the list, say: nothing of its own has begun
        waiting.execute("select pg_advisory_lock(%s, %s)", (LOCK_SPACE, audience))
        assert stuck.release_stuck(world.conn, at=datetime.now(UTC)) == []
