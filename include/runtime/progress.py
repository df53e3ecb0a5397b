"""What a person sees while the system works: a line for every step, and a live table of the chain on a terminal.

Without a terminal (a log, a pipe) each change is one line. Whoever reads may go away: a closed pipe or terminal
never keeps us from stopping what we started.
"""

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rich.console import Console, RenderableType
from rich.live import Live
from rich.table import Table

COLOURS = {"success": "green", "running": "cyan", "queued": "yellow", "failed": "bold red", "skipped": "magenta"}


@dataclass(frozen=True)
class DagState:
    """Where one DAG of the chain stands.

    :param stage: extract, persons, segments or sync.
    :param state: waiting, queued, running, success, skipped or failed.
    :param detail: tasks that run or wait for another try.
    :param seconds: since its start, or in all when it has ended.
    """

    dag_id: str
    stage: str
    state: str
    detail: str = ""
    seconds: float = 0.0


class Progress:
    """Writes to one console; every line begins with the seconds since the start."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(
            highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 140, legacy_windows=False
        )
        self._began = time.monotonic()
        self._live: Live | None = None
        self._seen: dict[str, tuple[str, str]] = {}

    def say(self, text: str) -> None:
        """One line."""
        self.show(f"[dim]{time.monotonic() - self._began:6.1f} s[/dim]  {_plain(text)}")

    def fail(self, text: str) -> None:
        """One line that nobody should overlook."""
        self.show(f"[bold red]failed:[/bold red] {_plain(text)}")

    def show(self, what: RenderableType) -> None:
        """Anything rich can draw."""
        with suppress(OSError):  # nobody reads any more; the work goes on
            self.console.print(what)

    @contextmanager
    def following(self) -> Iterator[None]:
        """While the block runs, ``update`` redraws one table on a terminal."""
        self._seen.clear()
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, refresh_per_second=4, transient=True) as self._live:
            try:
                yield
            finally:
                self._live = None

    def update(self, states: Mapping[str, DagState]) -> None:
        """Show where the chain stands: the table anew, or a line for each change."""
        if self._live is not None:
            self._live.update(_table(states))
        for dag_id, state in states.items():
            now = (state.state, state.detail)
            if self._seen.get(dag_id, ("waiting", "")) == now:
                continue
            self._seen[dag_id] = now
            if self._live is None or state.state in ("success", "skipped", "failed"):
                seconds = f" after {state.seconds:.1f} s" if state.state in ("success", "failed") else ""
                self.say(f"{state.dag_id:<18} {state.state}{seconds}{': ' + state.detail if state.detail else ''}")


def _table(states: Mapping[str, DagState]) -> Table:
    table = Table("stage", "DAG", "state", "seconds", "now", box=None, pad_edge=False)
    for state in states.values():
        colour = COLOURS.get(state.state, "dim")
        seconds = f"{state.seconds:.0f}" if state.seconds else ""
        table.add_row(state.stage, state.dag_id, f"[{colour}]{state.state}[/{colour}]", seconds, _plain(state.detail))
    return table


def _plain(text: str) -> str:
    """Text in which a bracket is a bracket."""
    return text.replace("[", r"\[")
