"""HTML of the pages. Templates lie beside; whatever is put into them is escaped."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from include.results import advice
from include.results.charts import Bar, bars
from include.results.records import RUNS, RuleHistory, RuleResult, Run, State

TEMPLATES = Path(__file__).with_name("templates")
WORDS: dict[State, str] = {
    "stopped": "Stopped",
    "set_aside": "Rows set aside",
    "noted": "Noted",
    "passed": "All rules held",
}
TILES: dict[State, str] = {
    "stopped": "stopped a batch",
    "set_aside": "set rows aside",
    "noted": "noted something unusual",
    "passed": "all rules held",
}
SEVERITIES = ("critical", "warning", "info")
COLOURS = "red critical, amber warning, blue info"
DASH = "\N{EN DASH}"


def index_page(suites: Sequence[Sequence[Run]], at: datetime) -> str:
    """Every suite with its newest check and its history; what is worst comes first.

    :param suites: the newest checks of each suite, the newest first.
    """
    ordered = sorted(suites, key=lambda runs: (list(WORDS).index(runs[0].state), runs[0].suite))
    charts = {runs[0].suite: _failures(runs, prefix="") for runs in ordered}
    tally = {state: sum(runs[0].state == state for runs in ordered) for state in WORDS}
    return _page("index.html", at, suites=ordered, charts=charts, tally=tally, tile=TILES, slots=RUNS)


def suite_page(runs: Sequence[Run], rules: Sequence[RuleHistory], at: datetime) -> str:
    """One suite over time.

    :param runs: its newest checks, the newest first; at least one.
    """
    most = max(run.records for run in runs)
    charts = [
        {"title": "Rules that failed, by check", "drawn": _failures(runs), "note": COLOURS},
        {"title": "Rows checked", "drawn": _rows(runs), "note": f"highest {most:,}"},
        {"title": "Share set aside", "drawn": _shares(runs), "note": _share_note(runs)},
    ]
    return _page("suite.html", at, newest=runs[0], runs=runs, rules=rules, charts=charts)


def run_page(run: Run, results: Sequence[RuleResult], at: datetime) -> str:
    """One check of one suite: what each rule found, and what to do next."""
    steps = {result.rule: advice.of_rule(run, result) for result in results}
    return _page("run.html", at, run=run, results=results, next=steps, advice=advice.of_run(run))


def _page(template: str, at: datetime, **values: object) -> str:
    return _environment().get_template(template).render(drawn_at=at, **values)


@cache
def _environment() -> Environment:
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    made.globals["words"] = WORDS
    made.globals["meaning"] = advice.meaning
    made.filters |= {
        "moment": lambda at: f"{at.astimezone(UTC):%Y-%m-%d %H:%M}",
        "day": lambda at: f"{at.astimezone(UTC):%d %b}",
        "count": lambda number: DASH if number is None else f"{number:,}",
        "share": lambda share: DASH if share is None else f"{share:.2%}",
    }
    return made


def _failures(runs: Sequence[Run], prefix: str | None = None) -> Markup:
    """:param prefix: None: links lead to pages beside; else to pages below the folder's root."""
    moments = [
        Bar(
            [(kind, float(getattr(run, kind))) for kind in SEVERITIES if getattr(run, kind)],
            f"{_at(run)}: {WORDS[run.state]}, {run.failed} of {run.rules} rules failed",
            run.file if prefix is None else run.path,
        )
        for run in reversed(runs)
    ]
    bad = sum(run.failed > 0 for run in runs)
    label = f"Rules that failed over the last {len(runs)} checks: {bad} checks had failures"
    return bars(moments, label=label, slots=_slots(runs))


def _rows(runs: Sequence[Run]) -> Markup:
    moments = [Bar([("rows", float(run.records))], f"{_at(run)}: {run.records:,} rows", run.file) for run in runs[::-1]]
    return bars(moments, label=f"Rows of the last {len(runs)} checks", slots=_slots(runs))


def _shares(runs: Sequence[Run]) -> Markup:
    limit = _limit(runs)
    moments = [
        Bar(
            [("warning", run.share)] if run.share else [],
            f"{_at(run)}: {'stopped before' if run.share is None else f'{run.share:.2%}'}",
            run.file,
        )
        for run in runs[::-1]
    ]
    return bars(moments, label=f"Share set aside in the last {len(runs)} checks", slots=_slots(runs), limit=limit)


def _limit(runs: Sequence[Run]) -> float | None:
    return next((run.max_share for run in runs if run.max_share is not None), None)


def _share_note(runs: Sequence[Run]) -> str:
    highest, limit = max((run.share or 0.0 for run in runs), default=0.0), _limit(runs)
    return f"highest {highest:.2%}" + ("" if limit is None else f", dashed: {limit:.2%} may be")


def _at(run: Run) -> str:
    return f"{run.checked_at.astimezone(UTC):%Y-%m-%d %H:%M}"


def _slots(runs: Sequence[Run]) -> int:
    """Few checks are not drawn as broad as a wall."""
    return max(len(runs), 30)
