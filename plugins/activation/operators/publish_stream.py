"""Publish what a stream's checks let through."""

from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation.operators.warehouse_operator import WarehouseOperator
from include import publishing
from include.sources.registry import STREAMS


class PublishStreamOperator(WarehouseOperator):
    """
    Move the good rows of checked batches into staging, and say so by the stream's asset.

    Runs also when the platform has no connection (the landing was skipped): then it publishes nothing and the
    chain goes on without that platform.

    :param stream: name in include/sources/registry.py.
    :returns: ``{"rows": n, "deleted": n, "quarantined": n}``.
    """

    def __init__(self, *, stream: str, **kwargs: Any) -> None:
        super().__init__(trigger_rule="none_failed", **kwargs)
        self.stream = stream

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        return asdict(publishing.publish_stream(conn, STREAMS[self.stream]))
