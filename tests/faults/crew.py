"""Workers that run the stages of the chain, each in a process of its own, and die by SIGKILL where a test says."""

import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
from multiprocessing import forkserver
from typing import Any

import psutil
import psycopg
from psycopg import sql
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from include import warehouse
from tests.faults.stage import TRIES, Order, Told, work
from tests.standins import ROOT, Standins

log = logging.getLogger(__name__)
LONGEST = 120.0  # seconds a stage of a small merchant may take, whatever strikes it
AT_ONCE = 3
SLOW = 0.6  # seconds that a call is kept waiting in which its caller is killed
_WAITING = """
select client_port, query from pg_stat_activity
where %(locker)s = any(pg_blocking_pids(pid)) and client_port is not null
order by query_start limit 1
"""
_HERE = "select from pg_stat_activity where client_port = any(%(ports)s)"


class NotReached(AssertionError):
    """A stage came to its end without coming by the place where it was to die."""


class FailedBefore(NotReached):
    """A fault ended it before; Airflow would try it again."""


@dataclass(frozen=True)
class Death:
    """One worker that was killed.

    :param at: the statement of sql/ it was in, the request it waited for, or the seconds it had run.
    """

    order: Order
    at: str
    signal: int


@dataclass
class Running:
    """A worker at work."""

    order: Order
    process: Any
    told: Any

    def ended(self) -> Told | None:
        """What it said; None when it died without a word."""
        self.process.join(LONGEST)
        if self.process.is_alive():
            self.kill()
            raise AssertionError(f"{self.order} still ran after {LONGEST} s")
        try:
            return self.told.recv()
        except EOFError:
            return None

    def not_reached(self, place: str) -> NotReached:
        """Why it cannot be killed there any more."""
        told = self.ended()
        kind = FailedBefore if told is not None and told.again else NotReached
        return kind(f"{self.order} did not come by {place}: {told}")

    def ports(self, at: int) -> set[int]:
        """Its ends of connections to a port; none when it has just ended.

        Connections to elsewhere do not count: their ends may bear the same number as somebody else's to that port.
        """
        try:
            opened = psutil.Process(self.process.pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return set()
        return {one.laddr.port for one in opened if one.raddr and one.raddr.port == at}

    def kill(self) -> int:
        """End it as the kernel ends a process that takes too much memory; the signal it died of.

        0 when it had come to its end by itself in the last moment.
        """
        with suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self.process.join(30)
        return -self.process.exitcode


@dataclass
class Crew:
    """Starts workers.

    :param url: of the warehouse they work on.
    :param environment: the connections, as Airflow reads them.
    :ivar deaths: everybody killed so far.
    :ivar failures: tries that ended with an error and were made again.
    :ivar seconds: by stage and name, how long the last try took that came to its end.
    """

    url: str
    environment: Mapping[str, str] = field(repr=False)
    standins: Standins = field(repr=False)
    deaths: list[Death] = field(default_factory=list)
    failures: list[tuple[Order, str]] = field(default_factory=list)
    seconds: dict[tuple[str, str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._forks = _fork_server()

    def start(self, order: Order, try_number: int = 1) -> Running:
        ours, theirs = self._forks.Pipe(duplex=False)
        process = self._forks.Process(target=work, args=(order, dict(self.environment), try_number, theirs))
        process.start()
        theirs.close()
        return Running(order, process, ours)

    def run(self, *orders: Order) -> dict[Order, Any]:
        """Bring stages to their end, some at once, each with the tries that Airflow gives it; their results."""
        with ThreadPoolExecutor(AT_ONCE) as hands:
            return dict(zip(orders, hands.map(self._with_tries, orders), strict=True))

    def _with_tries(self, order: Order) -> Any:
        for try_number in range(1, TRIES + 1):
            began = time.monotonic()
            told = self.start(order, try_number).ended()
            assert told is not None, f"{order} died by itself"
            if told.error is None or told.result == "skipped":
                self.seconds[order.stage, order.name] = time.monotonic() - began
                log.info("%s ended after %.1f s", order, self.seconds[order.stage, order.name])
                return told.result
            self.failures.append((order, told.error))
            log.info("%s failed: %s", order, told.error)
            assert told.again, f"{order}: {told.error}"
        raise AssertionError(f"{order} failed {TRIES} times: {told.error}")

    def kill_at_table(self, order: Order, table: str, *, readers: bool = False) -> Death:
        """Kill a stage where it waits for a table that somebody holds: inside the transaction that needs it.

        :param readers: hold it against those who read as well.
        """
        mode = sql.SQL("access exclusive" if readers else "share")
        with psycopg.connect(self.url) as holding, self._watching() as watching:
            holding.execute(sql.SQL("lock table {} in {} mode").format(sql.Identifier(*table.split(".")), mode))
            running = self.start(order)
            locker = {"locker": holding.info.backend_pid}
            found = _until(lambda: watching.execute(_WAITING, locker).fetchone() or not running.process.is_alive())
            if found is True:
                raise running.not_reached(table)
            port, query = found
            ports = running.ports(watching.info.port)
            assert port in ports, f"somebody else than {order} waits for {table}"
            died = running.kill()
            holding.rollback()
            self._gone(watching, ports)
        return self._note(order, f"{_file_of(query)}, waiting for {table}", died)

    def kill_in_call(self, order: Order, platform: str, method: str, path: str, *, skip: int = 0) -> Death:
        """Kill a stage while it waits for an answer. The platform does what it was asked; nobody hears of it."""
        rule = {"platform": platform, "kind": "latency", "method": method, "path": path, "seconds": SLOW}
        after = self.standins.last_request()
        place = self.standins.add_fault({**rule, "skip": skip, "next": 1})
        with self._watching() as watching:
            running = self.start(order)
            _until(lambda: self.standins.fault_state()[place]["hit"] or not running.process.is_alive())
            if not running.process.is_alive():
                raise running.not_reached(f"{method} {path} of {platform}")
            ports = running.ports(watching.info.port)
            died = running.kill()
            self._gone(watching, ports)
        found = _until(
            lambda: [one for one in self.standins.recorded(platform, after=after) if one.seconds >= SLOW * 0.9]
        )
        return self._note(order, f"{found[0].method} {_pattern(found[0].path)}", died)

    def kill_after(self, order: Order, seconds: float) -> bool:
        """Kill a stage when it has run for so long; False when it ended before."""
        with self._watching() as watching:
            running = self.start(order)
            running.process.join(seconds)
            if not running.process.is_alive():
                told = running.ended()
                assert told is not None, f"{order} died by itself"
                return False
            ports = running.ports(watching.info.port)
            died = running.kill()
            self._gone(watching, ports)
        if died != signal.SIGKILL:  # it came to its end in the last moment
            return False
        self._note(order, f"after {seconds:.2f} s", died)
        return True

    @contextmanager
    def _watching(self) -> Iterator[psycopg.Connection]:
        with psycopg.connect(self.url, autocommit=True) as conn:
            yield conn

    def _gone(self, watching: psycopg.Connection, ports: set[int]) -> None:
        """Return when Postgres has noticed, and with the sessions their locks are gone."""
        asked = {"ports": list(ports)}
        _until(lambda: watching.execute(_HERE, asked).fetchone() is None)

    def _note(self, order: Order, at: str, died: int) -> Death:
        log.info("%s died of signal %s: %s", order, died, at)
        self.deaths.append(Death(order, at, died))
        return self.deaths[-1]


@cache
def _fork_server() -> Any:
    """A process of this session that has read everything a stage needs, and forks."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "plugins")])
    try:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["tests.faults.stage"])
        forkserver.ensure_running()
    finally:
        os.environ.pop("PYTHONPATH")
        os.environ.update({"PYTHONPATH": before} if before is not None else {})
    return context


def _until(ask: Callable[[], Any]) -> Any:
    return Retrying(retry=retry_if_result(lambda got: not got), stop=stop_after_delay(LONGEST), wait=wait_fixed(0.03))(
        ask
    )


@cache
def _files() -> Mapping[str, str]:
    """By their first line that is no comment, in the order of names: a label, not a proof."""
    found: dict[str, str] = {}
    for path in sorted(warehouse.SQL_ROOT.rglob("*.sql")):
        found.setdefault(_head(path.read_text(encoding="utf-8")), str(path.relative_to(warehouse.SQL_ROOT)))
    return found


def _head(text: str) -> str:
    return "\n".join(text.strip().splitlines()[:2])


def _file_of(query: str) -> str:
    """The file of sql/ that a statement came from, or its first words."""
    return _files().get(_head(query)) or " ".join(query.split()[:5])


def _pattern(path: str) -> str:
    """A path without the ids in it, for people."""
    return "/".join("…" if any(sign.isdigit() for sign in part) and len(part) > 6 else part for part in path.split("/"))


def table_of(deaths: Sequence[Death]) -> str:
    """Who was killed where, for people."""
    wide = max(len(str(death.order)) for death in deaths)
    return "\n".join(f"{death.order!s:<{wide}}  {death.at}" for death in deaths)
