"""What a destination's credentials are worth, asked before a sync needs them."""

from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation.hooks.registry import HOOKS
from activation.operators.warehouse_operator import WarehouseOperator
from include import destination_checks


class CheckDestinationOperator(WarehouseOperator):
    """
    Ask one platform about credentials, scopes, account and limits; nothing is changed there.

    Fails, and so alerts once, when a sync could not run: credentials refused or soon to end, a scope or an account
    missing. Skipped when the platform has no connection. The result stands in ``ops.destination_check``.

    :param destination: name in include/destinations.
    :returns: ``{"state": "ok", "account": ..., "limits": {...}}``.
    """

    def __init__(self, *, destination: str, destination_conn_id: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.hook = HOOKS[destination]
        self.destination_conn_id = destination_conn_id or self.hook.default_conn_name

    def prepare(self, context: Context) -> None:
        try:
            self.hook.get_connection(self.destination_conn_id)
        except AirflowNotFoundException:
            raise AirflowSkipException(f"No connection {self.destination_conn_id}: nothing to check.") from None

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        destination = self.hook(self.destination_conn_id).destination
        return destination_checks.check(conn, self.destination, destination)
