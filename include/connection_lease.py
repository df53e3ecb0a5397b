"""A process' share of the connections an account may have open at once.

A share is a row with an expiry that a thread renews while calls are made: a process that was killed gives
its connections back within LEASE_SECONDS. Who finds too few asks again soon; who has more than a fair share gives the
excess back as its calls end.
"""

import os
import socket
import threading
import time
import uuid

import psycopg

from include.warehouse_session import WarehouseSession

LEASE_SECONDS = 10.0
RENEWALS = 10  # a lease
SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.5  # seconds between two questions for a connection


class ConnectionLease:
    """Counts this process' calls against what it holds.

    :param most: connections of the whole account.
    """

    def __init__(self, session: WarehouseSession, account: str, most: int, *, seconds: float = LEASE_SECONDS) -> None:
        self._session = session
        self._key = {
            "account": account,
            "holder": f"{socket.gethostname()} {os.getpid()} {uuid.uuid4().hex[:8]}",
            "most": most,
            "seconds": seconds,
        }
        self._seconds = seconds
        self._changed = threading.Condition()
        self._in_use = 0
        self._waiting = 0
        self._most_wanted = 0  # at once, since the last renewal
        self._held = 0
        self._good_until = 0.0
        self._renewing: threading.Thread | None = None

    def enter(self) -> None:
        """Return when one more call may be under way."""
        pause = SHORTEST_PAUSE
        with self._changed:
            self._waiting += 1
            try:
                self._most_wanted = max(self._most_wanted, self._in_use + self._waiting)
                while self._in_use >= self._held or time.monotonic() > self._good_until:
                    before = self._held
                    self._ask()
                    if self._in_use < self._held:
                        break
                    if self._held == before:
                        self._changed.wait(pause)
                        pause = min(pause * 2, LONGEST_PAUSE)
                self._in_use += 1
            finally:
                self._waiting -= 1
            self._keep_renewing()

    def leave(self) -> None:
        """A call has ended."""
        with self._changed:
            self._in_use -= 1
            self._changed.notify()

    def close(self) -> None:
        """Give everything back."""
        with self._changed:
            self._in_use = self._waiting = self._most_wanted = 0
            self._ask()

    def _ask(self) -> None:
        wanted = max(self._most_wanted, self._in_use + self._waiting)
        asked = time.monotonic()
        self._held = self._session.row("limits/lease", {**self._key, "in_use": self._in_use, "wanted": wanted})["held"]
        self._good_until = asked + self._seconds / 2

    def _keep_renewing(self) -> None:
        if self._renewing is None:
            self._renewing = threading.Thread(target=self._renew, name="connection lease", daemon=True)
            self._renewing.start()

    def _renew(self) -> None:
        """Runs while the process makes calls, and ends a renewal after the last one, with everything given back."""
        while True:
            time.sleep(self._seconds / RENEWALS)
            with self._changed:
                wanted = self._most_wanted = max(self._most_wanted, self._in_use + self._waiting)
                try:
                    self._ask()
                except psycopg.OperationalError:  # enter() asks again and tells whoever calls
                    self._good_until = 0.0
                self._changed.notify_all()
                self._most_wanted = self._in_use + self._waiting
                if not wanted:
                    self._renewing = None
                    return
