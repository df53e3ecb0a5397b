"""Nights of the gate, as it would have written them down: for pages that show a history."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb

from include.results import draw
from include.results.store import PageFolder
from include.suites import Rule, Suite, read_suite
from include.task_run import TaskKey

LAST = datetime(2026, 11, 22, 3, 4, 5, tzinfo=UTC)
RUN = "scheduled__2026-11-22T03:00:00+00:00"
LINK = "http://127.0.0.1:8080/dags/extract_hubspot/runs/scheduled__x/tasks/check_contacts?try_number=1"


@dataclass(frozen=True)
class Night:
    """One check: rows, and rules that failed with how many rows broke them."""

    rows: int
    failed: dict[str, int]


def ordinary(suite: Suite, nights: int, seed: int = 1) -> Iterator[Night]:
    """Nights as they are: most are clean, some set rows aside, a volume now and then, one that stopped."""
    chance = random.Random(f"{seed} {suite.name}")
    warnings = [rule.name for rule in suite.rules if rule.severity == "warning"]
    for number in range(nights):
        rows = int(4_000 * chance.uniform(0.7, 1.3))
        failed = {name: chance.randint(1, rows // 90) for name in warnings if chance.random() < 0.06}
        if chance.random() < 0.05:
            failed["volume"] = rows
        if number == nights * 2 // 3:
            failed["key_missing"] = 12
        yield Night(rows, failed)


def check(conn: psycopg.Connection, suite: Suite, stream: str, night: Night, at: datetime) -> int:
    """Write one check down as include/quality.py does; returns the batch."""
    batch = conn.execute(
        "insert into ops.batch (stream, state, landed_rows) values (%s, 'checked', %s) returning batch_id",
        (stream, night.rows),
    ).fetchone()[0]
    stopped = any(suite.rule(name).severity == "critical" for name in night.failed if name in _names(suite))
    rows = [_row(rule, night) for rule in suite.rules]
    if not stopped:
        held = sum(count for name, count in night.failed.items() if suite.rule(name).severity == "warning")
        rows.append(
            ("quarantine_share", None, "critical", held <= 0.05 * night.rows, night.rows, held,
             Jsonb({"max_quarantine_share": 0.05, "quarantine_floor": 20}))
        )  # fmt: skip
    conn.cursor().executemany(
        "insert into ops.check_result (batch_id, suite, rule, column_name, severity, passed, checked_rows, failed_rows,"
        " details, checked_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        [(batch, suite.name, *row, at) for row in rows],
    )
    conn.commit()
    return batch


def _names(suite: Suite) -> set[str]:
    return {rule.name for rule in suite.rules}


def _row(rule: Rule, night: Night) -> tuple[object, ...]:
    failed = night.failed.get(rule.name, 0)
    details = Jsonb({"type": rule.type, "reason": rule.reason})
    return (rule.name, ", ".join(rule.columns) or None, rule.severity, not failed, night.rows, failed, details)


def key(suite: str, number: int) -> TaskKey:
    return TaskKey(f"extract_{suite.partition('_')[0]}", f"{RUN} {number}", f"check_{suite.partition('_')[2]}", -1, 1)


def live(conn: psycopg.Connection, folder: Path, suites: Sequence[str], nights: int = 40) -> dict[str, str]:
    """Let the nights happen and draw each; returns the newest page of each suite."""
    newest: dict[str, str] = {}
    for name in suites:
        suite, stream = read_suite(name), name.replace("_", ".", 1)
        for number, night in enumerate(ordinary(suite, nights)):
            at = LAST - timedelta(days=nights - 1 - number)
            check(conn, suite, stream, night, at)
            about = {"stream": stream, "owner": suite.owner, "key": key(name, number), "link": LINK}
            if number < nights - 1:
                draw.register(conn, name, **about)
            else:
                newest[name] = draw.draw_newest(conn, PageFolder(str(folder)), name, **about) or ""
    return newest
