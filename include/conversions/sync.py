"""Orders told to one conversion action: what is due is taken, written down, told, settled and confirmed.

The same rules as the delivery ledger's: an order is written down as sent before the call, so that a run that died
leaves no order untold; telling it twice is safe, because the platform knows it by its transaction id. Consent is looked
at in the statement that takes the orders, right before they go out. Buyers whom no audience ever drew are drawn for the
global control group before: no platform is told of anybody in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Literal

import psycopg

from include import warehouse
from include.conversions.base import Conversions, Order
from include.conversions.confirm import confirm
from include.destinations.base import Answer, Exceptional
from include.errors import AudienceflowError, FatalError, RetriableError
from include.ledger import exclusions
from include.ledger.audience_files import read_global_control
from include.ledger.batches import Progress, error_class, exceptions_as_columns, failed_call, unwatched
from include.ledger.confirm import JOB_LIMIT, WAIT_SECONDS
from include.segments.control import Control

LOCK = "conversions"


@dataclass(frozen=True)
class ConversionResult:
    """What one run told, in orders.

    :param open: to be told again by the next run.
    :param unconfirmed: calls whose result the platform had not told when the time was over.
    """

    told: int
    restated: int
    confirmed: int
    rejected: int
    open: int
    outcome: Literal["success", "partial"]
    unconfirmed: int = 0


@dataclass(frozen=True)
class _Run:
    conn: psycopg.Connection
    conversions: Conversions
    run_id: str
    at: datetime
    controls: Sequence[Control]
    progress: Progress

    @property
    def key(self) -> dict[str, str]:
        return {"destination": self.conversions.name, "action_id": self.conversions.action_id}


def sync_conversions(
    url: str,
    conversions: Conversions,
    *,
    run_id: str,
    wait_seconds: float = WAIT_SECONDS,
    progress: Progress = unwatched,
    controls: Sequence[Control] | None = None,
) -> ConversionResult:
    """Tell the platform every order it does not have, and every value that changed. Safe to repeat at any time.

    :param url: libpq URL of the warehouse.
    :param wait_seconds: how long results are waited for; what is not told by then is asked for by the next run.
    :param controls: the control groups whose orders are nobody's business; None reads sql/audiences/control.yaml.
    :raises FatalError: nothing was taken of what was due, a result cannot be asked for, or the platform refuses as a
        whole. Mend first.
    :raises RetriableError: the same, and trying again helps; another run may be under way.
    """
    with warehouse.connect(url, application_name=f"conversions {conversions.name}", autocommit=True) as conn:
        _lock(conn, conversions)
        run = _Run(conn, conversions, run_id, datetime.now(UTC), _in_force(controls), progress)
        warehouse.run(
            conn, "conversions/close_lost_batches", {**run.key, "at": run.at, "job_before": run.at - JOB_LIMIT}
        )
        asked = confirm(conn, conversions, 0, progress)  # what earlier runs left: a restatement waits for it
        error = _tell_all(run)
        if error is None:
            asked = confirm(conn, conversions, wait_seconds, progress)
        [tally] = warehouse.rows(conn, "conversions/tally", {**run.key, "started_at": run.at})
        _unlock(conn, conversions)
    if error is None:
        error = asked.refused
    if error is not None:
        raise error
    return _judged(conversions, tally, asked.waiting)


def _in_force(controls: Sequence[Control] | None) -> Sequence[Control]:
    if controls is not None:
        return controls
    everywhere = read_global_control()
    return () if everywhere is None else (everywhere,)


def _unlock(conn: psycopg.Connection, conversions: Conversions) -> None:
    """At once: a closed connection may live on for a moment, and the next run would find it."""
    name = f"{LOCK} {conversions.name} {conversions.action_id}"
    conn.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (name,))


def _lock(conn: psycopg.Connection, conversions: Conversions) -> None:
    """Two runs at once would tell the same orders; the lock goes with the connection."""
    name = f"{LOCK} {conversions.name} {conversions.action_id}"
    [(locked,)] = conn.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (name,)).fetchall()
    if not locked:
        raise RetriableError(f"{conversions.name} conversions: another run of this action is under way.")


def _judged(conversions: Conversions, tally: Mapping[str, int], waiting: int) -> ConversionResult:
    short = bool(tally["rejected"] or tally["open"])
    if short and not tally["told"] + tally["restated"] + tally["confirmed"]:
        kind = RetriableError if tally["open"] else FatalError
        raise kind(
            f"{conversions.name} conversions: no order was accepted ({tally['rejected']} rejected, {tally['open']} "
            "open); conversion.delivery tells why."
        )
    return ConversionResult(**tally, outcome="partial" if short or waiting else "success", unconfirmed=waiting)


def _tell_all(run: _Run) -> AudienceflowError | None:
    """Everything that is due, batch by batch; the error that ended it early, if one did."""
    due, size = _due(run), run.conversions.batch_size
    for first in range(1, due + 1, size):
        batch_id, people, orders = _take(run, first, first + size - 1)
        if batch_id is None:
            continue
        run.progress("taken")
        answer, error = _tell(run, orders)
        run.progress("answered")
        unusable = set(range(len(people))) - {order.row for order in orders}
        _settle(run, batch_id, answer, unusable, error)
        run.progress("settled")
        if error is not None:
            return error
    return None


def _due(run: _Run) -> int:
    """Fill this session's table of what is due; how many orders that is."""
    warehouse.run(run.conn, "conversions/due_table")
    bound = {
        **run.key,
        "at": run.at,
        "not_before": run.at - run.conversions.max_age,
        "restate_not_before": run.at - run.conversions.max_restate_age,
    }
    return warehouse.run(run.conn, "conversions/due", bound)


