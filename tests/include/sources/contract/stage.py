"""A platform's own stand-in in this process, with a clock of the test's and a word before each request."""

import importlib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from include.standins.faults import FaultPlan
from include.standins.kit import Context
from include.standins.request_log import RequestLog
from include.standins.server import HOST, platform_app
from include.standins.serving import BreakableProtocol
from include.standins.store import Store

BEGIN = 1_763_712_000.0  # 2025-11-21T08:00:00Z; stand-ins live in the test's time, not in ours
A_REQUEST = 0.25  # seconds that pass with each request: below every platform's limit of calls


class Clock:
    """The platform's present, moved by the test alone."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> float:
        return self.now

    def pass_(self, seconds: float) -> None:
        self.now += seconds


class NoLimits:
    """A limiter that lets every call through: the test's clock keeps the platform's own limits content."""

    def wait(self, method: str = "", path: str = "") -> None:
        """At once."""

    def told(self, retry_after: float | None, method: str = "", path: str = "") -> None:
        """Nobody shares it."""

    def took(self, method: str = "", path: str = "") -> None:
        """Nobody paused."""

    def states(self, calls: int, seconds: float, method: str = "", path: str = "") -> None:
        """Nothing is counted."""

    @contextmanager
    def connection(self) -> Iterator[None]:
        yield


class Stage:
    """One platform, answering under ``url`` from a store in memory that ``renew`` empties.

    :ivar before: called before each request, in order; no request is answered while it runs.
    """

    def __init__(self, platform: str) -> None:
        self.platform = platform
        self.clock = Clock()
        self.before: Callable[[], None] = lambda: None
        self._module = importlib.import_module(f"include.standins.{platform}")
        self._listener = socket.create_server((HOST, 0), backlog=64)
        self.url = f"http://{HOST}:{self._listener.getsockname()[1]}"
        self.renew()

    def renew(self) -> None:
        """An account that nobody has made use of, at the beginning of time."""
        self.clock.now = BEGIN
        self.before = lambda: None
        store = Store(":memory:", scratch=True)
        self.context = Context(store, RequestLog(":memory:"), FaultPlan(), clock=self.clock)
        prepare = getattr(self._module, "prepare", None)
        if prepare is not None:
            prepare(store, self.context.now_ms())
        self._app = platform_app(self.platform, self._module, self.context)

    @property
    def store(self) -> Store:
        return self.context.store

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await run_in_threadpool(self._tick)
        await self._app(scope, receive, send)

    def _tick(self) -> None:
        self.clock.pass_(A_REQUEST)
        self.before()

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer on a thread until the block ends."""
        server = uvicorn.Server(
            uvicorn.Config(self, http=BreakableProtocol, lifespan="off", log_level="warning", access_log=False)
        )
        thread = threading.Thread(target=server.run, args=([self._listener],), daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(10)
