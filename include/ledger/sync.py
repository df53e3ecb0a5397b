"""One destination brought in line: each of its audiences planned, guarded, delivered, confirmed, reported."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, Literal

import psycopg

from include import warehouse
from include.destinations.base import TOO_FEW_MEMBERS, Audience, Destination
from include.errors import AudienceflowError, AuthError, FatalError, RetriableError
from include.ledger import audiences, confirm, exchanges, exclusions, first_load, guard, match_rates, reading, repair
from include.ledger.audiences import Declared
from include.ledger.batches import Delivery, Progress, error_class, unwatched
from include.ledger.deliver import deliver
from include.ledger.plan import Plan, write_plan

Outcome = Literal["success", "partial", "held", "failed"]
BY_GRAVITY: tuple[Outcome, ...] = ("success", "held", "partial", "failed")
LOCK_SPACE = 7_210_008  # any constant: keeps these advisory locks apart from others


@dataclass(frozen=True)
class SyncResult:
    """What one sync did to one audience, in people.

    :param size: what the platform holds now, by what it acknowledged.
    :param parked: refused for good by an earlier sync and still not there; nobody asks again until something changes.
    :param unconfirmed: calls whose job the platform had not finished when the time was over.
    :param left_over: leavers who are still there: an identifier of theirs was kept for somebody who did not come in.
    """

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
    parked: int = 0
    unconfirmed: int = 0
    left_over: int = 0


def sync_destination(
    url: str,
    destination: Destination,
    *,
    as_of: date,
    run_id: str,
    declared: Iterable[Declared] | None = None,
    progress: Progress = unwatched,
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
    results: dict[int, SyncResult] = {}
    failures: list[AudienceflowError] = []
    with warehouse.connect(url, application_name=f"sync {destination.name}", autocommit=True) as conn:
        audiences.register(conn, declared)
        whole = audiences.of_destination(conn, destination.name)
        turn = partial(
            sync_audience,
            conn,
            destination=destination,
            as_of=as_of,
            run_id=run_id,
            progress=progress,
            wait_seconds=wait_seconds,
        )
        for audience in itertools.chain(_removals_first(whole), _freed(conn, whole)):
            try:
                result = turn(audience)
                if result.left_over:
                    result = _both(result, turn(audience))
            except AuthError:
                raise
            except (FatalError, RetriableError) as error:
                failures.append(error)
            else:
                results[audience.audience_id] = _both(results.get(audience.audience_id), result)
    if failures:
        raise next((error for error in failures if isinstance(error, FatalError)), failures[0])
    return list(results.values())


def _removals_first(whole: Sequence[Audience]) -> list[Audience]:
    """Audiences that only let people go before those that take them in."""
    return sorted(whole, key=lambda audience: audience.active)


def _freed(conn: psycopg.Connection, whole: Sequence[Audience]) -> Iterator[Audience]:
    """Audiences that may now take in whom another audience of their priority list has let go since their turn."""
    for audience in whole:
        with exclusions.list_locked(conn, audience) as name, conn.transaction():
            freed = name is not None and exclusions.write(conn, audience, at=datetime.now(UTC)).freed
        if freed:
            yield audience


def _both(first: SyncResult | None, second: SyncResult) -> SyncResult:
    """Two turns of one audience as one result: sums of what happened, and what is so at the end."""
    if first is None:
        return second
    counted = ("added", "updated", "removed", "rejected", "confirmed")
    sums = {name: getattr(first, name) + getattr(second, name) for name in counted}
    worse = max(first.outcome, second.outcome, key=BY_GRAVITY.index)
    return replace(second, **sums, outcome=worse)


def sync_audience(
    conn: psycopg.Connection,
    audience: Audience,
    destination: Destination,
    *,
    as_of: date,
    run_id: str,
    progress: Progress = unwatched,
    wait_seconds: float = confirm.WAIT_SECONDS,
) -> SyncResult:
    """One audience: repair, plan, deliver, confirm. ``conn`` must be in autocommit mode.

    :raises FatalError, RetriableError: the delivery stopped early; what was acknowledged is kept.
    """
    with _alone(conn, audience), exclusions.list_locked(conn, audience):
        # Whom a killed sync of another audience of the list may have added must be known here: the list is ours now.
        for lost in audiences.of_same_list(conn, audience) or [audience]:
            repair.settle_lost(conn, lost)
        progress("repaired")
        started_at = datetime.now(UTC)
        sync_id = _begin(conn, audience, as_of, run_id, started_at)
        progress("begun")
        plan: Plan | None = None
        try:
            audience = audiences.opened(conn, first_load.of_sync(conn, audience, sync_id), destination)
            progress("opened")
            plan = _plan(conn, audience, destination, sync_id, started_at)
            first_load.tell(conn, audience, destination, plan.adds)
            progress("planned")
            with exchanges.recorded(conn, audience):
                deliver(Delivery(conn, audience, destination, sync_id, progress))
            progress("delivered")
            with exchanges.recorded(conn, audience):
                waiting = confirm.confirm_batches(
                    conn, audience, destination, wait_seconds=wait_seconds, progress=progress
                )
                match_rates.read(conn, audience, destination, sync_id)
            progress("confirmed")
            left_over = _settle_kept(conn, audience)
            progress("kept")
            guard.used_up(conn, audience, datetime.now(UTC))
            progress("used_up")
        except AudienceflowError as error:
            _end(conn, audience, sync_id, plan, started_at, error)
            raise
        return replace(_end(conn, audience, sync_id, plan, started_at, None, waiting), left_over=left_over)


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
        exclusions.write(conn, audience, at=at)
        plan = write_plan(conn, audience, destination, at=at)
        [refused] = warehouse.rows(conn, "ledger/parked", {"audience_id": audience.audience_id})
        warehouse.run(
            conn,
            "ledger/note_plan",
            {
                **refused,
                "sync_id": sync_id,
                "plan_hash": plan.plan_hash,
                "adds": plan.adds,
                "updates": plan.updates,
                "removes": plan.removes,
                "held": plan.held,
                "reason": plan.reason,
            },
        )
    with conn.transaction():  # whoever entered the segment while the plan was made: each batch looks here again
        exclusions.write(conn, audience, at=at)
    return plan


def _settle_kept(conn: psycopg.Connection, audience: Audience) -> int:
    """Removals without a call: each identifier the leaver still has belongs to somebody who stays.

    Returns the leavers of whom an identifier is left that nobody carries any more.
    """
    key = {"audience_id": audience.audience_id}
    with conn.transaction(), psycopg.ClientCursor(conn) as cursor:
        if not cursor.execute(warehouse.statement("ledger/waiting"), key).rowcount:
            return 0
        with reading.by_passes(conn):
            [left] = warehouse.rows(conn, "ledger/settle_kept", {**key, "at": datetime.now(UTC)})
        return left["left_over"]


def _end(
    conn: psycopg.Connection,
    audience: Audience,
    sync_id: int,
    plan: Plan | None,
    started_at: datetime,
    error: AudienceflowError | None,
    waiting: int = 0,
) -> SyncResult:
    exclusions.note_exposures(conn, audience)
    tally = _tally(conn, audience, sync_id, plan, started_at)
    [sized] = warehouse.rows(conn, "ledger/size", {"audience_id": audience.audience_id})
    [kept] = warehouse.rows(conn, "ledger/sync_parked", {"sync_id": sync_id})
    outcome = _outcome({**tally, **sized, **kept}, plan, error, waiting)
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
        kept["parked"],
        waiting,
    )


def _tally(
    conn: psycopg.Connection, audience: Audience, sync_id: int, plan: Plan | None, started_at: datetime
) -> dict[str, Any]:
    if plan is None:
        return dict.fromkeys(("added", "updated", "removed", "rejected", "open_attempts", "too_few", "confirmed"), 0)
    [tally] = warehouse.rows(
        conn,
        "ledger/tally",
        {
            "audience_id": audience.audience_id,
            "sync_id": sync_id,
            "started_at": started_at,
            "too_few": TOO_FEW_MEMBERS,
        },
    )
    return tally


def _outcome(facts: dict[str, Any], plan: Plan | None, error: AudienceflowError | None, waiting: int) -> Outcome:
    """Failed: nothing of what was due was accepted, by an error, without an answer, or in an audience that is empty.

    Partial: somebody is left out. That is so as well when nothing was due because the platform refused these people
    before: a try after a partial one does not turn green. So it is while an audience waits until it is large enough.
    """
    done = facts["added"] + facts["updated"] + facts["removed"]
    missed = error is not None or facts["open_attempts"] > facts["too_few"] or (facts["rejected"] and not facts["size"])
    if missed and not done:
        return "failed"
    if missed or facts["rejected"] or facts["parked"] or facts["too_few"] or waiting:
        return "partial"
    return "held" if plan is not None and plan.held else "success"


def _nothing_accepted(audience: Audience, sync_id: int, tally: dict[str, Any]) -> AudienceflowError:
    """The error of a sync whose every call was answered and nobody accepted; rejected for good: a retry cannot help."""
    kind = RetriableError if tally["open_attempts"] else FatalError
    return kind(
        f"{audience.destination} {audience.key}: nobody was accepted ({tally['rejected']} rejected, "
        f"{tally['open_attempts']} open); audience.delivery tells why, sync {sync_id}."
    )
