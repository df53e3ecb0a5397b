"""Bring persons up to date with staging."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import psycopg
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowSkipException

from activation import alerts
from activation.build import skip_during_first_loads
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include import cross_checks, publishing
from include.identity import watch
from include.identity.build import build_persons


class BuildPersonsOperator(WarehouseOperator):
    """
    Stitch changed records, then refresh golden records, consent and traits. Values found to be shared, and persons that
    grew too large, are told to the owner.

    Skipped, with the streams named, while a landed batch waits behind a failed check, or while a critical check of
    sources against each other has failed: nothing is built on half of a night's data. Nor are the first persons on half
    of the first loads.

    :param as_of: the day traits are computed for (templated).
    :param only_if_changed: skip when nothing was published since the last build.
    :returns: counts by step.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(
        self,
        *,
        as_of: str = "{{ params.as_of or (dag_run.run_after | ds) }}",
        only_if_changed: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.as_of = as_of
        self.only_if_changed = only_if_changed

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, int]:
        blocked = publishing.blocked_streams(conn, datetime.now(UTC))
        if blocked:
            raise AirflowSkipException(
                f"Failed checks hold back {', '.join(blocked)}; see ops.check_result. To build without it for a day: "
                f"audienceflow source set-aside {blocked[0]}"
            )
        failed = cross_checks.blocking(conn)
        if failed:
            raise AirflowSkipException(f"Sources contradict each other: {', '.join(failed)}; see ops.cross_result.")
        skip_during_first_loads(conn)
        if self.only_if_changed and not publishing.anything_changed(conn):
            raise AirflowSkipException("Nothing was published since the last build.")
        counts = build_persons(conn, as_of=as_date(self.as_of))
        conn.commit()
        alerts.tell_states(conn, watch.states(conn, self.owner), link=getattr(context["ti"], "log_url", None))
        return counts
