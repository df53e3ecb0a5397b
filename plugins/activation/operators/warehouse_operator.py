"""What every operator of the project shares: an open warehouse, a time limit, a record of the try."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import psycopg
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowSkipException

from activation.hooks.warehouse import WarehouseHook
from activation.result_pages import key_of
from include.task_run import Record, recorded


class WarehouseOperator(BaseOperator):
    """Make one call into include/ with an open warehouse, and record it in ops.task_run.

    A subclass writes ``work``; what it returns goes to XCom, so it holds counts and keys only.

    :param warehouse_conn_id: connection of type postgres.
    """

    template_fields: Sequence[str] = ()

    def __init__(self, *, warehouse_conn_id: str = WarehouseHook.default_conn_name, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: Context) -> Any:
        self.prepare(context)
        hook = WarehouseHook(self.warehouse_conn_id)
        with (
            recorded(hook.url, key_of(context["ti"]), self.owner) as record,
            hook.open(timeout=self.execution_timeout) as conn,
        ):
            try:
                result = self.work(conn, hook.url, context)
            except AirflowSkipException:
                record.outcome = "skipped"
                raise
            self.describe(record, result)
        return result

    def prepare(self, context: Context) -> None:
        """What must hold before anything is recorded; may raise AirflowSkipException."""

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> Any:
        """The one call into include/."""
        raise AssertionError(f"{type(self).__name__} has no work()")

    def describe(self, record: Record, result: Any) -> None:
        """Put counts (and an outcome other than success) on the record."""
        if isinstance(result, dict):
            record.counts = result


def as_date(rendered: str) -> date:
    """The date of a rendered ``as_of``: the first ten characters of an ISO date or time."""
    return date.fromisoformat(rendered[:10])
