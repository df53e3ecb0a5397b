"""Check what a stream has landed."""

import logging
from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context

from activation import alerts, result_pages
from activation.operators.warehouse_operator import WarehouseOperator
from include import quality, stream_watch
from include.errors import ConfigError, CriticalCheckError, RetriableError
from include.results import draw
from include.sources.registry import STREAMS
from include.suites import read_suite
from include.task_run import Record

log = logging.getLogger(__name__)


class CheckStreamOperator(WarehouseOperator):
    """
    Run the stream's suite over all it has landed and not yet published, and draw the page of its results.

    A critical failure fails the task at once; rows that break a rule are set aside with the reason. Columns that
    changed, and records older than they use to be, are told to the suite's owner. The button *Results* leads to the
    page, also of a failed check.

    :param stream: name in include/sources/registry.py.
    :returns: ``{"batch_id": id, "records": n, "quarantined": n, "failed_rules": [name, ...],
        "changed_columns": n}``.
    """

    operator_extra_links = (result_pages.ResultPageLink(),)

    def __init__(self, *, stream: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.result_page: str | None = None

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        try:
            checked = quality.check_stream(conn, url, STREAMS[self.stream])
        except CriticalCheckError:
            self._draw(conn, context)
            raise
        self._draw(conn, context)
        for state in stream_watch.worth_telling(conn, stream_watch.states(checked)):
            alerts.tell(conn, **asdict(state))
        return {
            "batch_id": checked.batch_id,
            "records": checked.records,
            "quarantined": checked.quarantined,
            "failed_rules": list(checked.failed_rules),
            "changed_columns": len(checked.drift),
        }

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = result
        if result.get("quarantined"):
            record.outcome = "partial"

    def _draw(self, conn: psycopg.Connection, context: Context) -> None:
        """A page that cannot be written fails no check: the results stand in the warehouse."""
        ti, suite = context["ti"], read_suite(STREAMS[self.stream].suite)
        about = {"stream": self.stream, "owner": suite.owner, "link": getattr(ti, "log_url", None)}
        try:
            path = draw.draw_newest(conn, result_pages.folder(), suite.name, key=result_pages.key_of(ti), **about)
        except (RetriableError, ConfigError) as error:
            log.warning("No page was drawn; `bin/audienceflow results draw` makes up for it. %s", error)
        else:
            self.result_page = None if path is None else result_pages.url_of(path)
