"""Publish what a stream's checks let through."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import assets
from activation.operators.warehouse_operator import WarehouseOperator
from include import night, publishing
from include.sources.registry import STREAMS


class PublishStreamOperator(WarehouseOperator):
    """
    Move the good rows of checked batches into staging, and say so by the stream's asset.

    Runs also when the platform has no connection (the landing was skipped): then it publishes nothing and the
    chain goes on without that platform.

    :param stream: name in include/sources/registry.py.
    :param awaited: the streams that persons wait for; the one that completes them says so by the asset of the night.
        None: this publication is no part of a night. A backfill never is.
    :returns: ``{"rows": n, "deleted": n, "quarantined": n}``.
    """

    def __init__(self, *, stream: str, awaited: Sequence[str] = (), **kwargs: Any) -> None:
        waking = [assets.NIGHT_IS_WHOLE] if awaited else []
        super().__init__(trigger_rule="none_failed", **{**kwargs, "outlets": [*kwargs.get("outlets", ()), *waking]})
        self.stream = stream
        self.awaited = awaited

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        published = asdict(publishing.publish_stream(conn, STREAMS[self.stream]))
        if self.awaited and context["dag_run"].run_type != "backfill":
            conn.commit()
            if night.arrive(conn, self.stream, self.awaited, datetime.now(UTC)):
                context["outlet_events"][assets.NIGHT_IS_WHOLE].add(assets.NIGHT)
        return published
