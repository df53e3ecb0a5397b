"""Forget the kept requests and answers when they are old."""

from collections.abc import Sequence
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation.operators.warehouse_operator import WarehouseOperator
from include.errors import ConfigError
from include.ledger import exchanges


class PruneExchangesOperator(WarehouseOperator):
    """
    Delete what ``audience.exchange`` holds of calls that are older than ``keep_days``. Safe to repeat.

    :param keep_days: days, a number of one or more (templated).
    :returns: ``{"forgotten": n}``.
    """

    template_fields: Sequence[str] = ("keep_days",)

    def __init__(self, *, keep_days: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep_days = keep_days

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        days = str(self.keep_days)
        if not days.isdigit() or int(days) < 1:
            raise ConfigError(f"The variable exchange_keep_days is {days!r}; it is a number of days, one or more.")
        return {"forgotten": exchanges.prune(conn, keep_days=int(days))}
