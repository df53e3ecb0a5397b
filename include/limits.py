"""One limit per account for all workers and DAGs: calls in a time, calls at once, a pause everybody keeps.

A platform counts what comes from an account, not from a process. So a client asks here before each call, and tells
here what the platform answered; what stands behind is shared through the warehouse (`include.shared_limiter`).
"""

import re
import time
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Rate:
    """So many calls in any ``seconds`` (a sliding window: safe where the platform counts fixed ones too).

    :param only: regular expression searched in ``"METHOD /path"``: the calls this rate counts; empty is all of them.
    """

    calls: int
    seconds: float
    only: str = ""

    @property
    def name(self) -> str:
        """What tells this rate from the account's others: 'calls in 10 s', 'calls of /search in 1 s'."""
        return f"calls{f' of {self.only}' if self.only else ''} in {self.seconds:g} s"

    def counts(self, method: str, path: str) -> bool:
        """Whether the platform counts this call against this rate."""
        return re.search(self.only, f"{method} {path}") is not None


@dataclass(frozen=True)
class Quota:
    """What is left of one of an account's limits.

    :param lasts: what is used up stays so for the day; False: it comes back within seconds or minutes.
    """

    limit: int
    remaining: int
    lasts: bool = False


class Limiter(Protocol):
    """What a client asks. Used from several threads at once.

    ``method`` and ``path`` (without query) are those of the call; without them only rates of all calls count it.
    """

    def wait(self, method: str = "", path: str = "") -> None:
        """Return when the call may start; it must start at once then.

        :raises QuotaError: the limit comes back later than is worth waiting for (a day's limit).
        """
        ...

    def told(self, retry_after: float | None, method: str = "", path: str = "") -> None:
        """The platform said "too many": everybody on this account pauses, for seconds or a growing while (None)."""
        ...

    def took(self, method: str = "", path: str = "") -> None:
        """The platform took the call of this thread: who is told "too many" next pauses for a short while again."""
        ...

    def states(self, calls: int, seconds: float, method: str = "", path: str = "") -> None:
        """The platform's answer states its limit: the account's plan decides it, so this replaces the declared one."""
        ...

    def connection(self) -> AbstractContextManager[None]:
        """One of the account's connections, held while the block runs; waits for one."""
        ...


class OwnLimits:
    """The limits of a client that shares its account with nobody: rates, kept in this process."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._starts = {rate: deque[float](maxlen=rate.calls) for rate in rates}

    def wait(self, method: str = "", path: str = "") -> None:
        """Return when no rate is used up; a day's limit is left to the platform's own answer."""
        counting = [(rate, starts) for rate, starts in self._starts.items() if rate.counts(method, path)]
        for rate, starts in counting:
            if len(starts) == rate.calls and (pause := starts[0] + rate.seconds - time.monotonic()) > 0:
                time.sleep(min(pause, 60.0))
        for _, starts in counting:
            starts.append(time.monotonic())

    def told(self, retry_after: float | None, method: str = "", path: str = "") -> None:
        """Nothing: the client that was told waits by itself."""

    def states(self, calls: int, seconds: float, method: str = "", path: str = "") -> None:
        """The account's own figure takes the place of the declared one."""
        stated = next((one for one in self._starts if not one.only and one.seconds == seconds), None)
        if stated is not None and stated.calls != calls:
            self._starts[Rate(calls, seconds)] = deque(self._starts.pop(stated), maxlen=calls)

    def connection(self) -> AbstractContextManager[None]:
        """As many as the client opens."""
        return nullcontext()
