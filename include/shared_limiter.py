"""The limiter of one account, shared through the warehouse by all workers and DAGs.

Calls are taken from the account's rates in Postgres, by Postgres' clock, several at once where many are made: a process
that makes 300 calls a second asks some twenty times a second. A call counts for its window and a margin longer, and
one whose answer came later still counts from then on: so the platform, which counts arrivals, never sees too many.
At most a few per cent of the limit stay unused.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from include.connection_lease import ConnectionLease
from include.errors import QuotaError
from include.limits import Rate
from include.warehouse_session import WarehouseSession

MARGIN = 0.04  # of a window: a call may reach the platform that much later than it was taken
SMALLEST_MARGIN, LARGEST_MARGIN = 0.03, 1.0  # seconds
LOTS_A_WINDOW = 20  # a process takes at most this share of a window's calls at once
LARGEST_LOT = 64
ENOUGH_ANSWERS = 5  # before these nobody knows what is usual: a call counts from its answer on
LONGEST_WAIT = 900.0  # seconds; a limit that comes back later ends the task, which is tried again then


@dataclass
class _Lot:
    """Calls taken at once. ``until``: seconds of this process' clock; what is left then is given back."""

    left: int
    used: int
    taken_at: float
    asked: float
    until: float


class SharedLimiter:
    """Implements `include.limits.Limiter` for one account.

    :param url: libpq URL of the warehouse; one connection is opened at the first call and kept.
    :param account: platform and account id or host, as in ``"hubspot 12345678"``; never a secret.
    :param rates: the platform's limits, from its documentation.
    :param connections: calls at once of the whole account; None where the platform sets no limit.
    """

    def __init__(self, url: str, account: str, rates: Sequence[Rate] = (), connections: int | None = None) -> None:
        self.account = account
        self._rates = tuple(rates)
        self._session = WarehouseSession(url, f"limits {account.partition(' ')[0]}")
        self._lease = None if connections is None else ConnectionLease(self._session, account, connections)
        self._buckets: dict[tuple[Rate, ...], _Bucket] = {}
        self._making = threading.Lock()
        self._call = threading.local()
        self._told: set[str] = set()  # rates that paused since a call of this process was taken

    def wait(self, method: str = "", path: str = "") -> None:
        """Return when the call may start.

        :raises QuotaError: it may not within LONGEST_WAIT seconds.
        """
        bucket = self._bucket(method, path)
        self._call.taken = (bucket, *bucket.take())

    def told(self, retry_after: float | None, method: str = "", path: str = "") -> None:
        """Everybody on the account pauses: only calls like this one where they have a rate of their own."""
        paused = self._paused_by(method, path)
        self._session.run("limits/pause", {"account": self.account, "rates": paused, "seconds": retry_after})
        self._told.update(paused)
        for bucket in list(self._buckets.values()):
            bucket.drop()

    def took(self, method: str = "", path: str = "") -> None:
        """The refusals before this call are not in a row with those after it."""
        taken = getattr(self._call, "taken", None)
        if taken is None or self._told.isdisjoint(paused := self._paused_by(method, path)):
            return  # nobody told this process to wait: no question for each of a million calls
        found = self._session.row("limits/went_on", {"account": self.account, "rates": paused, "at": taken[1]})
        if found["rates"]:  # none: the call had been taken before the pause
            self._told.difference_update(paused)

    def _paused_by(self, method: str, path: str) -> list[str]:
        """Names of the rates whose calls pause when the platform refuses a call like this one; all calls: ''."""
        return [rate.name for rate in self._rates if rate.only and rate.counts(method, path)] or [""]

    def states(self, calls: int, seconds: float, method: str = "", path: str = "") -> None:
        """Take the platform's own figure for the rate with this window that counts such calls."""
        with self._making:
            self._rates = tuple(
                replace(rate, calls=calls) if rate.seconds == seconds and rate.counts(method, path) else rate
                for rate in self._rates
            )

    @contextmanager
    def connection(self) -> Iterator[None]:
        """Hold one of the account's connections, where the platform limits them."""
        if self._lease is not None:
            self._lease.enter()
        self._call.taken = None
        try:
            yield
        finally:
            if self._lease is not None:
                self._lease.leave()
            if self._call.taken is not None:
                bucket, taken_at, asked = self._call.taken
                bucket.answered(taken_at, time.monotonic() - asked)

    def close(self) -> None:
        """Give back what is held."""
        if self._lease is not None:
            self._lease.close()
        self._session.close()

    def _bucket(self, method: str, path: str) -> "_Bucket":
        with self._making:
            rates = tuple(rate for rate in self._rates if rate.counts(method, path))
            if rates not in self._buckets:
                self._buckets[rates] = _Bucket(self._session, self.account, rates)
            return self._buckets[rates]


