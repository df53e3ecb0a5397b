"""Bring every audience on one platform in line with its segment."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psycopg
from airflow.sdk import BaseOperator
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

from activation import alerts, assets
from activation.hooks.registry import HOOKS
from activation.operators.warehouse_operator import WarehouseOperator, as_date
from include.ledger import holds, watch
from include.ledger.sync import sync_destination
from include.task_run import Record

COUNTS = ("added", "updated", "removed", "rejected", "parked", "confirmed", "held")


class SyncDestinationOperator(WarehouseOperator):
    """
    Plan, guard, remove, add, update and confirm each audience of a destination.

    Safe to retry: the ledger knows what was acknowledged; a retry sends only the rest. Skipped when the platform has
    no connection. Owners are told once when people are left out, removals wait or are overdue. When removals begin to
    wait, `approve_removals` is woken.

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
        super().__init__(**{**kwargs, "outlets": [*kwargs.get("outlets", ()), assets.HELD_SOMETHING]})
        self.destination = self.platform = destination
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
        try:
            results = sync_destination(url, destination, as_of=as_date(self.as_of), run_id=context["ti"].run_id)
        finally:
            self._tell(conn, context)
        counted = {result.audience: asdict(result) for result in results}
        self._emit(conn, context, counted)
        return counted

    def describe(self, record: Record, result: dict[str, Any]) -> None:
        record.counts = _sums(result)
        if any(audience["outcome"] != "success" for audience in result.values()):
            record.outcome = "partial"

    def _tell(self, conn: psycopg.Connection, context: Context) -> None:
        alerts.tell_states(conn, watch.states(conn, self.destination), link=getattr(context["ti"], "log_url", None))

    def _emit(self, conn: psycopg.Connection, context: Context, result: dict[str, Any]) -> None:
        """Counts on the audiences' asset, and a wake-up for the approval when nobody was asked yet."""
        events = context["outlet_events"]
        for outlet in self.outlets:
            if outlet is not assets.HELD_SOMETHING:
                events[outlet].extra = _sums(result)
        if holds.unasked(conn, self.destination):
            events[assets.HELD_SOMETHING].add(assets.HOLDS)


def _sums(result: dict[str, Any]) -> dict[str, int]:
    return {name: sum(audience[name] for audience in result.values()) for name in COUNTS}


def left_out(counts: dict[str, Any]) -> list[str]:
    """Who is not where they should be, in words; empty: everybody is."""
    told = {
        "refused": counts["rejected"] + counts["parked"],
        "removals waiting for approval": counts["held"],
        "calls not confirmed yet": counts["unconfirmed"],
    }
    words = [f"{count} {what}" for what, count in told.items() if count]
    return words or ([] if counts["outcome"] == "success" else [counts["outcome"]])


def _in_short(partial: dict[str, list[str]]) -> str:
    """Beside the square in Airflow's lists: the first audience that is not whole, and how many more."""
    if not partial:
        return "everybody"
    (name, words), *others = partial.items()
    more = f", and {len(others)} more audiences" if others else ""
    return f"not everybody: {name} {', '.join(words)}{more}"


class ShowPartialOperator(BaseOperator):
    """
    Show at a glance that a sync left somebody out: skipped (pink) beside a green sync; who and how many is its XCom.

    A try after a partial one stays pink: who was refused before and is still not there counts.

    :param sync_task_id: the task whose result is looked at.
    """

    def __init__(self, *, sync_task_id: str, **kwargs: Any) -> None:
        kwargs.setdefault("task_display_name", "everybody is delivered")
        super().__init__(map_index_template="{{ in_words }}", **kwargs)
        self.sync_task_id = sync_task_id

    def execute(self, context: Context) -> None:
        result = context["ti"].xcom_pull(task_ids=self.sync_task_id) or {}
        partial = {audience: words for audience, counts in result.items() if (words := left_out(counts))}
        context["in_words"] = _in_short(partial)
        if partial:
            context["ti"].xcom_push(key="left_out", value=partial)
            raise AirflowSkipException(
                "; ".join(f"{audience}: {', '.join(words)}" for audience, words in partial.items())
            )
