"""Batches on their way: taken and written down, called, settled.

One connection to Postgres in this thread, as many calls at once as the platform allows in others. At most that many
batches are in memory. Whatever a call does not answer stays 'sent': the next plan sends it again or takes it back.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, Destination, Exceptional, Member
from include.errors import AudienceflowError, FatalError, LostAnswerError, QuotaError, RetriableError

MAX_FAILED_IN_A_ROW = 3  # after these the platform counts as down and the sync stops
OPERATIONS = ("remove", "add", "update")  # removals first: whoever withdrew must not wait for the additions

Progress = Callable[[str], None]  # told after each commit; a test ends the run there


@dataclass(frozen=True)
class Delivery:
    """One sync's way to one audience."""

    conn: psycopg.Connection
    audience: Audience
    destination: Destination
    sync_id: int
    progress: Progress


@dataclass(frozen=True)
class Batch:
    """One call: the ordinals of the plan in the order of its members, and who cannot be named to this platform."""

    batch_id: int
    operation: str
    ordinals: tuple[int, ...]
    members: tuple[Member, ...]
    unusable: tuple[Exceptional, ...] = ()


def deliver(delivery: Delivery) -> None:
    """Send this session's plan: removals, then additions, then updates.

    :raises FatalError: the platform refuses as a whole (credentials, terms, a faulty request); the rest is not sent.
    :raises RetriableError: quota used up, or several batches in a row failed; the rest is not sent.
    """
    ranges = {row["operation"]: row for row in warehouse.rows(delivery.conn, "ledger/ranges")}
    for operation in OPERATIONS:
        if operation in ranges:
            _deliver(delivery, operation, ranges[operation]["first_ordinal"], ranges[operation]["last_ordinal"])


def _deliver(delivery: Delivery, operation: str, first: int, last: int) -> None:
    failures = _Failures()
    running: dict[Future[Answer], Batch] = {}
    with ThreadPoolExecutor(delivery.destination.connections) as pool:
        for batch in _batches(delivery, operation, first, last):
            running[pool.submit(_call, delivery, batch)] = batch
            if len(running) >= delivery.destination.connections:
                _settle_finished(delivery, running, failures)
            if failures.stop is not None:
                break
        while running:
            _settle_finished(delivery, running, failures)
    if failures.stop is not None:
        raise failures.stop


class _Failures:
    """How many calls failed in a row, and the error that stops the delivery."""

    def __init__(self) -> None:
        self.stop: AudienceflowError | None = None
        self._in_a_row = 0

    def note(self, error: AudienceflowError | None) -> None:
        self._in_a_row = 0 if error is None else self._in_a_row + 1
        at_once = isinstance(error, FatalError | QuotaError)
        if self.stop is None and error is not None and (at_once or self._in_a_row >= MAX_FAILED_IN_A_ROW):
            self.stop = error


def _batches(delivery: Delivery, operation: str, first: int, last: int) -> Iterator[Batch]:
    size = delivery.destination.batch_size
    for start in range(first, last + 1, size):
        with delivery.conn.transaction():
            batch = _take(delivery, operation, start, min(start + size - 1, last))
        if batch is None:
            continue
        delivery.progress("taken")
        yield batch


def _take(delivery: Delivery, operation: str, first: int, last: int) -> Batch | None:
    name = "ledger/take_removals" if operation == "remove" else "ledger/take"
    people = warehouse.rows(
        delivery.conn,
        name,
        {
            "audience_id": delivery.audience.audience_id,
            "purpose": delivery.destination.purpose,
            "first": first,
            "last": last,
            "operation": operation,
        },
    )
    named = [
        (person["ordinal"], _member(delivery.destination, operation, row, person)) for row, person in enumerate(people)
    ]
    if operation == "remove":
        named = [
            (ordinal, member) for ordinal, member in named if member.identifiers
        ]  # the others are settled without a call
        named = [(ordinal, Member(row, member.identifiers)) for row, (ordinal, member) in enumerate(named)]
    if not named:
        return None
    ordinals = tuple(ordinal for ordinal, _ in named)
    [(batch_id,)] = delivery.conn.execute(
        warehouse.statement("ledger/mark_sent"),
        {
            "sync_id": delivery.sync_id,
            "audience_id": delivery.audience.audience_id,
            "operation": operation,
            "ordinals": list(ordinals),
            "at": datetime.now(UTC),
            "identifiers": [orjson.dumps(dict(member.identifiers)).decode() for _, member in named],
        },
    ).fetchall()
    members = tuple(member for _, member in named)
    return Batch(batch_id, operation, ordinals, tuple(m for m in members if m.identifiers), _unusable(members))


def _member(destination: Destination, operation: str, row: int, person: Mapping[str, Any]) -> Member:
    if operation == "remove":
        return Member(row, person["identifiers"])
    fields = {name: person[name] for name in destination.fields if person[name] is not None}
    return Member(row, destination.identify(person) or {}, fields)


def _unusable(members: Sequence[Member]) -> tuple[Exceptional, ...]:
    return tuple(
        Exceptional(member.row, "rejected", "no_usable_identifier", "no identifier has the form this platform takes")
        for member in members
        if not member.identifiers
    )


def _call(delivery: Delivery, batch: Batch) -> Answer:
    if not batch.members:
        return Answer()
    call = getattr(delivery.destination, batch.operation)
    return call(delivery.audience, batch.members)


def _settle_finished(delivery: Delivery, running: dict[Future[Answer], Batch], failures: _Failures) -> None:
    finished, _ = wait(running, return_when=FIRST_COMPLETED)
    for future in finished:
        batch = running.pop(future)
        try:
            answer, error = future.result(), None
        except AudienceflowError as problem:
            answer, error = _failed(batch, problem), problem
        delivery.progress("answered")
        settle(delivery, batch, answer, error)
        delivery.progress("settled")
        failures.note(error)


def _failed(batch: Batch, error: AudienceflowError) -> Answer:
    """Everybody of a call that ended in an error: unknown when it may have been applied, else to be tried again."""
    maybe = isinstance(error, LostAnswerError) or (
        isinstance(error, RetriableError) and not isinstance(error, QuotaError)
    )
    code, kind = str(getattr(error, "code", None) or "none"), error_class(error)
    outcome = "unknown" if maybe else "retriable"
    return Answer(tuple(Exceptional(member.row, outcome, code, f"the call failed: {kind}") for member in batch.members))


def error_class(error: AudienceflowError) -> str:
    """The class of an error as the ledger keeps it: AuthError → auth, LostAnswerError → lostanswer."""
    return type(error).__name__.removesuffix("Error").lower()


def settle(delivery: Delivery, batch: Batch, answer: Answer, error: AudienceflowError | None) -> None:
    """Write one answer down, in a transaction of its own."""
    exceptions = (*batch.unusable, *answer.exceptions)
    with delivery.conn.transaction():
        warehouse.run(
            delivery.conn,
            "ledger/settle",
            {
                "audience_id": delivery.audience.audience_id,
                "batch_id": batch.batch_id,
                "operation": batch.operation,
                "ordinals": list(batch.ordinals),
                "at": datetime.now(UTC),
                "rows": [one.row for one in exceptions],
                "outcomes": [one.outcome for one in exceptions],
                "codes": [one.code for one in exceptions],
                "texts": [one.text for one in exceptions],
                "confirmed": delivery.destination.acknowledgement == "row",
                "job_id": answer.job_id,
                "request_id": answer.request_id,
                "error_class": error_class(error) if error else None,
                "error_code": getattr(error, "code", None),
            },
        )