def _take(run: _Run, first: int, last: int) -> tuple[int | None, Sequence[Mapping[str, Any]], list[Order]]:
    """The orders of one call, written down as sent, with the consent of this moment; None when none is left."""
    span = {"first": first, "last": last}
    with run.conn.transaction():
        rows = warehouse.rows(run.conn, "conversions/take", {**span, "experiments": _draw(run, span)})
        if not rows:
            return None, [], []
        begun = {**run.key, "run_id": run.run_id, "orders": len(rows), "at": datetime.now(UTC)}
        [batch] = warehouse.rows(run.conn, "conversions/begin_batch", begun)
        warehouse.run(run.conn, "conversions/mark_sent", {**run.key, **batch, **_columns(rows)})
    named = [(row, one, run.conversions.identify(one)) for row, one in enumerate(rows)]
    return batch["batch_id"], rows, [_order(row, one, found) for row, one, found in named if found]


def _draw(run: _Run, span: Mapping[str, int]) -> list[int]:
    """Draw the buyers of these orders for the control groups; the numbers of their experiments."""
    if not run.controls:
        return []
    [buyers] = warehouse.rows(run.conn, "conversions/buyers", span)
    return exclusions.draw(run.conn, run.controls, buyers["people"], at=run.at)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    return {
        "transaction_ids": [one["transaction_id"] for one in rows],
        "streams": [one["stream"] for one in rows],
        "order_keys": [one["order_key"] for one in rows],
        "persons": [one["person_id"] for one in rows],
        "consents": [one["consent_id"] for one in rows],
        "currencies": [one["currency"] for one in rows],
        "values": [one["value_minor"] for one in rows],
        "rows": list(range(len(rows))),
    }


def _order(row: int, one: Mapping[str, Any], identifiers: Mapping[str, str]) -> Order:
    value = Decimal(one["value_minor"]) / one["minor_per_unit"]
    return Order(
        row,
        one["transaction_id"],
        one["stream"],
        one["ordered_at"],
        value,
        one["currency"],
        one["restated"],
        identifiers,
    )


def _tell(run: _Run, orders: Sequence[Order]) -> tuple[Answer, AudienceflowError | None]:
    if not orders:
        return Answer(), None
    try:
        return run.conversions.tell(orders, datetime.now(UTC)), None
    except AudienceflowError as error:
        failed = failed_call(error)
        return Answer(tuple(Exceptional(order.row, *failed) for order in orders)), error


def _settle(run: _Run, batch_id: int, answer: Answer, unusable: set[int], error: AudienceflowError | None) -> None:
    text = "no identifier of the buyer has the form this platform takes"
    nameless = [Exceptional(row, "rejected", "no_usable_identifier", text) for row in sorted(unusable)]
    with run.conn.transaction():
        warehouse.run(
            run.conn,
            "conversions/settle",
            {
                **run.key,
                "batch_id": batch_id,
                "at": datetime.now(UTC),
                "job_id": answer.job_id,
                "request_id": answer.request_id,
                "error_class": error_class(error) if error else None,
                "error_code": getattr(error, "code", None),
                **exceptions_as_columns([*answer.exceptions, *nameless]),
            },
        )
