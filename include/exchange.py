"""Who wants to see the calls of an HTTP client: nobody, or one observer for the calls made within a block.

The block is of one thread (a context variable): each call of a delivery names its own batch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Exchange:
    """One call as it went over the wire, with everything personal in it: mask before keeping.

    :param request: what was sent, before it was encoded.
    :param answer: the decoded answer; None where there was none, or none that could be read.
    :param raw: the answer's body.
    :param status: None when no answer came.
    """

    method: str
    path: str
    seconds: float
    request: Any
    request_bytes: int
    status: int | None = None
    answer: Any = None
    raw: bytes = b""
    request_id: str | None = None


class Observer(Protocol):
    """Gets each exchange; must be quick, and must not raise."""

    def __call__(self, exchange: Exchange) -> None: ...


_OBSERVER: ContextVar[Observer | None] = ContextVar("observer", default=None)


def observer() -> Observer | None:
    """Who watches this thread's calls now."""
    return _OBSERVER.get()


@contextmanager
def observed(by: Observer | None) -> Iterator[None]:
    """Show the calls of this block to ``by``."""
    token = _OBSERVER.set(by)
    try:
        yield
    finally:
        _OBSERVER.reset(token)
