"""What a bench hands back, and how its process' memory is read."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Measure:
    """The figures of one bench.

    :param ratio: ours against theirs in the unit the bench's name says (time against time: below 1 is faster;
        rows per second against rows per second: above 1 is faster).
    :param seconds: wall seconds of our side.
    :param rows_per_second: of our side.
    :param note: one line for the reader: sizes, what the other side did.
    :param peak_mb: when the bench measured it itself (a process it started); else its own process' peak is taken.
    """

    ratio: float
    seconds: float
    rows_per_second: float
    note: str = ""
    peak_mb: float | None = None


Bench = Callable[[], Measure]


def peak_mb() -> float:
    """Megabytes this process held at most since it started."""
    status = Path("/proc/self/status")
    if status.exists():
        high_water = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(high_water.split()[1]) / 1024
    import resource  # not on Windows; macOS counts in bytes

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)
