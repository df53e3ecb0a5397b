"""What a page shows: checks of a suite, and what each rule found."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import psycopg

from include import warehouse

State = Literal["stopped", "set_aside", "noted", "passed"]
RUNS = 60  # checks of a suite that its page and the index look back at


@dataclass(frozen=True)
class Run:
    """One check of one suite.

    :param records: rows that were checked; ``held``: records set aside, None when the batch stopped before.
    :param max_share: of records that may be set aside, 0 to 1; None when the batch stopped before.
    :param critical, warning, info: rules of that severity that failed, of ``rules`` in all.
    :param link: Airflow's page of the try.
    :param path: of the page, below the folder of pages.
    """

    suite: str
    stream: str
    owner: str
    batch_id: int
    checked_at: datetime
    records: int
    held: int | None
    max_share: float | None
    rules: int
    critical: int
    warning: int
    info: int
    dag_id: str
    run_id: str
    link: str | None
    path: str

    @property
    def state(self) -> State:
        """What the check meant for the batch: the gravest thing that failed."""
        if self.critical:
            return "stopped"
        return "set_aside" if self.warning else "noted" if self.info else "passed"

    @property
    def failed(self) -> int:
        return self.critical + self.warning + self.info

    @property
    def share(self) -> float | None:
        """Records set aside of all that were checked, 0 to 1."""
        return self.held / self.records if self.held is not None and self.records else None

    @property
    def file(self) -> str:
        """The page's name beside the suite's own page."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True)
class RuleResult:
    """What one rule found in one check. Counts are rows; None where the rule counts none.

    :param found: what changed or how old it is, in words, where no count says it.
    """

    rule: str
    column_name: str | None
    severity: Literal["critical", "warning", "info"]
    passed: bool
    checked_rows: int | None
    failed_rows: int | None
    type: str | None
    reason: str | None
    found: list[str]

    @property
    def share(self) -> float | None:
        return self.failed_rows / self.checked_rows if self.failed_rows is not None and self.checked_rows else None


@dataclass(frozen=True)
class RuleHistory:
    """How one rule did in the newest checks of its suite."""

    rule: str
    column_name: str | None
    severity: str
    reason: str | None
    runs: int
    failed_runs: int
    failed_rows: int
    last_failed_at: datetime | None


def history(conn: psycopg.Connection, suite: str | None = None, most: int = RUNS) -> dict[str, list[Run]]:
    """The newest checks by suite, the newest first; None: of every suite."""
    found: dict[str, list[Run]] = {}
    for row in warehouse.rows(conn, "results/history", {"suite": suite, "most": most}):
        found.setdefault(row["suite"], []).append(Run(**row))
    return found


def rules(conn: psycopg.Connection, run: Run) -> list[RuleResult]:
    """What each rule found, failures first."""
    which: Mapping[str, Any] = {"suite": run.suite, "batch_id": run.batch_id, "checked_at": run.checked_at}
    return [RuleResult(**row) for row in warehouse.rows(conn, "results/rules", which)]


def rule_history(conn: psycopg.Connection, suite: str, most: int = RUNS) -> list[RuleHistory]:
    """Every rule of the newest checks, those that failed most often first."""
    return [RuleHistory(**row) for row in warehouse.rows(conn, "results/rule_history", {"suite": suite, "most": most})]
