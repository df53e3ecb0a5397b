"""One person hears of one cause once: what shares it with a failure that its owner knows of is not told beside it."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg

from include import alerts, steps, stream_watch, warehouse
from include.alerts import notify, sweep
from include.ledger.watch import NOBODY, State
from tests.include.test_alert_states import NIGHT, POLICY, Wall, at
from tests.include.test_steps import DAY, HOUR, NOW, ended, rhythm, watched

LANDINGS = [f"extract_hubspot.land_{table}" for table in ("contacts", "companies", "deals")]
FAULT = ("hubspot: credentials",)


def tell(conn: psycopg.Connection, wall: Wall, minutes: float, subject: str, failing: bool = True, *,
         owner: str = "data", causes: tuple[str, ...] = ()) -> bool:  # fmt: skip
    state = State(subject, failing, owner, "failed" if failing else "works again", causes)
    return notify(conn, **vars(state), channels=[wall], policy=POLICY, at=at(minutes))


def hear(conn: psycopg.Connection, wall: Wall, states: list[State], when: datetime = NOW) -> None:
    for state in states:
        notify(conn, **vars(state), channels=[wall], policy=POLICY, at=when)


def test_a_platform_that_refuses_its_credentials_is_one_notice_for_all_who_ask_it(conn: psycopg.Connection) -> None:
    wall = Wall()
    for subject in ("check_connections.check_source_hubspot", *LANDINGS, "sync_hubspot.sync"):
        tell(conn, wall, 0, subject, causes=FAULT)
    tell(conn, wall, 0, "extract_shopify.land_orders", causes=("shopify: credentials",))
    assert wall.said == [
        ("opened", "check_connections.check_source_hubspot"),
        ("opened", "extract_shopify.land_orders"),
    ]


def test_another_owner_hears_of_it_too(conn: psycopg.Connection) -> None:
    wall = Wall()
    for owner, subject in zip(("data", "crm", "crm"), LANDINGS, strict=True):
        tell(conn, wall, 0, subject, owner=owner, causes=FAULT)
    assert [notice.owner for notice in wall.notices] == ["data", "crm"]


def test_what_outlasts_the_common_cause_is_told_then_and_once(conn: psycopg.Connection) -> None:
    wall = Wall()
    for subject in LANDINGS:
        tell(conn, wall, 0, subject, causes=FAULT)
    tell(conn, wall, 5, LANDINGS[0], failing=False)
    assert sweep(conn, channels=[wall], policy=POLICY, at=at(15)) == 0  # the others have as long to follow
    sweep(conn, channels=[wall], policy=POLICY, at=at(25))
    sweep(conn, channels=[wall], policy=POLICY, at=at(26))
    assert wall.said == [("opened", LANDINGS[0]), ("recovered", LANDINGS[0]), ("opened", LANDINGS[1])]


def test_what_recovers_with_its_cause_is_never_told(conn: psycopg.Connection) -> None:
    wall = Wall()
    for minutes, failing in ((0, True), (5, False)):
        for subject in LANDINGS:
            tell(conn, wall, minutes, subject, failing, causes=FAULT)
    sweep(conn, channels=[wall], policy=POLICY, at=at(60))
    assert wall.said == [("opened", LANDINGS[0]), ("recovered", LANDINGS[0])]


def test_a_reminder_names_what_was_not_told_and_so_does_the_list(conn: psycopg.Connection) -> None:
    wall = Wall()
    for subject in LANDINGS:
        tell(conn, wall, 0, subject, causes=FAULT)
    sweep(conn, channels=[wall], policy=POLICY, at=NIGHT + timedelta(hours=25))
    assert wall.said[1:] == [("reminded", "3 subjects")]
    assert [line.split(" ")[0] for line in wall.notices[1].summary.splitlines()] == [
        LANDINGS[0],
        *sorted(LANDINGS[1:]),
    ]
    [shown] = alerts.open_alerts(conn)
    assert shown["beside"] == sorted(LANDINGS[1:])


def test_whoever_comes_to_own_a_failure_is_told_of_it(conn: psycopg.Connection) -> None:
    """A check that was told to the task's owner, and then to the suite's: a platform first, a broken rule then."""
    wall = Wall()
    for minutes, owner in ((0, "data"), (1, "crm"), (2, "crm")):
        tell(conn, wall, minutes, "extract_hubspot.check_contacts", owner=owner)
    assert [(notice.kind, notice.owner) for notice in wall.notices] == [("opened", "data"), ("opened", "crm")]


def test_many_landings_that_fail_at_once_are_one_notice(conn: psycopg.Connection, warehouse_url: str) -> None:
    wall = Wall()

    def one(number: int) -> None:
        with warehouse.connect(warehouse_url) as own:
            tell(own, wall, number / 60, f"extract_hubspot.land_{number}", causes=FAULT)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [kind for kind, _ in wall.said] == ["opened"]


def test_a_failed_landing_is_told_and_not_that_it_does_not_come_any_more(conn: psycopg.Connection) -> None:
    wall = Wall()
    watched(conn, NOW - 3 * DAY)
    for task in ("land_contacts", "check_contacts", "publish_contacts"):
        rhythm(conn, DAY, 8, NOW - 2 * DAY, dag="extract_hubspot", task=task, owner="data")
    hear(conn, wall, [State("extract_hubspot.land_contacts", True, "data", "refused")], NOW - 20 * HOUR)
    hear(conn, wall, steps.stale_steps(conn, at=NOW))
    assert wall.said == [("opened", "extract_hubspot.land_contacts")]


def test_a_failed_check_is_told_and_not_that_persons_wait_for_it(conn: psycopg.Connection) -> None:
    wall = Wall()
    watched(conn, NOW - 3 * DAY)
    for dag in ("build_persons", "build_segments"):
        rhythm(conn, DAY, 8, NOW - 2 * DAY, dag=dag, task=dag, owner="data")
    hear(conn, wall, [State("extract_shopify.check_orders", True, "data", "1 critical rule failed")], NOW - 20 * HOUR)
    hear(conn, wall, steps.stale_steps(conn, at=NOW))
    assert wall.said == [("opened", "extract_shopify.check_orders"), ("opened", "runs of build_segments")]


def test_a_paused_dag_is_told_once_and_its_silent_streams_are_not(conn: psycopg.Connection) -> None:
    wall = Wall()
    watched(conn, NOW - 3 * DAY)
    rhythm(conn, DAY, 8, NOW - 3 * DAY, dag="extract_hubspot", task="land_contacts", owner="data")
    for day in range(10):
        conn.execute(
            "insert into ops.batch (stream, window_until, state, landed_rows, landed_at)"
            " values ('hubspot.contacts', now(), 'published', 5, %s)", (NOW - 3 * DAY - day * DAY,),
        )  # fmt: skip
    hear(conn, wall, steps.stale_steps(conn, at=NOW))
    silent = stream_watch.silences(conn, "data", NOW)
    assert [(state.subject, state.failing) for state in silent] == [("silence of hubspot.contacts", True)]
    hear(conn, wall, silent)
    assert wall.said == [("opened", "runs of extract_hubspot")]


def test_a_slow_step_that_fails_at_last_is_one_pair(conn: psycopg.Connection) -> None:
    wall = Wall()
    rhythm(conn, DAY, 8, NOW - DAY, dag="sync_meta", task="sync", owner=NOBODY)
    conn.execute(
        "insert into ops.task_run (dag_id, run_id, task_id, try_number, started_at, owner)"
        " values ('sync_meta', 'now', 'sync', 1, %s, %s)", (NOW - 2 * HOUR, NOBODY),
    )  # fmt: skip
    hear(conn, wall, steps.slow_steps(conn, at=NOW))
    stuck = State("sync of meta vips", True, NOBODY, "gave no sign of life", ("sync_meta.sync",))
    hear(conn, wall, [stuck])  # its session is ended, its task fails with it
    conn.execute("update ops.task_run set ended_at = %s, outcome = 'failed' where run_id = 'now'", (NOW,))
    hear(conn, wall, [State("sync_meta.sync", True, NOBODY, "failed with OperationalError")])
    hear(conn, wall, steps.slow_steps(conn, at=NOW))
    assert wall.said == [("opened", "sync_meta.sync")]
    well = [State("sync of meta vips", False, NOBODY, "is synced"), State("sync_meta.sync", False, NOBODY, "works")]
    hear(conn, wall, well, NOW + HOUR)
    sweep(conn, channels=[wall], policy=POLICY, at=NOW + 2 * HOUR)
    assert wall.said == [("opened", "sync_meta.sync"), ("recovered", "sync_meta.sync")]


def test_the_age_of_a_stream_is_no_matter_of_whoever_watches_steps(conn: psycopg.Connection) -> None:
    """Both were called `freshness of …` once, and the watch told a stream's age as over every ten minutes."""
    ended(conn, datetime.now(UTC), owner="data")
    notify(conn, subject="age of hubspot.contacts", failing=True, owner="data", summary="old", channels=[])
    assert steps.stale_steps(conn, at=NOW) == []
