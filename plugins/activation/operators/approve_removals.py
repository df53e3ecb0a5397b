"""Removals that wait for a person: who is asked, and what becomes of the answer."""

from datetime import timedelta
from typing import Any

import psycopg
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param
from airflow.sdk.definitions.context import Context
from airflow.sdk.exceptions import AirflowSkipException

from activation import alerts, assets
from activation.hooks.warehouse import WarehouseHook
from activation.operators.warehouse_operator import WarehouseOperator
from include.errors import FatalError
from include.ledger import guard, holds, watch

APPROVE, REJECT, LATER = "Remove them", "Keep them", "Decide later"
DECIDED = {APPROVE: "approved", REJECT: "rejected"}
HOLD_IN_WORDS = "{{ hold_in_words }}"  # how Airflow's lists name each question
ANSWER_WITHIN = timedelta(hours=24)  # then the question ends, and is asked anew with the numbers of the day


class ListHoldsOperator(WarehouseOperator):
    """
    The open holds nobody is asked about yet, now asked about by this run.

    :returns: ``[hold id, ...]``; empty: nothing waits.
    """

    def work(self, conn: psycopg.Connection, url: str, context: Context) -> list[int]:
        return holds.claim(conn, context["ti"].run_id)


class ApproveRemovalsOperator(HITLOperator):
    """
    Ask a person whether the removals of one hold may go: size, causes, a masked sample, reason, age.

    Waits without a worker. The answer is written down with who, when and why, and an approval wakes the sync of that
    destination; what it sends is computed anew and holds nobody who was not shown. Skipped when the hold was rejected,
    replaced by a larger one or used up meanwhile, and when nobody answers: then it is asked again. When it was approved
    meanwhile, also by a try of this task that died behind its commit, the sync is woken all the same.

    Expanded over holds, with ``outlets=[assets.APPROVED_SOMETHING]`` and ``map_index_template=HOLD_IN_WORDS``.

    :param hold_id: of ``audience.hold``.
    :returns: ``{"hold_id": id, "decision": "approved" or "rejected"}``.
    """

    def __init__(
        self, *, hold_id: int, warehouse_conn_id: str = WarehouseHook.default_conn_name, **kwargs: Any
    ) -> None:
        super().__init__(
            subject="Removals that wait",
            options=[APPROVE, REJECT, LATER],
            defaults=LATER,
            response_timeout=ANSWER_WITHIN,
            params={"why": Param("", type="string", title="Why", description="Kept in the audit, beside your name")},
            **kwargs,
        )
        self.hold_id = hold_id
        self.warehouse_conn_id = warehouse_conn_id

    def execute(self, context: Context) -> Any:
        with WarehouseHook(self.warehouse_conn_id).open() as conn:
            hold = self._hold(conn, context)
        if hold.state == "approved":  # elsewhere, or by a try that died behind its commit: the sync is due
            return self._follow(context, hold, "approved")
        if hold.state != "open":
            raise AirflowSkipException(f"Hold {hold.hold_id} is {hold.state}: there is nothing to decide.")
        self.subject = f"Remove {hold.removals:,} people from {hold.audience} at {hold.destination}?"
        self.body = holds.as_markdown(hold)
        return super().execute(context)

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        answer = super().execute_complete(context, event)
        [chosen], why = answer["chosen_options"], (answer["params_input"].get("why") or "").strip() or None
        with WarehouseHook(self.warehouse_conn_id).open() as conn:
            hold = self._hold(conn, context)
            if chosen == LATER:
                raise AirflowSkipException(f"Hold {hold.hold_id} is left open; it is asked about again in a day.")
            if hold.state != DECIDED[chosen]:
                try:
                    (guard.approve if chosen == APPROVE else guard.reject)(conn, hold.hold_id, _name(answer), why)
                except FatalError as error:
                    raise AirflowSkipException(str(error)) from None
                conn.commit()
            # The hold's owner hears that nothing waits any more.
            alerts.tell_states(conn, watch.states(conn, hold.destination))
        return self._follow(context, hold, DECIDED[chosen])

    def _follow(self, context: Context, hold: holds.Hold, decision: str) -> dict[str, Any]:
        """Wake the sync of an approval; waking it twice does no harm."""
        if decision == "approved":
            context["outlet_events"][assets.APPROVED_SOMETHING].add(assets.APPROVALS[hold.destination])
        return {"hold_id": hold.hold_id, "decision": decision}

    def _hold(self, conn: psycopg.Connection, context: Context) -> holds.Hold:
        hold = holds.show(conn, self.hold_id)
        context["hold_in_words"] = f"{hold.destination} {hold.audience}: {hold.removals} removals (hold {hold.hold_id})"
        return hold


def _name(answer: Any) -> str:
    """Who answered, by the name they log in with."""
    user = answer["responded_by_user"] or {}
    return str(user.get("name") or user.get("id") or "somebody in Airflow")
