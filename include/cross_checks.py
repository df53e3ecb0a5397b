"""Checks over several sources at once, asked of staging before persons are built on it.

Each is a file in ``sql/quality/cross/``: a front matter (check, owner, severity, reason, params) and one statement that
gives one row: ``checked_rows``, ``failed_rows``, ``found`` and ``usual`` (shares, for people), ``passed``; a null
``passed`` says that there is too little history to tell. It may look at ``ops.cross_result``, the results of earlier
days. ``critical`` stops what is behind it, ``warning`` tells the owner, ``info`` is only recorded.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.errors import ConfigError, CriticalCheckError, FatalError
from include.ledger.watch import State
from include.segments.front_matter import Located, complain, split_sql

FOLDER = warehouse.SQL_ROOT / "quality" / "cross"
KEYS = ("check", "owner", "severity", "reason", "params")
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class CrossCheck:
    """One check, as its file says."""

    name: str
    owner: str
    severity: Literal["critical", "warning", "info"]
    reason: str
    params: Mapping[str, Any]
    statement: str


@dataclass(frozen=True)
class CrossResult:
    """How one check fared.

    :param judged: False: too little history to tell; it passed.
    :param found: what the check compares, as a share; ``usual`` is what it uses to be.
    """

    check: CrossCheck
    passed: bool
    judged: bool
    checked_rows: int
    failed_rows: int | None
    found: float | None
    usual: float | None

    @property
    def text(self) -> str:
        """Counts and shares, no value of a row."""
        if self.passed:
            return "is as usual" if self.judged else "has too little history to tell"
        counted = "" if self.failed_rows is None else f"{self.failed_rows:,} of "
        usual = "" if self.usual is None else f", usual is {self.usual:.1%}"
        return f"{self.check.reason} {counted}{self.checked_rows:,} rows, {self.found or 0:.1%}{usual}."

    @property
    def state(self) -> State:
        """What the owner is told, once per change."""
        return State(f"cross check {self.check.name}", not self.passed, self.check.owner, self.text)


def read_checks(folder: Path = FOLDER) -> list[CrossCheck]:
    """All checks, by name.

    :raises ConfigError: names file, line, cause and mend.
    """
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def _read(path: Path) -> CrossCheck:
    head, statement, _ = split_sql(path.read_text(encoding="utf-8"), path)
    for key in head:
        if key not in KEYS:
            raise complain(path, head.line_of(key), f"unknown key {key!r}", f"use one of {', '.join(KEYS)}")
    for key in KEYS[:4]:
        if not isinstance(head.get(key), str):
            raise complain(path, head.line_of(key), f"{key!r} is missing or no text", f"add `{key}: …`")
    if head["check"] != path.stem:
        raise complain(path, head.line_of("check"), f"the file is called {path.stem!r}", "give both one name")
    if head["severity"] not in SEVERITIES:
        raise complain(path, head.line_of("severity"), "unknown severity", f"use one of {', '.join(SEVERITIES)}")
    return CrossCheck(head["check"], head["owner"], head["severity"], head["reason"], _params(head, path), statement)


def _params(head: Located, path: Path) -> dict[str, Any]:
    params = head.get("params") or {}
    if not isinstance(params, dict) or not all(isinstance(one, int | float | str) for one in params.values()):
        raise complain(path, head.line_of("params"), "params is no list of numbers and texts", "write `params: {a: 1}`")
    return dict(params)


def run(conn: psycopg.Connection, *, as_of: date, folder: Path = FOLDER) -> list[CrossResult]:
    """Ask every check and record its result; commits. Safe to repeat: the newest result of a day counts.

    :param as_of: the day of the run; whole days before it are looked at.
    :raises ConfigError: a check cannot be read, or does not give its one row.
    """
    results = []
    for check in read_checks(folder):
        found = _ask(conn, check, as_of)
        warehouse.run(
            conn,
            "quality/record_cross",
            {
                "check_name": check.name,
                "as_of": as_of,
                "severity": check.severity,
                "owner": check.owner,
                "passed": found.passed,
                "judged": found.judged,
                "checked_rows": found.checked_rows,
                "failed_rows": found.failed_rows,
                "found": found.found,
                "usual": found.usual,
            },
        )
        results.append(found)
    conn.commit()
    return results


def _ask(conn: psycopg.Connection, check: CrossCheck, as_of: date) -> CrossResult:
    where = f"sql/quality/cross/{check.name}.sql"
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        try:
            bound = {**check.params, "check_name": check.name, "as_of": as_of}
            found = cursor.execute(check.statement, bound).fetchall()
        except psycopg.ProgrammingError as error:
            failure = ConfigError(f"{where} cannot be run ({type(error).__name__}, {error.sqlstate}); mend it.")
        else:
            wanted = {"checked_rows", "failed_rows", "found", "usual", "passed"}
            if len(found) == 1 and set(found[0]) == wanted:
                passed = found[0].pop("passed")
                return CrossResult(check, passed is not False, passed is not None, **found[0])
            failure = ConfigError(f"{where} must give one row with {', '.join(sorted(wanted))}.")
    raise failure


def stop(results: Sequence[CrossResult]) -> None:
    """:raises CriticalCheckError: a critical check failed: nothing may be built on staging."""
    failed = [one for one in results if not one.passed and one.check.severity == "critical"]
    if failed:
        names = " ".join(f"{one.check.name}: {one.text}" for one in failed)
        raise CriticalCheckError(
            f"{names} Mend the source, or accept: bin/audienceflow checks accept "
            f"{failed[0].check.name}. Full result: ops.cross_result.",
            owner=failed[0].check.owner,
            causes=tuple(one.state.subject for one in failed),
        )


def blocking(conn: psycopg.Connection) -> list[str]:
    """Critical checks whose newest result failed and was not accepted, by name."""
    return [row["check_name"] for row in warehouse.rows(conn, "quality/blocking_checks")]


def accept(conn: psycopg.Connection, name: str, *, who: str) -> int:
    """Let the newest result of a failed check pass; it counts as usual from then on. Writes one row to ``ops.audit``.

    :returns: 1, or 0 when nothing of it waits.
    :raises FatalError: nobody answers for it.
    """
    if not who.strip():
        raise FatalError("An accepted check needs the name of the person who decides; say who.")
    with conn.transaction():
        accepted = warehouse.run(conn, "quality/accept_cross", {"check_name": name, "who": who})
        if accepted:
            told = {"check_name": name, "who": who, "details": Jsonb({"check": name})}
            warehouse.run(conn, "quality/audit_cross", told)
    return accepted
