"""Ctrl-C, TERM and a closed terminal: all three end the work by unwinding it, so that nothing is left running."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(BaseException):
    """Somebody asked us to stop; not an error, so nothing that handles errors may swallow it.

    :param number: the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"interrupted by {signal.Signals(number).name}")
        self.exit_code = 128 + number


@contextmanager
def raised() -> Iterator[None]:
    """Raise Interrupted where the work stands when a signal comes."""

    def unwind(number: int, frame: FrameType | None) -> None:
        raise Interrupted(number)

    with _handled(unwind):
        yield


@contextmanager
def ignored() -> Iterator[None]:
    """Let nobody interrupt the block: cleaning up twice is worse than cleaning up slowly."""
    with _handled(signal.SIG_IGN):
        yield


@contextmanager
def _handled(handler: object) -> Iterator[None]:
    before = {number: signal.signal(number, handler) for number in SIGNALS}  # type: ignore[arg-type]
    try:
        yield
    finally:
        for number, kept in before.items():
            signal.signal(number, kept)
