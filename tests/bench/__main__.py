"""Run the benches and print their table: ``python -m tests.bench [--only NAME]``; figures go to .run/bench.json."""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.measure import Bench, peak_mb

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
OUTPUT = ROOT / ".run" / "bench.json"


def benches() -> dict[str, Bench]:
    """Every bench of tests/bench/bench_*.py by its name.

    :raises ValueError: two files offer one name.
    """
    found: dict[str, Bench] = {}
    for path in sorted(HERE.glob("bench_*.py")):
        for name, bench in importlib.import_module(f"tests.bench.{path.stem}").BENCHES.items():
            if name in found:
                raise ValueError(f"Two benches are called {name}; the second one is in {path.name}.")
            found[name] = bench
    return found


def measure_here(name: str, answer: Path) -> None:
    """Run one bench in this process and leave its figures in ``answer``."""
    figures = asdict(benches()[name]())
    if figures["peak_mb"] is None:
        figures["peak_mb"] = peak_mb()
    answer.write_text(json.dumps(figures), encoding="utf-8")


def measure_apart(name: str) -> dict[str, float | str] | None:
    """Run one bench in a process of its own; None when it failed (its words are on stderr)."""
    answer = OUTPUT.parent / "bench" / f"{name}-{os.getpid()}.json"
    answer.parent.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run([sys.executable, "-m", "tests.bench", "--here", name, str(answer)], cwd=ROOT, check=False)
    if ended.returncode != 0 or not answer.exists():
        return None
    figures = json.loads(answer.read_text(encoding="utf-8"))
    answer.unlink()
    return figures


def table(results: dict[str, dict[str, float | str] | None]) -> Table:
    """The figures for people; a bench that failed has a row that says so."""
    shown = Table("bench", "ratio", "seconds", "rows/s", "peak MB", "note", title="audienceflow bench")
    for column in shown.columns[1:5]:
        column.justify = "right"
    for name, figures in results.items():
        if figures is None:
            shown.add_row(name, "[red]failed[/red]", "", "", "", "its error is above")
            continue
        shown.add_row(
            name,
            f"{figures['ratio']:.2f}",
            f"{figures['seconds']:.2f}",
            f"{figures['rows_per_second']:,.0f}",
            f"{figures['peak_mb']:,.0f}",
            str(figures["note"]),
        )
    return shown


def keep(results: dict[str, dict[str, float | str] | None]) -> None:
    """Write .run/bench.json; figures of benches that did not run this time stay."""
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    kept.update({name: figures for name, figures in results.items() if figures is not None})
    OUTPUT.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, so that a bench stops its servers
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", default="", help="one bench by its name")
    parser.add_argument("--here", nargs=2, metavar=("NAME", "ANSWER"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.here:
        measure_here(chosen.here[0], Path(chosen.here[1]))
        return 0
    names = [name for name in benches() if chosen.only in ("", name)]
    if not names:
        print(f"There is no bench {chosen.only!r}; there are: {', '.join(benches())}.", file=sys.stderr)
        return 2
    results = {}
    for name in names:
        began = time.monotonic()
        results[name] = measure_apart(name)
        outcome = "done" if results[name] else "FAILED"
        print(f"{name}: {outcome} after {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    keep(results)
    Console(width=None if sys.stdout.isatty() else 160).print(table(results))
    return 0 if all(results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
