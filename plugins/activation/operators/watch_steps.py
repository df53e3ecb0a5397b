"""Notice what is stuck, slow or has stopped to come; send what is due; say outside that somebody watches."""

from datetime import UTC, datetime

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator
from include import steps
from include.ledger import stuck


class WatchStepsOperator(WarehouseOperator):
    """
    Tell once of steps that take far longer than they use to or do not come any more, end syncs that give no sign of
    life, and send the notices that time alone makes due. Ends with a ping to the monitor that waits for one.

    :returns: ``{"slow": n, "stale": n, "ended": n}``.
    """

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        at = datetime.now(UTC)
        ended = stuck.release_stuck(conn, at=at)
        slow, stale = steps.slow_steps(conn, at=at), steps.stale_steps(conn, at=at)
        alerts.tell_states(conn, alerts.news(conn, [*ended, *slow, *stale]))
        alerts.sweep(conn)
        alerts.beat(conn, at)
        return {
            "slow": sum(state.failing for state in slow),
            "stale": sum(state.failing for state in stale),
            "ended": len(ended),
        }
