"""Compute who belongs to which segment."""

from collections.abc import Sequence
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include.segments import watch
from include.segments.build import SegmentBuildError, build_segments
from include.task_run import Record


class BuildSegmentsOperator(WarehouseOperator):
    """
    Build every segment in the order of their dependencies; tell the owner of one outside its limits or not built.

    :param as_of: the day the rules are read for (templated).
    :returns: ``{segment: {"size": n, "entered": n, "left": n}}``.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(self, *, as_of: str = "{{ params.as_of or (dag_run.run_after | ds) }}", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        link = getattr(context["ti"], "log_url", None)
        try:
            built = build_segments(conn, as_of=as_date(self.as_of))
        except SegmentBuildError as error:
            alerts.tell_states(conn, watch.states(error.built, error.failed, error.owners), link)
            raise
        alerts.tell_states(conn, watch.states(built), link)
        return {s.segment: {"size": s.size, "entered": s.entered, "left": s.left} for s in built}

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = {"segments": len(result), "members": sum(s["size"] for s in result.values())}
