"""Check what a stream has landed."""

from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator
from include import quality, stream_watch
from include.sources.registry import STREAMS
from include.task_run import Record


class CheckStreamOperator(WarehouseOperator):
    """
    Run the stream's suite over all it has landed and not yet published.

    A critical failure fails the task at once; rows that break a rule are set aside with the reason.
    Columns that changed, and records older than they use to be, are told to the suite's owner.

    :param stream: name in include/sources/registry.py.
    :returns: ``{"batch_id": id, "records": n, "quarantined": n, "failed_rules": [name, ...],
        "changed_columns": n}``.
    """

    def __init__(self, *, stream: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        checked = quality.check_stream(conn, url, STREAMS[self.stream])
        for state in stream_watch.worth_telling(conn, stream_watch.states(checked)):
            alerts.tell(conn, **asdict(state))
        return {
            "batch_id": checked.batch_id,
            "records": checked.records,
            "quarantined": checked.quarantined,
            "failed_rules": list(checked.failed_rules),
            "changed_columns": len(checked.drift),
        }

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = result
        if result.get("quarantined"):
            record.outcome = "partial"
