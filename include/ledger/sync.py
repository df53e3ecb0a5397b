"""One destination brought in line: each of its audiences planned, guarded, delivered, confirmed, reported."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import psycopg

from include import warehouse
from include.destinations.base import Audience, Destination
from include.errors import AudienceflowError, AuthError, FatalError, RetriableError
from include.ledger import audiences, confirm, repair
from include.ledger.audiences import Declared
from include.ledger.deliver import Delivery, Progress, deliver, error_class
from include.ledger.plan import Plan, write_plan

Outcome = Literal["success", "partial", "held", "failed"]
LOCK_SPACE = 7_210_008  # any constant: keeps these advisory locks apart from others


@dataclass(frozen=True)
class SyncResult:
    """What one sync did to one audience, in people. ``size``: what the platform holds now, by what it acknowledged."""

    audience: str
    destination: str
    segment: str
    added: int
    updated: int
    removed: int
    rejected: int
    confirmed: int
    held: int
    size: int
    outcome: Outcome
    plan_hash: str


def _nothing(step: str) -> None:
    """The progress of a run nobody watches."""


def sync_destination(
    url: str,
    destination: Destination,
    *,
    as_of: date,
    run_id: str,
    declared: Iterable[Declared] | None = None,
    progress: Progress = _nothing,
    wait_seconds: float = confirm.WAIT_SECONDS,
) -> list[SyncResult]:
    """Bring every audience of ``destination`` in line with its segment. Safe to repeat at any time.

    One audience's failure does not stop the others, but for refused credentials.

    :param url: libpq URL of the warehouse.
    :param as_of: the day this sync is for; kept with it.
    :param declared: the audiences there are; None reads them from sql/segments.
    :param wait_seconds: how long each audience's jobs at the platform are waited for.
    :raises FatalError: an audience got nothing though it should have; the others were done. Mend first.
    :raises RetriableError: the same, and trying again helps.
    """
    results: list[SyncResult] = []
    failures: list[AudienceflowError] = []
    with warehouse.connect(url, application_name=f"sync {destination.name}", autocommit=True) as conn:
        audiences.register(conn, declared)
        for audience in audiences.of_destination(conn, destination.name):
            try:
                results.append(
                    sync_audience(
                        conn,
                        audience,
                        destination,
                        as_of=as_of,
                        run_id=run_id,
                        progress=progress,
                        wait_seconds=wait_seconds,
                    )
                )
            except AuthError:
                raise
            except (FatalError, RetriableError) as error:
                failures.append(error)
    if failures:
        raise next((error for error in failures if isinstance(error, FatalError)), failures[0])
    return results


def sync_audience(
    conn: psycopg.Connection,
    audience: Audience,
    destination: Destination,
    *,
    as_of: date,
    run_id: str,
    progress: Progress = _nothing,
    wait_seconds: float = confirm.WAIT_SECONDS,
) -> SyncResult:
    """One audience: repair, plan, deliver, confirm. ``conn`` must be in autocommit mode.

    :raises FatalError, RetriableError: the delivery stopped early; what was acknowledged is kept.
    """
    with _alone(conn, audience):
        repair.settle_lost(conn, audience)
        started_at = datetime.now(UTC)
        sync_id = _begin(conn, audience, as_of, run_id, started_at)
        progress("begun")
        plan: Plan | None = None
        try:
            audience = audiences.opened(conn, audience, destination)
            plan = _plan(conn, audience, destination, sync_id, started_at)
            progress("planned")
            deliver(Delivery(conn, audience, destination, sync_id, progress))
            warehouse.run(conn, "ledger/settle_kept", {"audience_id": audience.audience_id, "at": datetime.now(UTC)})
            progress("delivered")
            confirm.confirm_batches(conn, audience, destination, wait_seconds=wait_seconds)
        except AudienceflowError as error:
            _end(conn, audience, sync_id, plan, started_at, error)
            raise
        return _end(conn, audience, sync_id, plan, started_at, None)


@contextmanager
def _alone(conn: psycopg.Connection, audience: Audience) -> Iterator[None]:
    """Two syncs of one audience would each plan what the other is sending."""
    [(locked,)] = conn.execute("select pg_try_advisory_lock(%s, %s)", (LOCK_SPACE, audience.audience_id)).fetchall()
    if not locked:
        raise RetriableError(f"{audience.destination} {audience.key}: another sync of this audience is running.")
    try:
        yield
    finally:
        if not conn.broken:
            conn.execute("select pg_advisory_unlock(%s, %s)", (LOCK_SPACE, audience.audience_id))


def _begin(conn: psycopg.Connection, audience: Audience, as_of: date, run_id: str, at: datetime) -> int:
    [row] = warehouse.rows(
        conn,
        "ledger/begin_sync",
        {
            "audience_id": audience.audience_id,
            "run_id": run_id,
            "at": at,
            "as_of": as_of,
            "segment": audience.segment,
        },
    )
    return row["sync_id"]


def _plan(conn: psycopg.Connection, audience: Audience, destination: Destination, sync_id: int, at: datetime) -> Plan:
    with conn.transaction():
        plan = write_plan(conn, audience, destination, at=at)
        warehouse.run(
            conn,
            "ledger/note_plan",
            {
                "sync_id": sync_id,
                "plan_hash": plan.plan_hash,
                "adds": plan.adds,
                "updates": plan.updates,
                "removes": plan.removes,
                "held": plan.held,
                "reason": plan.reason,
            },
        )
    return plan


def _end(
    conn: psycopg.Connection,
    audience: Audience,
    sync_id: int,
    plan: Plan | None,
    started_at: datetime,
    error: AudienceflowError | None,
) -> SyncResult:
    tally = _tally(conn, audience, sync_id, plan, started_at)
    outcome = _outcome(tally, plan, error)
    warehouse.run(
        conn,
        "ledger/end_sync",
        {
            **tally,
            "sync_id": sync_id,
            "outcome": outcome,
            "at": datetime.now(UTC),
            "error_class": error_class(error) if error else None,
            "error_code": getattr(error, "code", None),
        },
    )
    if outcome == "failed" and error is None:
        raise _nothing_accepted(audience, sync_id, tally)
    [sized] = warehouse.rows(conn, "ledger/size", {"audience_id": audience.audience_id})
    return SyncResult(
        audience.key,
        audience.destination,
        audience.segment,
        tally["added"],
        tally["updated"],
        tally["removed"],
        tally["rejected"],
        tally["confirmed"],
        plan.held if plan else 0,
        sized["size"],
        outcome,
        plan.plan_hash if plan else "",
    )


def _tally(
    conn: psycopg.Connection, audience: Audience, sync_id: int, plan: Plan | None, started_at: datetime
) -> dict[str, Any]:
    if plan is None:
        return dict.fromkeys(("added", "updated", "removed", "rejected", "open_attempts", "confirmed"), 0)
    [tally] = warehouse.rows(
        conn,
        "ledger/tally",
        {
            "audience_id": audience.audience_id,
            "sync_id": sync_id,
            "started_at": started_at,
        },
    )
    return tally


def _outcome(tally: dict[str, Any], plan: Plan | None, error: AudienceflowError | None) -> Outcome:
    """Failed: nothing was accepted of what was due. Partial: some was not."""
    short = error is not None or bool(tally["rejected"]) or bool(tally["open_attempts"])
    if not short and plan is not None:
        return "held" if plan.held else "success"
    return "partial" if tally["added"] + tally["updated"] + tally["removed"] else "failed"


def _nothing_accepted(audience: Audience, sync_id: int, tally: dict[str, Any]) -> AudienceflowError:
    """The error of a sync whose every call was answered and nobody accepted; rejected for good: a retry cannot help."""
    kind = RetriableError if tally["open_attempts"] else FatalError
    return kind(
        f"{audience.destination} {audience.key}: nobody was accepted ({tally['rejected']} rejected, "
        f"{tally['open_attempts']} open); audience.delivery tells why, sync {sync_id}."
    )
