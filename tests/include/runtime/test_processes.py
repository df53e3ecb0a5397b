"""What we started is found and ended as a whole; what we did not start is left alone."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from include.errors import FatalError
from include.runtime.processes import ProcessRecord
from include.runtime.settings import ROOT

# A leader with a child in its session and a grandchild that has left it, as Airflow's workers may.
FAMILY = """
import os, subprocess, sys, time
inner = "import time; time.sleep(600)"
subprocess.Popen([sys.executable, "-c", inner])
subprocess.Popen([sys.executable, "-c", inner], start_new_session=True)
print("ready", flush=True)
time.sleep(600)
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(600)"


@pytest.fixture
def record(tmp_path: Path) -> Iterator[ProcessRecord]:
    kept = ProcessRecord(tmp_path / "processes.json")
    kept.begin("run")
    yield kept
    ProcessRecord(tmp_path / "processes.json").stop(grace=0.1)


def _wait_for_ready(log: Path, process: psutil.Process) -> None:
    """Returns when the started program has said so; the tests' own time limit ends a wait in vain."""
    while "ready" not in (log.read_text() if log.exists() else ""):
        assert process.is_running()


def _living(processes: list[psutil.Process]) -> list[int]:
    """Pids of those that run; a dead orphan nobody has collected yet runs no more."""
    return [one.pid for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def _start(record: ProcessRecord, name: str, program: str, folder: Path) -> psutil.Process:
    log = folder / f"{name}.log"
    record.start(name, [sys.executable, "-c", program], os.environ, log)
    process = psutil.Process(record.parts[-1].pid)
    _wait_for_ready(log, process)
    return process


def test_stop_ends_children_and_grandchildren_that_left_the_session(record: ProcessRecord, tmp_path: Path) -> None:
    leader = _start(record, "family", FAMILY, tmp_path)
    family = [leader, *leader.children(recursive=True)]
    assert len(family) == 3
    record.stop(grace=0.5)
    assert _living(family) == []
    assert not record.path.exists()


def test_what_ignores_the_request_is_killed(record: ProcessRecord, tmp_path: Path) -> None:
    deaf = _start(record, "deaf", DEAF, tmp_path)
    assert record.stop(grace=0.3) == [str(deaf.pid)]
    assert _living([deaf]) == []


def test_a_grandchild_is_found_when_its_leader_is_dead(record: ProcessRecord, tmp_path: Path) -> None:
    leader = _start(record, "family", FAMILY, tmp_path)
    orphans = leader.children(recursive=True)
    leader.kill()
    record.ended()
    record.stop(grace=0.5)
    assert _living(orphans) == []


def test_the_next_start_ends_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    supervisor = subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path), FAMILY], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    leader = psutil.Process(int(supervisor.stdout.readline()))
    _wait_for_ready(tmp_path / "family.log", leader)
    family = [leader, *leader.children(recursive=True)]
    supervisor.kill()
    supervisor.wait()
    assert len(_living(family)) == 3
    ProcessRecord(tmp_path / "processes.json").stop(grace=0.5)
    psutil.wait_procs(family, timeout=10)  # killed is not yet gone
    assert _living(family) == []


SUPERVISOR = """
import os, sys, time
from pathlib import Path
from include.runtime.processes import ProcessRecord
folder = Path(sys.argv[1])
record = ProcessRecord(folder / "processes.json")
record.begin("run")
record.start("family", [sys.executable, "-c", sys.argv[2]], os.environ, folder / "family.log")
print(record.parts[0].pid, flush=True)
time.sleep(600)
"""


def test_a_stranger_that_got_a_dead_parts_pid_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
    began = psutil.Process(stranger.pid).create_time() - 3600
    kept = {"mode": "run", "token": "of another day", "parts": [{"name": "old", "pid": stranger.pid, "started": began}]}
    (tmp_path / "processes.json").write_text(json.dumps(kept))
    try:
        ProcessRecord(tmp_path / "processes.json").stop(grace=0.1)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_part_that_dies_by_itself_is_named_with_its_log(record: ProcessRecord, tmp_path: Path) -> None:
    process = _start(record, "scheduler", FAMILY, tmp_path)
    record.check(tmp_path)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(FatalError, match=r"scheduler has ended by itself.*scheduler\.log"):
        record.check(tmp_path)


def test_a_finished_step_is_no_dead_part(record: ProcessRecord, tmp_path: Path) -> None:
    assert record.run("step", [sys.executable, "-c", "raise SystemExit(3)"], os.environ, tmp_path / "step.log") == 3
    assert record.ended() == []
