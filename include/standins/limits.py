"""The limits platforms set: so many connections at once, so many requests in a window, a leaking bucket."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Clock = Callable[[], float]  # seconds since the epoch


class ConnectionLimit:
    """At most ``most`` calls of one key under way at once, as Mailchimp counts them."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._lock = threading.Lock()
        self._open: dict[str, int] = {}

    @contextmanager
    def enter(self, key: str) -> Iterator[bool]:
        """Hold a place while the block runs; yields False when all places are taken."""
        with self._lock:
            admitted = self._open.get(key, 0) < self.most
            if admitted:
                self._open[key] = self._open.get(key, 0) + 1
        try:
            yield admitted
        finally:
            if admitted:
                with self._lock:
                    self._open[key] -= 1


class WindowLimit:
    """At most ``most`` calls of one key in any ``seconds`` (a sliding window, as HubSpot counts them)."""

    def __init__(self, most: int, seconds: float, clock: Clock) -> None:
        self.most = most
        self.seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._taken: dict[str, deque[float]] = {}

    def take(self, key: str) -> tuple[bool, int, float]:
        """Count one call.

        :returns: whether it is admitted, how many more are left, seconds until the oldest call leaves the window.
        """
        now = self._clock()
        with self._lock:
            taken = self._taken.setdefault(key, deque())
            while taken and taken[0] <= now - self.seconds:
                taken.popleft()
            admitted = len(taken) < self.most
            if admitted:
                taken.append(now)
            return admitted, self.most - len(taken), taken[0] + self.seconds - now


class LeakyBucket:
    """Points that come back at a steady rate, as Shopify counts the cost of queries."""

    def __init__(self, size: float, restored_per_second: float, clock: Clock) -> None:
        self.size = size
        self.restored_per_second = restored_per_second
        self._clock = clock
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, key: str, cost: float) -> tuple[bool, float]:
        """Spend ``cost`` points if they are there; a negative cost gives back what was asked for and not used.

        :returns: whether it was spent, and the points that are left.
        """
        now = self._clock()
        with self._lock:
            left, at = self._left.get(key, (self.size, now))
            left = min(self.size, left + (now - at) * self.restored_per_second)
            admitted = cost <= left
            if admitted:
                left = min(self.size, left - cost)
            self._left[key] = (left, now)
            return admitted, left
