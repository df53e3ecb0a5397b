"""Check sources against each other before anything is built on them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.build import skip_during_first_loads
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include import cross_checks, night, stream_watch
from include.ledger.watch import State
from include.task_run import Record


class CheckSourcesOperator(WarehouseOperator):
    """
    Ask every check of ``sql/quality/cross/``. A critical one that fails fails the task, and nothing is built behind it.

    Before, the night is taken as it stands. Streams that missed it do not hold the others back; when the clock began
    the run, the owner is told of them, and of the first night that is whole again.

    :param awaited: the streams that persons wait for.
    :param as_of: the day of the run; whole days before it are looked at (templated).
    :returns: ``{"checks": n, "failed": [name, ...]}``.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(
        self,
        *,
        as_of: str = "{{ params.as_of or (dag_run.run_after | ds) }}",
        awaited: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.awaited = awaited

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        skip_during_first_loads(conn)  # before the night is taken
        if self.awaited:
            self._begin(conn, context)
        results = cross_checks.run(conn, as_of=as_date(self.as_of))
        states = [result.state for result in results if result.check.severity != "info"]
        for state in stream_watch.worth_telling(conn, states):
            alerts.tell(conn, **asdict(state))
        cross_checks.stop(results)
        return {"checks": len(results), "failed": [one.check.name for one in results if not one.passed]}

    def _begin(self, conn: psycopg.Connection, context: Context) -> None:
        missing = night.begin(conn, self.awaited, datetime.now(UTC))
        if missing and context["dag_run"].run_type != "scheduled":
            return  # somebody wants persons now, whatever the time
        state = State(
            "streams of the night",
            bool(missing),
            self.owner,
            f"persons are built without news of {', '.join(missing)}; is a DAG paused, failed, or not switched on yet?"
            if missing
            else "every stream has come",
        )
        alerts.tell_states(conn, alerts.news(conn, [state]), link=getattr(context["ti"], "log_url", None))

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = result
        if result["failed"]:
            record.outcome = "partial"
