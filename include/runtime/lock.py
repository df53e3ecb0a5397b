"""One command at a time: two that start or stop the same system would undo each other's work."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from include.errors import FatalError


@contextmanager
def only_one(path: Path, what: str) -> Iterator[None]:
    """Hold the lock while the block runs; the kernel frees it even when we are killed.

    :param what: the command, for the one who is refused.
    :raises FatalError: another command holds it; says which, since when, and its pid.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FatalError(_refusal(held)) from None
        held.truncate(0)
        now = datetime.now(UTC).strftime("%H:%M:%S UTC")
        held.write(json.dumps({"what": what, "pid": os.getpid(), "since": now}))
        held.flush()
        yield
        held.truncate(0)


def _refusal(held: TextIO) -> str:
    held.seek(0)
    try:
        other = json.loads(held.read())
    except ValueError:  # it has just been taken or is just being given back
        return "Another command is at work on this system; wait for its end and try again."
    return (
        f"`{other['what']}` is at work on this system since {other['since']} (process {other['pid']}); "
        "wait for its end or press Ctrl-C there, then try again."
    )
