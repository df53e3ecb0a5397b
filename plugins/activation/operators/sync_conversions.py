"""Tell an ads platform which orders its ads may have brought."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation.hooks.google import GoogleHook
from activation.operators.warehouse_operator import WarehouseOperator
from include.conversions.sync import sync_conversions
from include.task_run import Record


class SyncGoogleConversionsOperator(WarehouseOperator):
    """
    Tell Google Ads every order it does not have, and every value that changed since (returns).

    Safe to retry: the ledger knows which orders were taken, and Google tells them apart by their transaction id.
    Skipped when there is no connection, or when it names no conversion action.

    :param google_conn_id: the connection of the audiences; ``conversion_action_id`` in its extra names the action.
    :returns: ``{"told": n, "restated": n, "confirmed": n, "rejected": n, "open": n, "outcome": …}``, orders.
    """

    template_fields: Sequence[str] = ()
    platform = "google"

    def __init__(self, *, google_conn_id: str = GoogleHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.google_conn_id = google_conn_id

    def prepare(self, context: Context) -> None:
        try:
            extra = GoogleHook.get_connection(self.google_conn_id).extra_dejson
        except AirflowNotFoundException:
            raise AirflowSkipException(f"No connection {self.google_conn_id}: Google is told no orders.") from None
        if not extra.get("conversion_action_id"):
            raise AirflowSkipException(
                f"Connection {self.google_conn_id} has no conversion_action_id in extra: Google is told no orders."
            )

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        conversions = GoogleHook(self.google_conn_id).conversions
        return asdict(sync_conversions(url, conversions, run_id=context["ti"].run_id))

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = {name: count for name, count in result.items() if name != "outcome"}
        if result["outcome"] != "success":
            record.outcome = "partial"
