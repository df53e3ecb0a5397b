"""The processes of one running system: started apart, written down, found again, stopped as a whole.

Each part leads a session of its own, so a Ctrl-C in the terminal reaches only us and we end the parts. What we started
is found by what we wrote down: the leader's pid with its start time (a pid alone may by now be somebody else's),
everything in its session, everything below it, and everything that carries the start's token in its environment.
Nothing is ever looked for by name.
"""

import json
import os
import secrets
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import psutil

from include.errors import FatalError

TOKEN = "AUDIENCEFLOW_START"  # noqa: S105 - names this start of the system, opens nothing
GRACE = 12.0  # seconds the parts get to end by themselves; Airflow's triggerer is the slowest
CLOCK_SLACK = 0.05  # seconds; start times are read in clock ticks

Mode = Literal["run", "up"]


@dataclass(frozen=True)
class Part:
    """One process we started.

    :param started: its start time in seconds since the epoch, as the kernel tells it.
    """

    name: str
    pid: int
    started: float

    def process(self) -> psutil.Process | None:
        """The process itself, or None when it has ended (its pid may be another's by now)."""
        try:
            found = psutil.Process(self.pid)
            same = abs(found.create_time() - self.started) < CLOCK_SLACK and found.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return found if same else None


class ProcessRecord:
    """The file that says which processes belong to this home.

    :param path: the file; its folder exists.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        self.mode: Mode | None = kept.get("mode")
        self.token: str = kept.get("token", "")
        self.parts: list[Part] = [Part(**part) for part in kept.get("parts", [])]

    def begin(self, mode: Mode) -> None:
        """Open the record of a new start; the token is on disk before anything runs."""
        self.mode, self.token, self.parts = mode, secrets.token_hex(16), []
        self._write()

    def keep_as(self, mode: Mode) -> None:
        """Say for how long these processes are meant to run."""
        self.mode = mode
        self._write()

    def start(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Start one part in a session of its own; its words go to the end of ``log``."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**environment, TOKEN: self.token, "SPT_NOENV": "1"},  # setproctitle would overwrite the token
                start_new_session=True,
            )
        self._children[name] = child
        self.parts.append(Part(name, child.pid, psutil.Process(child.pid).create_time()))
        self._write()

    def run(self, name: str, command: Sequence[str], environment: Mapping[str, str], log: Path) -> int:
        """Start one part, wait for its end and return its exit code; interrupted, it is stopped with the others."""
        self.start(name, command, environment, log)
        code = self._children.pop(name).wait()
        self.parts = [part for part in self.parts if part.name != name]
        self._write()
        return code

    def ended(self) -> list[str]:
        """Names of parts that are no longer there."""
        for child in self._children.values():
            child.poll()  # reaps, so that a dead child is not taken for a living one
        return [part.name for part in self.parts if part.process() is None]

    def check(self, logs: Path) -> None:
        """
        :raises FatalError: a part has ended by itself; names its log.
        """
        if gone := self.ended():
            raise FatalError(f"{gone[0]} has ended by itself; the cause is at the end of {logs / (gone[0] + '.log')}.")

    def members(self) -> list[psutil.Process]:
        """Every living process of this start."""
        leaders = {part.pid: part for part in self.parts}
        above_us = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
        found: dict[int, psutil.Process] = {}
        for process in psutil.process_iter():
            if process.pid not in above_us and self._is_ours(process, leaders):
                found[process.pid] = process
        for process in list(found.values()):
            found.update({child.pid: child for child in _children(process)})
        return list(found.values())

    def stop(self, grace: float = GRACE) -> list[str]:
        """End every process of this start: ask the leaders, wait, then kill what is left. Safe to repeat.

        :returns: names (by pid) of what had to be killed.
        :raises FatalError: something outlived even that.
        """
        members = self.members()
        leaders = [process for part in self.parts if (process := part.process())]
        for process in leaders or members:
            _signal(process, terminate=True)
        left = self._wait(grace)
        for process in left:
            _signal(process, terminate=False)
        if alive := self._wait(10.0):
            raise FatalError(f"Processes {[process.pid for process in alive]} cannot be ended; end them by hand.")
        self.parts, self.mode = [], None
        self._children.clear()
        self.path.unlink(missing_ok=True)
        return [str(process.pid) for process in left]

    def _wait(self, seconds: float) -> list[psutil.Process]:
        """Wait until nothing is left, at most so long; what is left then."""
        deadline = time.monotonic() + seconds
        while (left := self.members()) and time.monotonic() < deadline:
            self.ended()
            time.sleep(0.1)
        return left

    def _is_ours(self, process: psutil.Process, leaders: Mapping[int, Part]) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            leader = leaders.get(process.pid)
            if leader and leader.process():
                return True
            if self.token and process.environ().get(TOKEN) == self.token:
                return True
            head = leaders.get(os.getsid(process.pid))
            return head is not None and head.process() is not None
        except (psutil.NoSuchProcess, psutil.AccessDenied, ProcessLookupError):
            return False

    def _write(self) -> None:
        kept = {"mode": self.mode, "token": self.token, "parts": [asdict(part) for part in self.parts]}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
        draft.replace(self.path)  # at once: a killed start leaves the old record or the new one


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, *, terminate: bool) -> None:
    try:
        process.terminate() if terminate else process.kill()
    except psutil.NoSuchProcess:
        return
