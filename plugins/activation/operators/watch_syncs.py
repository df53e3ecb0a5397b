"""Notice what is stuck or slow."""

from dataclasses import asdict
from datetime import UTC, datetime

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator
from include.ledger import stuck


class WatchSyncsOperator(WarehouseOperator):
    """
    Tell once of steps that take far longer than they use to, and end syncs that give no sign of life.

    :returns: ``{"slow": n, "ended": n}``.
    """

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        at = datetime.now(UTC)
        ended = stuck.release_stuck(conn, at=at)
        slow = stuck.slow_steps(conn, at=at)
        for state in [*ended, *slow]:
            alerts.tell(conn, **asdict(state))
        return {"slow": sum(state.failing for state in slow), "ended": len(ended)}
