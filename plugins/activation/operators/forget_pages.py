"""Forget pages of results that nobody looks back at."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import result_pages
from activation.operators.warehouse_operator import WarehouseOperator
from include.errors import ConfigError
from include.results import draw


class ForgetPagesOperator(WarehouseOperator):
    """
    Delete the pages of checks that are older than some days; each suite's newest stays, and so do the results.

    :param keep_days: whole days (templated).
    :returns: ``{"pages": n}``.
    """

    template_fields: Sequence[str] = ("keep_days",)

    def __init__(self, *, keep_days: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep_days = keep_days

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        days = str(self.keep_days)
        if not days.isdigit() or int(days) < 1:
            raise ConfigError(f"The variable result_keep_days is {days!r}; it is a number of days, one or more.")
        before = datetime.now(UTC) - timedelta(days=int(days))
        return {"pages": draw.forget(conn, result_pages.folder(), before=before)}
