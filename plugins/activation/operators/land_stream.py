"""Land what changed in one stream."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation import alerts
from activation.hooks.registry import HOOKS
from activation.operators.warehouse_operator import WarehouseOperator
from include import landing, sweep
from include.ledger.watch import State
from include.task_run import Record


class LandStreamOperator(WarehouseOperator):
    """
    Read a stream's pages since its cursor and copy them into raw.

    Safe to retry: rows and cursor move in one transaction. Skipped when the platform has no connection.
    In a backfill the window is the run's data interval, and the cursor stays where it is.

    :param stream: name in include/sources/registry.py, as in ``hubspot.contacts``.
    :param since: begin here instead of at the stored cursor, ISO 8601 (templated; empty: the cursor).
    :param source_conn_id: the platform's connection; default ``<source>_default``.
    :returns: ``{"batch_id": id or None, "rows": n, "gone": n, "refused": text or None}``.
    """

    template_fields: Sequence[str] = ("since",)

    def __init__(self, *, stream: str, since: str = "", source_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.since = since
        self.platform = stream.partition(".")[0]
        self.hook = HOOKS[self.platform]
        self.source_conn_id = source_conn_id or self.hook.default_conn_name

    def prepare(self, context: Context) -> None:
        try:
            self.hook.get_connection(self.source_conn_id)
        except AirflowNotFoundException:
            raise AirflowSkipException(f"No connection {self.source_conn_id}: {self.stream} is not read.") from None

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        client = self.hook(self.source_conn_id).client
        if context["dag_run"].run_type == "backfill":
            interval = {"since": context["data_interval_start"], "until": context["data_interval_end"]}
            landed = landing.land_again(conn, self.stream, client, **interval)
        else:
            since = datetime.fromisoformat(self.since) if self.since else None
            landed = landing.land(conn, self.stream, client, until=datetime.now(UTC), since=since)
        self._tell(conn, landed.refused, getattr(context["ti"], "log_url", None))
        return asdict(landed)

    def _tell(self, conn: psycopg.Connection, refused: str | None, link: str | None) -> None:
        """The owner hears once that too much is gone at the source, and once that it is well again.

        A landing that did not look, because the last listing is young, says nothing about what that one was refused.
        """
        if refused is None and sweep.holds_back(conn, self.stream):
            return
        well = "the source has what it had, or was allowed to have lost it"
        state = State(f"{self.stream}: deletions", refused is not None, self.owner, refused or well)
        alerts.tell_states(conn, alerts.news(conn, [state]), link)

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = {name: value for name, value in result.items() if name != "refused"}
        if result["refused"]:
            record.outcome = "partial"
