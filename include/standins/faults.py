"""The fault plan: which requests go wrong, and how. Seeded, so that a run that failed can be run again."""

import random
import re
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

Kind = Literal["throttle", "error", "error_after", "expired_token", "reset", "lost_answer", "half_answer", "latency"]


@dataclass(frozen=True)
class Fault:
    """One rule of the plan.

    What happens, by kind: ``throttle`` the platform's own "slow down" (429 and its kin), nothing is applied;
    ``error`` an answer with ``status``, nothing is applied; ``error_after`` the same, but the request WAS applied;
    ``expired_token`` the platform's own 401; ``reset`` the connection breaks, nothing is applied; ``lost_answer``
    the request is applied and the connection breaks before the answer; ``half_answer`` it breaks in the middle of
    the answer; ``latency`` the request waits first, and may then meet another fault.

    :param platform: ``mailchimp`` and so on; ``*`` is all of them.
    :param path: regular expression searched in the path without the platform's prefix.
    :param method: GET, POST, or several as ``POST|DELETE``; None is any.
    :param probability: share of the matching requests that is hit.
    :param skip: so many matching requests pass first.
    :param next: only so many requests are hit in all; None is no end.
    :param status: for ``error`` and ``error_after``.
    :param seconds: for ``latency`` the delay, for ``throttle`` the wait the platform asks for.
    """

    platform: str
    kind: Kind
    path: str = ""
    method: str | None = None
    probability: float = 1.0
    skip: int = 0
    next: int | None = None
    status: int = 503
    seconds: float = 1.0
    seed: int = 0

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> "Fault":
        """
        :raises ValueError: a key or a kind that does not exist, or a pattern that is none; the text says which.
        """
        unknown = set(body) - {one.name for one in fields(cls)}
        if unknown:
            raise ValueError(f"unknown key {min(unknown)!r}; known are {', '.join(one.name for one in fields(cls))}")
        if body.get("kind") not in get_args(Kind):
            raise ValueError(f"kind must be one of {', '.join(get_args(Kind))}")
        if "platform" not in body:
            raise ValueError("platform is missing; '*' is all of them")
        re.compile(body.get("path", ""))
        return cls(**body)


class _Rule:
    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.pattern = re.compile(fault.path)
        self.random = random.Random(fault.seed)  # noqa: S311 - faults are no secret
        self.matched = 0
        self.hit = 0

    def strikes(self, platform: str, method: str, path: str) -> bool:
        fault = self.fault
        if fault.platform not in ("*", platform) or not self.pattern.search(path):
            return False
        if fault.method is not None and method not in fault.method.split("|"):
            return False
        if fault.next is not None and self.hit >= fault.next:
            return False
        self.matched += 1
        if self.matched <= fault.skip or self.random.random() >= fault.probability:
            return False
        self.hit += 1
        return True


class FaultPlan:
    """The rules in force. The first rule that strikes wins; latency is added on top."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []

    def add(self, *faults: Fault) -> None:
        """Put rules behind those in force."""
        with self._lock:
            self._rules.extend(_Rule(fault) for fault in faults)

    def replace(self, *faults: Fault) -> None:
        """Only these rules from now on; none ends all faults."""
        with self._lock:
            self._rules = [_Rule(fault) for fault in faults]

    def state(self) -> list[dict[str, Any]]:
        """The rules with how many requests matched and were hit."""
        with self._lock:
            return [{**asdict(rule.fault), "matched": rule.matched, "hit": rule.hit} for rule in self._rules]

    def draw(self, platform: str, method: str, path: str) -> tuple[float, Fault | None]:
        """Decide one request's fate: seconds of delay, and the fault that strikes it or None."""
        delay, struck = 0.0, None
        with self._lock:
            for rule in self._rules:
                if struck is not None and rule.fault.kind != "latency":
                    continue  # a rule that cannot act must not use up its "next"
                if not rule.strikes(platform, method, path):
                    continue
                if rule.fault.kind == "latency":
                    delay += rule.fault.seconds
                else:
                    struck = rule.fault
        return delay, struck
