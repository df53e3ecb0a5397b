"""`make run`: a day of changes if asked for, the chain through Airflow, the report, the exit code."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg

from include import warehouse
from include.runtime import compare, failures, pipeline, report, tables
from include.runtime.pipeline import Chain, ChainFailed, Done
from include.runtime.progress import Progress
from include.runtime.report import Difference, Report
from include.runtime.system import System, dag_ids


def run_chain(system: System, progress: Progress) -> int:
    """Run the whole chain on a system that is up, write .run/report.json, show it.

    :returns: 0 only if everything in the report holds.
    """
    began, run_id = time.monotonic(), f"make-run-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    if system.settings.day and system.standins:
        system.standins.apply_day(system.settings.day)
        progress.say(f"day {system.settings.day} has happened at the merchant")
    system.set_files()
    with warehouse.connect(system.addresses.warehouse, autocommit=True) as conn:
        since = warehouse.rows(conn, "report/now")[0]["now"]
        stages, failure = _follow(system, progress, run_id)
        made = _report(system, conn, run_id, since, stages, failure, time.monotonic() - began)
    made.write(system.settings.report)
    progress.show(tables.render(made))
    progress.say(f"the same as JSON: {system.settings.report}")
    return 0 if made.ok else 1


def _follow(system: System, progress: Progress, run_id: str) -> tuple[list[Done], str | None]:
    """The stages that ended well, and why the chain ended early (None: it did not)."""
    chain = Chain(
        system.api,
        run_id,
        pipeline.stages(dag_ids()),
        check=lambda: system.record.check(system.settings.logs),
        show=progress.update,
        say=progress.say,
    )
    with progress.following():
        try:
            chain.wake()
            chain.follow()
        except ChainFailed as failed:
            return chain.done, _why(system, failed)
    return chain.done, None


def _why(system: System, failed: ChainFailed) -> str:
    """The failure with task, log file and error, as far as it may be told."""
    if failed.run is None:
        return str(failed)
    tasks = [task for task in system.api.task_instances(failed.run) if task["state"] == "failed"]
    logs = system.home / "airflow" / "logs"
    return "\n".join([str(failed), *(str(failures.find(logs, task)) for task in tasks)])


def _report(
    system: System,
    conn: psycopg.Connection,
    run_id: str,
    since: datetime,
    stages: Sequence[Done],
    failure: str | None,
    seconds: float,
) -> Report:
    parts: dict[str, Any] = report.gather(conn, since)
    skipped = [name for stage in stages for name in stage.skipped]
    equal = None if failure else _equal(system, conn, parts)
    return Report(
        run_id=run_id,
        started_at=since,
        seconds=round(seconds, 1),
        stages=report.stage_seconds(stages),
        skipped=report.in_words(skipped),
        failure=failure,
        claims=() if failure else report.claims(parts, skipped, equal),
        **parts,
    )


def _equal(system: System, conn: psycopg.Connection, parts: dict[str, Any]) -> dict[str, Difference] | None:
    if system.standins is None:
        return None
    destinations = sorted({one["destination"] for one in parts["audiences"]})
    return compare.differences(conn, system.standins, destinations, system.audience_drops)
