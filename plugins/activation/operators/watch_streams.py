"""Notice streams that have fallen silent."""

from dataclasses import asdict
from datetime import UTC, datetime

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator
from include import stream_watch


class WatchStreamsOperator(WarehouseOperator):
    """
    Tell once of streams that have landed nothing new for longer than they use to, whether or not their DAG runs.

    :returns: ``{"silent": n}``.
    """

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        states = stream_watch.silences(conn, self.owner, datetime.now(UTC))
        for state in stream_watch.worth_telling(conn, states):
            alerts.tell(conn, **asdict(state))
        return {"silent": sum(state.failing for state in states)}