class _Bucket:
    """Calls that the same rates count, as this process takes them."""

    def __init__(self, session: WarehouseSession, account: str, rates: Sequence[Rate]) -> None:
        margins = [min(max(rate.seconds * MARGIN, SMALLEST_MARGIN), LARGEST_MARGIN) for rate in rates]
        self._session = session
        self._margin = min(margins, default=LARGEST_MARGIN)
        self._largest = max(1, min([LARGEST_LOT, *(rate.calls // LOTS_A_WINDOW for rate in rates)]))
        self._key = {
            "account": account,
            "rates": ["", *(rate.name for rate in rates)],
            "most": [None, *(rate.calls for rate in rates)],
            "spans": [0.0, *(rate.seconds + margin for rate, margin in zip(rates, margins, strict=True))],
        }
        self._lock = threading.Lock()
        self._lot: _Lot | None = None
        self._wanted = 1
        self._latencies: deque[float] = deque(maxlen=50)

    def take(self) -> tuple[float, float]:
        """One call: when it was taken by Postgres' clock, and when that was asked for by this process' clock."""
        with self._lock:  # whoever comes meanwhile waits for the same reason
            lot = self._lot
            if lot is None or not lot.left or time.monotonic() > lot.until:
                lot = self._lot = self._new_lot(lot)
            lot.left -= 1
            lot.used += 1
            return lot.taken_at, lot.asked

    def drop(self) -> None:
        """Forget what was taken: the account pauses."""
        with self._lock:
            if self._lot is not None:
                self._lot.until = 0.0

    def answered(self, taken_at: float, seconds: float) -> None:
        """An answer came so long after its call was taken: unless that is usual, the call may have arrived late."""
        usual = min(self._latencies) if len(self._latencies) >= ENOUGH_ANSWERS else 0.0
        self._latencies.append(seconds)
        late = seconds - usual - self._margin
        if late > 0 and len(self._key["rates"]) > 1:
            self._session.run("limits/arrived_late", {**self._key, "at": taken_at, "late": late})

    def _new_lot(self, last: _Lot | None) -> _Lot:
        """Ask until there are calls. As many as the last lot's time had use for; twice as many if it ran out."""
        if last is not None:
            self._wanted = min(self._largest, last.used * 2 if not last.left else max(1, last.used))
        unused, unused_at = (last.left, last.taken_at) if last is not None else (0, 0.0)
        give_up = time.monotonic() + LONGEST_WAIT
        while True:
            asked = time.monotonic()
            taken = self._session.row(
                "limits/take", {**self._key, "wanted": self._wanted, "unused": unused, "unused_at": unused_at}
            )
            if taken["granted"]:
                return _Lot(taken["granted"], 0, taken["taken_at"], asked, asked + self._margin / 2)
            unused = 0
            if asked + taken["wait_seconds"] > give_up:
                raise QuotaError(
                    f"{self._key['account']}: the limit {' and '.join(self._key['rates'][1:]) or 'of the account'} is "
                    f"used up for {taken['wait_seconds']:.0f} s.", retry_after=taken["wait_seconds"], code="limit",
                )
            time.sleep(taken["wait_seconds"])
