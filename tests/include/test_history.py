"""What the system wrote down of its own work is forgotten by age, and the newest of each kind never."""

import os
import time
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import alerts, history
from include.errors import ConfigError
from tests.include.test_alert_states import Wall

NOW = datetime(2026, 11, 22, tzinfo=UTC)
ROWS = int(os.environ.get("HISTORY_ROWS", "2000"))  # a million: about five years of two minutes a look


def fill(conn: psycopg.Connection, rows: int) -> None:
    """Four years of tries and of checks, evenly; the newest of the suite `old` is three years old."""
    conn.execute("insert into ops.batch (stream, window_until, state) values ('a.b', now(), 'published')")
    conn.execute(
        "insert into ops.task_run (dag_id, run_id, task_id, try_number, started_at)"
        " select 'a', n::text, 'b', 1, %(now)s - n * interval '4 years' / %(rows)s"
        " from generate_series(1, %(rows)s) as n",
        {"now": NOW, "rows": rows},
    )
    conn.execute(
        "insert into ops.check_result (batch_id, suite, rule, severity, passed, checked_at)"
        " select (select batch_id from ops.batch), case when n %% 2 = 1 and n > 0.75 * %(rows)s then 'old' else 'young'"
        " end, 'r', 'info', true, %(now)s - n * interval '4 years' / %(rows)s from generate_series(1, %(rows)s) as n",
        {"now": NOW, "rows": rows},
    )
    conn.execute("analyze ops.task_run, ops.check_result")
    conn.commit()


def count(conn: psycopg.Connection, table: str, where: str = "true") -> int:
    query = psycopg.sql.SQL("select count(*) from {} where {}")
    return conn.execute(query.format(psycopg.sql.Identifier("ops", table), psycopg.sql.SQL(where))).fetchone()[0]


def test_old_tries_and_checks_go_and_the_newest_of_a_suite_stays(conn: psycopg.Connection) -> None:
    fill(conn, ROWS)
    began = time.perf_counter()
    gone = history.forget(conn, keep_days=365, at=NOW)
    seconds = time.perf_counter() - began
    print(f"{ROWS} rows a table: {seconds:.2f} s")
    assert gone["task_run"] == pytest.approx(0.75 * ROWS, abs=2)
    assert count(conn, "task_run", "started_at < '2025-11-21'") == 0
    assert count(conn, "check_result", "suite = 'old'") == 1
    assert count(conn, "check_result", "checked_at < '2025-11-21'") == 1
    assert set(history.forget(conn, keep_days=365, at=NOW).values()) == {0}
    assert seconds < max(5, ROWS / 20_000)


def test_results_that_a_page_shows_stay_with_it(conn: psycopg.Connection) -> None:
    fill(conn, 100)
    conn.execute(
        "insert into ops.result_page (suite, stream, owner, batch_id, checked_at, records, rules, critical, warning,"
        " info, dag_id, run_id, task_id, try_number, path) select suite, 'a.b', 'data', batch_id, checked_at, 1, 1,"
        " 0, 0, 0, 'd', 'r', 't', 1, 'p' from ops.check_result where suite = 'young' order by checked_at limit 1"
    )
    history.forget(conn, keep_days=365, at=NOW)
    assert count(conn, "check_result", "checked_at < '2025-11-21' and suite = 'young'") == 1


def test_a_failure_that_people_know_of_outlives_its_notices_and_no_notice_is_sent_again(
    conn: psycopg.Connection,
) -> None:
    wall, long_ago = Wall(), NOW - timedelta(days=500)
    for subject, states in {"lasting": [True], "over": [True, False]}.items():
        for failing in states:
            told = {"owner": "data", "summary": "x", "channels": [wall], "at": long_ago}
            alerts.notify(conn, subject=subject, failing=failing, **told)
    conn.execute(
        "update ops.alert_log set sent_at = %s", (long_ago + timedelta(days=300),)
    )  # a channel that was down
    conn.commit()
    gone = history.forget(conn, keep_days=400, at=NOW)
    assert (gone["alert_outbox"], gone["alert_log"], gone["alert_state"]) == (3, 0, 1)
    assert alerts.send_unsent(conn, [wall]) == set()
    assert [one["subject"] for one in alerts.open_alerts(conn)] == ["lasting"]


@pytest.mark.parametrize("days", ["60", "0", "-1", "a year", ""])
def test_fewer_days_than_limits_are_learned_from_are_refused(conn: psycopg.Connection, days: str) -> None:
    with pytest.raises(ConfigError, match="61 or more"):
        history.forget(conn, keep_days=days)
