"""What the suite has to know about a platform: the destination on it, what it got, whom it holds, what can go wrong."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from include.destinations.base import Destination
from include.standins.request_log import Recorded
from tests.standins import Standins

Operation = Literal["add", "update", "remove"]
Fault = Literal["throttle", "error", "error_after", "expired_token", "reset", "lost_answer", "half_answer"]


@dataclass(frozen=True)
class Call:
    """A request that changes an audience, or would have.

    :param operation: what it does to whom it names; ``update`` also for a call that only carries fields.
    :param names: whom it names, in order, as :meth:`Adapter.wire` gives them.
    """

    operation: Operation
    names: tuple[str, ...]


class Adapter(ABC):
    """One platform, as the suite sees it. A fresh one a case; the stand-in was reset before.

    :cvar partial: the platform itself names bad rows, so that they cost no further call.
    :cvar calls_a_batch: changing requests that one batch of new people takes.
    :cvar jobs: it answers with a job whose result comes later.
    :cvar failing_jobs: a job of it can fail as a whole.
    :cvar debts: it can refuse the removal of a person.
    :cvar holds_fields: it tells what it holds of a person, in the clear.
    :cvar marks_quiet: what is sent says whether it is to set off nothing (``include.destinations.quiet``).
    :cvar knows_repeats: it knows a call it has had by the call's id.
    :cvar has_minimum: it takes no audience below a size.
    :cvar carries_names: it is told first names.
    :cvar options: what a segment's front matter must say besides the audience's name.
    :cvar changes: faults strike requests whose path this regular expression finds, and of this ``method`` if one is
        given; no reading request's.
    """

    name: ClassVar[str]
    partial: ClassVar[bool] = True
    calls_a_batch: ClassVar[int] = 1
    jobs: ClassVar[bool] = False
    failing_jobs: ClassVar[bool] = False
    debts: ClassVar[bool] = False
    holds_fields: ClassVar[bool] = False
    marks_quiet: ClassVar[bool] = False
    knows_repeats: ClassVar[bool] = False
    has_minimum: ClassVar[bool] = False
    carries_names: ClassVar[bool] = True
    options: ClassVar[Mapping[str, Any]] = {}
    changes: ClassVar[str]
    method: ClassVar[str | None] = None

    def __init__(self, standins: Standins) -> None:
        self.standins = standins

    def prepare(self) -> None:
        """Set the scene: what a person does at the platform once, before any audience."""
        self.forget()

    @abstractmethod
    def destination(self, **arguments: Any) -> Destination:
        """The destination on the stand-in's account. ``arguments``: ``tries``, ``limiter``."""

    @abstractmethod
    def call(self, request: Recorded) -> Call | None:
        """What a recorded request would do to an audience's members; None for any other, reading or making one."""

    @abstractmethod
    def members(self, key: str) -> list[str]:
        """Whom the audience holds, as :meth:`wire` gives them, doubles as often as they are there."""

    @abstractmethod
    def bad_address(self, number: int) -> str:
        """An address that identify() lets through and the platform refuses for good, row by row."""

    @abstractmethod
    def delete_audience(self, key: str, remote_id: str) -> None:
        """As somebody does in the platform's own pages."""

    def wire(self, address: str) -> str:
        """An address as the platform names its person."""
        return address.lower()

    # What only some platforms do: a case that needs it names the fact in brackets (``those_with``), so nobody else is
    # ever asked.

    def field(self, key: str, address: str, column: str) -> str | None:
        """What the platform holds in the field that carries this column (``holds_fields``)."""
        raise NotImplementedError

    def refuse_removals(self, key: str, on: bool) -> None:
        """From now on the platform refuses removals from the audience, or no longer (``debts``)."""
        raise NotImplementedError

    def fail_jobs(self, on: bool) -> None:
        """Jobs that begin from now on fail as a whole: nobody of them comes in or leaves (``failing_jobs``)."""
        raise NotImplementedError

    def hang_jobs(self, on: bool) -> None:
        """Jobs that begin from now on never end, or end again (``jobs``)."""
        raise NotImplementedError

    def need(self, entries: int) -> None:
        """From now on it takes no audience that would be smaller (``has_minimum``)."""
        raise NotImplementedError

    def last_is_quiet(self) -> bool:
        """Whether the last of what was sent says that it is to set off nothing (``marks_quiet``)."""
        raise NotImplementedError

    def call_ids(self) -> list[str]:
        """The ids of the changing requests, in order (``knows_repeats``)."""
        raise NotImplementedError

    # What platforms behind the stand-ins' server share; one that is no server has its own way.

    def recorded(self) -> list[Recorded]:
        """Every request since the last :meth:`forget`."""
        return self.standins.recorded(self.name)

    def calls(self) -> list[Call]:
        """The changing requests among them."""
        return [call for one in self.recorded() if (call := self.call(one)) is not None]

    def requests(self) -> int:
        """How many requests of any kind there were."""
        return len(self.recorded())

    def arrivals(self) -> list[float]:
        """When each of them came, in seconds since the epoch."""
        return [one.at for one in self.recorded()]

    def said(self) -> bytes:
        """All that was ever told the platform since the last :meth:`forget`."""
        return b"\n".join(
            part
            for one in self.recorded()
            for part in (one.path.encode(), one.query.encode(), one.body, str(dict(one.headers)).encode())
        )

    def forget(self) -> None:
        """Empty the log."""
        self.standins.forget_requests()

    def strike(
        self, kind: Fault, *, next: int | None = 1, skip: int = 0, everywhere: bool = False, **more: Any
    ) -> None:
        """The next changing requests go wrong (all requests with ``everywhere``); ``throttle`` asks for no waiting."""
        fault = {"platform": self.name, "kind": kind, "next": next, "skip": skip, "path": self.changes, **more}
        if everywhere:
            del fault["path"]
        elif self.method is not None:
            fault["method"] = self.method
        if kind == "throttle":
            fault["seconds"] = 0
        self.standins.faults(fault)

    def calm(self) -> None:
        """Nothing goes wrong any more."""
        self.standins.faults()

    def pass_time(self, seconds: float) -> None:
        """Let the platform's time pass: it works off its jobs."""
        self.standins.advance(seconds)


class BadRows:
    """Before a destination that hashes: addresses of ``bad.example`` become what is no hash. Nothing else does."""

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        address = person["email"]
        return {"email": no_hash(address)} if address.endswith("@bad.example") else super().identify(person)


class HashedAdapter(Adapter):
    """A platform that names people by the hash of the address, with :class:`BadRows`."""

    def wire(self, address: str) -> str:
        return no_hash(address) if address.endswith("@bad.example") else sha256(address)

    def bad_address(self, number: int) -> str:
        return f"{number}@bad.example"


def no_hash(address: str) -> str:
    """What the platform gets of a bad address."""
    return f"no hash {address.partition('@')[0]}"


def sha256(value: str) -> str:
    """In hex, as platforms that take hashes have it."""
    return hashlib.sha256(value.encode()).hexdigest()


def forms(value: str) -> list[bytes]:
    """Every form in which a value could leave the house."""
    plain = value.encode()
    md5 = hashlib.md5(plain, usedforsecurity=False).hexdigest()
    return [plain, plain.replace(b"@", b"%40"), sha256(value).encode(), md5.encode()]
