"""How answers look: tables for people, JSON alone on stdout for machines."""

import dataclasses
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 200  # characters a line when nobody's terminal says how many


def console() -> Console:
    """Standard output; wide when it is no terminal, so that nothing is cut off in a pipe."""
    return Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False, soft_wrap=False)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def print_json(value: Any) -> None:
    """One JSON document, nothing else."""
    sys.stdout.write(json.dumps(value, default=_plain, ensure_ascii=False, indent=2) + "\n")


def _cell(value: Any) -> Text:
    """A value as people read it; never markup, whatever it holds."""
    if value is None:
        return Text("-", style="dim")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, int):
        return Text(f"{value:,}", justify="right")
    if isinstance(value, datetime):
        return Text(value.strftime("%Y-%m-%d %H:%M"))
    if isinstance(value, list | tuple):
        return Text(", ".join(map(str, value)) or "-")
    return Text(str(value))


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, empty: str = "nothing"
) -> None:
    """A table with the named keys of each row, or one line when there is no row."""
    listed = list(rows)
    if not listed:
        console().print(Text.assemble((title, "bold"), f": {empty}"))
        return
    table = Table(title=title, title_justify="left", title_style="bold", header_style="dim", expand=False)
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in listed:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    console().print(table)


def print_line(text: str) -> None:
    """One line for people."""
    console().print(Text(text))
