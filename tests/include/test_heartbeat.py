"""Whoever stands outside Airflow learns that nobody watches any more, and so does a monitor that waits for pings."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import psycopg
import pytest

from activation.operators.watch_steps import WatchStepsOperator
from include import heartbeat
from include.cli.app import main
from include.errors import RetriableError
from include.heartbeat import Sign
from include.runtime.postgres import free_port
from tests.include.test_alert_states import tell
from tests.include.test_steps import ended
from tests.plugins.test_check_operators import execute

WELL = {"status": "healthy"}


class Outside(ThreadingHTTPServer):
    """A monitor that takes pings, and an Airflow that tells of its parts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.pings: list[tuple[str, str]] = []
        self.parts: dict[str, object] = {"metadatabase": WELL, "scheduler": WELL, "triggerer": {"status": None}}
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.pings.append((self.path, body))
        self._answer(200 if self.path.startswith("/ping") else 404, b"OK")

    def do_GET(self) -> None:
        self._answer(200 if self.path == "/api/v2/monitor/health" else 404, json.dumps(self.server.parts).encode())

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def outside() -> Iterator[Outside]:
    server = Outside()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Down:
    """A channel that takes nothing."""

    name = "wall"

    def send(self, notice: object) -> None:
        raise RetriableError("down", code="wall")


def health(monkeypatch: pytest.MonkeyPatch, url: str, *options: str) -> int:
    monkeypatch.setenv("WAREHOUSE_URL", url)
    with pytest.raises(SystemExit) as left:
        main(["health", *options])
    return int(left.value.code or 0)


@pytest.mark.parametrize(("minutes", "code"), [(None, 1), (29, 0), (31, 1)])
def test_health_leaves_with_an_error_when_nobody_watched_for_longer_than_the_schedule_allows(
    conn: psycopg.Connection,
    warehouse_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    minutes: int | None,
    code: int,
) -> None:
    if minutes is not None:
        now = datetime.now(UTC)
        ended(conn, now - timedelta(minutes=minutes), dag="watch", task="watch")
        ended(conn, now, dag="watch", task="watch", outcome="failed")  # no sign that watching works
    conn.commit()
    assert health(monkeypatch, warehouse_url, "--json") == code
    watch = json.loads(capsys.readouterr().out)[0]
    assert (watch["part"], watch["well"]) == ("watch", code == 0)
    assert (f"{minutes} min ago" if minutes else "never") in watch["text"]


def test_health_asks_the_parts_of_airflow_which_need_no_scheduler_to_answer(
    conn: psycopg.Connection, warehouse_url: str, monkeypatch: pytest.MonkeyPatch, outside: Outside
) -> None:
    ended(conn, datetime.now(UTC), dag="watch", task="watch")
    conn.commit()
    assert health(monkeypatch, warehouse_url, "--airflow", outside.url) == 0
    outside.parts["scheduler"] = {"status": "unhealthy", "latest_scheduler_heartbeat": "2026-11-22T03:00:00+00:00"}
    assert health(monkeypatch, warehouse_url, "--airflow", outside.url) == 1
    [ill] = [sign for sign in heartbeat.airflow(outside.url) if not sign.well]
    assert ill == Sign("scheduler", False, "last heartbeat 2026-11-22T03:00:00+00:00")
    outside.parts = {}
    assert health(monkeypatch, warehouse_url, "--airflow", outside.url) == 1
    assert health(monkeypatch, warehouse_url, "--airflow", f"http://127.0.0.1:{free_port()}") == 1


def test_a_warehouse_that_does_not_answer_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    assert health(monkeypatch, f"postgresql://a:b@127.0.0.1:{free_port()}/x") == 2


def test_notices_that_no_channel_takes_are_no_health(conn: psycopg.Connection) -> None:
    with pytest.raises(RetriableError):
        tell(conn, Down(), 0, True)
    opened = conn.execute("select opened_at from ops.alert_outbox").fetchall()[0][0]
    wells = [heartbeat.look(conn, at=opened + timedelta(minutes=age))[1] for age in (29, 31)]
    assert [sign.well for sign in wells] == [True, False]
    assert "1 wait for a channel, the oldest for 31 min" in wells[1].text


def test_each_watch_ends_with_a_ping_and_with_another_one_while_notices_wait(
    conn: psycopg.Connection, warehouse_url: str, monkeypatch: pytest.MonkeyPatch, outside: Outside
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_url)
    monitor = {"conn_type": "http", "host": f"{outside.url}/ping/1"}
    monkeypatch.setenv("AIRFLOW_CONN_HEARTBEAT_DEFAULT", json.dumps(monitor))
    execute(WatchStepsOperator(task_id="watch"))
    with pytest.raises(RetriableError):
        tell(conn, Down(), 0, True)  # in the night of the tests' world: long ago
    conn.execute("update ops.alert_outbox set opened_at = now() - interval '2 hours'")
    conn.commit()
    execute(WatchStepsOperator(task_id="watch"))
    assert [path for path, _ in outside.pings] == ["/ping/1", "/ping/1/fail"]
    assert outside.pings[1][1].startswith("alerts: 1 wait for a channel")


def test_a_monitor_that_does_not_answer_fails_no_watch_and_its_address_is_no_text(
    conn: psycopg.Connection, warehouse_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_url)
    gone = {"conn_type": "http", "host": f"http://127.0.0.1:{free_port()}/secret-token"}
    monkeypatch.setenv("AIRFLOW_CONN_HEARTBEAT_DEFAULT", json.dumps(gone))
    assert execute(WatchStepsOperator(task_id="watch"))["ended"] == 0
    assert "the monitor did not answer (ConnectionError)" in caplog.text
    assert "secret-token" not in caplog.text


def test_a_ping_that_is_refused_is_said(outside: Outside) -> None:
    with pytest.raises(RetriableError, match="answered 404"):
        heartbeat.ping(f"{outside.url}/unknown", [Sign("watch", True, "at work")])
