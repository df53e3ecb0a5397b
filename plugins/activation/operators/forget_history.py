"""Forget what the system wrote down of its own work when it is old."""

from collections.abc import Sequence
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation.operators.warehouse_operator import WarehouseOperator
from include import history


class ForgetHistoryOperator(WarehouseOperator):
    """
    Delete tries of tasks, results of checks and notices that are older than some days, but the newest of each kind.

    :param keep_days: whole days, 61 or more (templated).
    :returns: rows deleted, by table of ``ops``.
    """

    template_fields: Sequence[str] = ("keep_days",)

    def __init__(self, *, keep_days: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep_days = keep_days

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        return history.forget(conn, keep_days=self.keep_days)
