"""The report of a run as tables for people."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from include.runtime.report import Report

MOST_TASKS = 12  # the slowest ones; the JSON has all


def render(report: Report) -> RenderableType:
    """Everything worth reading, the verdict last."""
    shown: list[RenderableType] = [
        _table("Extracted", ("stream", "landed", "published", "quarantined"), report.extracted),
        _table("Quarantined", ("stream", "rule", "fresh", "held"), report.quarantined),
        _persons(report.persons),
        _table("Segments", ("segment", "size", "entered", "left_count", "alert"), report.segments),
        _audiences(report.audiences),
        _table("Refused", ("destination", "audience", "operation", "outcome", "error_code", "people"), report.refusals),
        _table("Tasks", ("dag_id", "task_id", "seconds", "peak_mb", "outcome"), _slowest(report.tasks)),
        Text("Seconds by stage: " + ", ".join(f"{stage} {took:.1f}" for stage, took in report.stages.items())),
    ]
    shown += [Text(f"skipped: {words}", style="magenta") for words in report.skipped]
    return Group(*(one for one in shown if not isinstance(one, Table) or one.row_count), *_verdict(report))


def _verdict(report: Report) -> Iterable[Text]:
    for claim in report.claims:
        mark, style = ("holds ", "green") if claim.holds else ("BROKEN", "bold red")
        yield Text(f"{mark}  {claim.claim}: {claim.detail}", style=style)
    if report.failure:
        yield Text(f"failed: {report.failure}", style="bold red")
    word = "Everything holds" if report.ok else "This run does NOT hold"
    yield Text(f"{word} ({report.seconds:.0f} s, run {report.run_id})", style="bold green" if report.ok else "bold red")


def _persons(persons: Mapping[str, int]) -> Table:
    return _table("Persons", tuple(persons), [persons] if persons else [])


def _audiences(audiences: Sequence[Mapping[str, Any]]) -> Table:
    columns = (
        "destination",
        "audience",
        "members",
        "added",
        "updated",
        "removed",
        "rejected",
        "parked",
        "confirmed",
        "held",
        "outcome",
    )
    return _table("Audiences", columns, audiences)


def _slowest(tasks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return sorted(tasks, key=lambda task: -(task["seconds"] or 0))[:MOST_TASKS]


def _table(title: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> Table:
    """Numbers to the right; a column nobody filled is left out."""
    filled = [column for column in columns if any(row[column] not in (None, "") for row in rows)]
    table = Table(title=title, title_justify="left", title_style="bold", pad_edge=False)
    for column in filled:
        numbers = all(isinstance(row[column], int | float | None) for row in rows)
        table.add_column(_heading(column), justify="right" if numbers else "left")
    for row in rows:
        table.add_row(*(Text(_cell(row[column])) for column in filled))
    return table


def _heading(column: str) -> str:
    return {"left_count": "left", "peak_mb": "peak MB", "dag_id": "DAG", "task_id": "task"}.get(
        column, column.replace("_", " ")
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
