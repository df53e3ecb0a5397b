"""The fault run with Airflow around it (FAULT_RUN=full): Airflow sees that a worker is dead and tries its task again.

The same faults strike the platforms while `make run` drives the chain, and in each stage a task dies: its own process,
or, where a task is said to be lost, the worker above it as well, as when a machine goes. Then runs without faults bring
everything to rest. Takes about ten minutes on two quiet cores.
"""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg
import pytest
from psycopg import sql
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests import oracle
from tests.faults.plan import BAD_DAY
from tests.system import RunningSystem
from tests.system_processes import make
from tests.system_seen import Step

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(os.environ.get("FAULT_RUN") != "full", reason="FAULT_RUN=full runs it: ten minutes and more"),
]
# What a production system finds out after five minutes is found out here after some seconds.
SOON = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
}
LONGEST = 900.0  # seconds until a stage comes by its place
WAITING = """
select client_port, application_name from pg_stat_activity
where %(locker)s = any(pg_blocking_pids(pid)) and client_port is not null
limit 1
"""
SESSION = "select client_port from pg_stat_activity where application_name = any(%(names)s) limit 1"
# A task of each try: what was written down when it began, and whether its end was.
TRIES = "select dag_id, task_id, try_number, ended_at is not null from ops.task_run order by task_run_id"


@dataclass(frozen=True)
class Place:
    """Where a task dies, by the table it needs or by a call it makes.

    :param lost: the worker above it dies too.
    """

    stage: str
    table: str = ""
    readers: bool = False
    fault: tuple[str, str, str] | None = None  # platform, method, path
    lost: bool = False


PLACES = (
    Place("land", "ops.stream_cursor"),
    Place("check", "ops.check_result", lost=True),
    Place("publish", "staging.changed_record"),
    Place("persons", "staging.last_word", readers=True, lost=True),
    Place("segments", "segment.build"),
    Place("plan", "audience.sync"),
    Place("deliver", "audience.sent"),
    Place("confirm", fault=("google", "GET", "requestStatus")),
)


@dataclass(frozen=True)
class Died:
    """A task that was killed: its process as Airflow had named it, the signals sent."""

    place: Place
    process: str
    killed: int


@dataclass(frozen=True)
class Story:
    """One run under faults and deaths, and what came after them.

    :param rest: the runs without faults until one delivers nothing.
    """

    died: tuple[Died, ...]
    struck: dict[str, int]
    faulty: Step
    rest: tuple[Step, ...]
    tries: tuple[tuple[str, str, int, bool], ...]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    home = tmp_path_factory.mktemp("system")
    try:
        started = make("up", home, CUSTOMERS="200", **SOON)
        assert started.returncode == 0, started.stdout[-3000:] + started.stderr[-3000:]
        yield _live(RunningSystem(home))
    finally:
        make("down", home)


def _live(system: RunningSystem) -> Story:
    system.standins.faults(*BAD_DAY)
    with ThreadPoolExecutor(1) as running:
        run = running.submit(system.run)
        died = [_kill(system, place) for place in PLACES]
        faulty = run.result()
    struck: dict[str, int] = {}
    for one in system.standins.fault_state():
        struck[one["kind"]] = struck.get(one["kind"], 0) + one["hit"]
    system.standins.faults()
    rest = [system.run()]
    while rest[-1].code or _delivered(rest[-1]):
        assert len(rest) < 5, rest[-1].words
        rest.append(system.run())
    with psycopg.connect(system.env["WAREHOUSE_URL"]) as conn:
        tries = conn.execute(TRIES).fetchall()
    return Story(tuple(died), struck, faulty, tuple(rest), tuple(tries))


def _delivered(step: Step) -> int:
    return sum(one["added"] + one["updated"] + one["removed"] for one in step.report["audiences"])


def _kill(system: RunningSystem, place: Place) -> Died:
    url = system.env["WAREHOUSE_URL"]
    with psycopg.connect(url, autocommit=True) as watching:
        if place.fault:
            return _end(place, _in_call(system, watching, *place.fault))
        mode = sql.SQL("access exclusive" if place.readers else "share")
        with psycopg.connect(url) as holding:
            table = sql.Identifier(*place.table.split("."))
            holding.execute(sql.SQL("lock table {} in {} mode").format(table, mode))
            locker = {"locker": holding.info.backend_pid}
            port, _ = _until(lambda: watching.execute(WAITING, locker).fetchone())
            died = _end(place, _owner(port))
            holding.rollback()
            return died


def _in_call(system: RunningSystem, watching: psycopg.Connection, platform: str, method: str, path: str) -> Any:
    """The process whose call the platform keeps waiting."""
    rule = {"platform": platform, "method": method, "path": path, "kind": "latency", "seconds": 3, "next": 1}
    at = system.standins.add_fault(rule)
    _until(lambda: system.standins.fault_state()[at]["hit"])
    names = [f"sync {platform}", f"conversions {platform}"]  # one at a time: they share a pool of one
    return _owner(watching.execute(SESSION, {"names": names}).fetchone()[0])


def _owner(port: int) -> psutil.Process:
    """The process at our end of a connection."""
    [pid] = {one.pid for one in psutil.net_connections("tcp") if one.laddr and one.laddr.port == port and one.pid}
    return psutil.Process(pid)


def _end(place: Place, task: psutil.Process) -> Died:
    """SIGKILL to the task, and before it to the worker that looks after it where the task is to be lost."""
    name = " ".join(task.cmdline())[:80]
    doomed = [task.parent(), task] if place.lost else [task]
    for process in doomed:
        process.send_signal(signal.SIGKILL)
    return Died(place, name, len(doomed))


def _until(ask: Any) -> Any:
    return Retrying(retry=retry_if_result(lambda got: not got), stop=stop_after_delay(LONGEST), wait=wait_fixed(0.2))(
        ask
    )


def test_a_task_died_in_every_stage_and_was_tried_again(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"\nfaults {story.struck}")
        for one in story.died:
            where = one.place.table or " ".join(one.place.fault or ())
            print(f"{one.place.stage:<10} {where:<30} {one.process}{' and its worker' if one.place.lost else ''}")
    assert len(story.died) == len(PLACES)
    without_end = [(dag_id, task_id) for dag_id, task_id, _, ended in story.tries if not ended]
    again = {(dag_id, task_id) for dag_id, task_id, number, ended in story.tries if number > 1 and ended}
    assert len(without_end) >= len(PLACES)
    assert set(without_end) <= again
    assert all(story.struck[kind] for kind in ("throttle", "error", "lost_answer", "reset", "latency"))


def test_audiences_equal_the_truth_afterwards(story: Story) -> None:
    last = story.rest[-1]
    assert (last.code, last.report["ok"]) == (0, True), last.words
    assert oracle.differences(last.truth, last.members, last.as_of) == {}
    assert _delivered(last) == 0
