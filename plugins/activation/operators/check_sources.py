"""Check sources against each other before anything is built on them."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include import cross_checks, stream_watch
from include.task_run import Record


class CheckSourcesOperator(WarehouseOperator):
    """
    Ask every check of ``sql/quality/cross/``. A critical one that fails fails the task, and nothing is built behind it.

    :param as_of: the day of the run; whole days before it are looked at (templated).
    :returns: ``{"checks": n, "failed": [name, ...]}``.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str = "{{ params.as_of or (dag_run.run_after | ds) }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        results = cross_checks.run(conn, as_of=as_date(self.as_of))
        states = [result.state for result in results if result.check.severity != "info"]
        for state in stream_watch.worth_telling(conn, states):
            alerts.tell(conn, **asdict(state))
        cross_checks.stop(results)
        return {"checks": len(results), "failed": [one.check.name for one in results if not one.passed]}

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = result
        if result["failed"]:
            record.outcome = "partial"
