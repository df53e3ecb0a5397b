"""What the credentials of a source or a destination are worth, asked before a run needs them."""

from collections.abc import Callable
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation.hooks.registry import HOOKS
from activation.operators.warehouse_operator import WarehouseOperator
from include import connection_checks
from include.destinations.base import Checked
from include.sources.checks import check_of


class CheckConnectionOperator(WarehouseOperator):
    """
    Ask one platform about credentials, scopes, account, limits and what is left of them; nothing is changed there.

    Fails, and so alerts once, when a run would: credentials refused or soon to end, a scope or an account missing, a
    day's calls nearly used up. Skipped when the platform has no connection. The result stands in
    ``ops.connection_check``.

    :param platform: name of a source or a destination.
    :param role: which of the two is asked.
    :returns: ``{"state": "ok", "account": ..., "limits": {...}, "quota": {...}}``.
    """

    def __init__(
        self, *, platform: str, role: connection_checks.Role, platform_conn_id: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.platform = platform
        self.role = role
        self.hook = HOOKS[platform]
        self.platform_conn_id = platform_conn_id or self.hook.default_conn_name

    def prepare(self, context: Context) -> None:
        try:
            self.hook.get_connection(self.platform_conn_id)
        except AirflowNotFoundException:
            raise AirflowSkipException(f"No connection {self.platform_conn_id}: nothing to check.") from None

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        hook = self.hook(self.platform_conn_id)
        ends = connection_checks.written_expiry(hook.get_connection(self.platform_conn_id).extra_dejson)
        ask = self._source(hook) if self.role == "source" else connection_checks.ask_of(hook.destination)
        return connection_checks.check(conn, self.platform, ask, role=self.role, expires_at=ends)

    def _source(self, hook: Any) -> Callable[[], Checked] | None:
        found = check_of(self.platform)
        return None if found is None else lambda: found(hook.client)
