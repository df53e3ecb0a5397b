"""Bring every audience on one platform in line with its segment."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation.hooks.registry import HOOKS
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include.ledger.sync import sync_destination
from include.task_run import Record


class SyncDestinationOperator(WarehouseOperator):
    """
    Plan, guard, remove, add, update and confirm each audience of a destination.

    Safe to retry: the ledger knows what was acknowledged; a retry sends only the rest. Skipped when the platform has
    no connection.

    :param destination: name in include/destinations, as in ``meta``.
    :param as_of: the day the sync is for (templated).
    :returns: ``{audience: {"added": n, "removed": n, "rejected": n, ...}}``, people.
    """

    template_fields: Sequence[str] = ("as_of",)

    def __init__(
        self,
        *,
        destination: str,
        as_of: str = "{{ params.as_of or (dag_run.run_after | ds) }}",
        destination_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.destination = destination
        self.as_of = as_of
        self.hook = HOOKS[destination]
        self.destination_conn_id = destination_conn_id or self.hook.default_conn_name

    def prepare(self, context: Context) -> None:
        try:
            self.hook.get_connection(self.destination_conn_id)
        except AirflowNotFoundException:
            raise AirflowSkipException(
                f"No connection {self.destination_conn_id}: {self.destination} gets nothing."
            ) from None

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> dict[str, Any]:
        destination = self.hook(self.destination_conn_id).destination
        results = sync_destination(url, destination, as_of=as_date(self.as_of), run_id=context["ti"].run_id)
        return {result.audience: asdict(result) for result in results}

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = {
            name: sum(audience[name] for audience in result.values())
            for name in ("added", "updated", "removed", "rejected", "confirmed", "held")
        }
        if any(audience["outcome"] != "success" for audience in result.values()):
            record.outcome = "partial"


class ShowPartialOperator(BaseOperator):
    """
    Show at a glance that a sync left somebody out: skipped (pink) when rows were rejected or removals held.

    :param sync_task_id: the task whose result is looked at.
    """

    def __init__(self, *, sync_task_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.sync_task_id = sync_task_id

    def execute(self, context: Context) -> None:
        result = context["ti"].xcom_pull(task_ids=self.sync_task_id) or {}
        partial = [
            f"{audience}: {counts['rejected']} rejected, {counts['held']} removals held"
            for audience, counts in result.items()
            if counts["outcome"] != "success"
        ]
        if partial:
            raise AirflowSkipException("; ".join(partial))
