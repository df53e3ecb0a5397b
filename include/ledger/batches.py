"""Batches of a plan as the ledger knows them: taken and written down before the calls, settled after the answers.

A person is written twice: as a line of the batch (``audience.sent``) by the statement that hands them out, and as a
member when the answer is there. Both are done for many batches in one statement and one transaction: a commit and a
round trip cost as much as the rows of several batches.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, Destination, Exceptional, KnowsRepeats, Member
from include.errors import AudienceflowError, LostAnswerError, QuotaError, RetriableError
from include.ledger.nulls import cleared_columns

Progress = Callable[[str], None]  # told after each commit; a test ends the run there
Operation = Literal["add", "update", "remove"]
COLUMNS = (  # of a person, in the order of sql/ledger/take.sql
    "email",
    "phone",
    "first_name",
    "last_name",
    "birth_on",
    "gender",
    "language",
    "country",
    "region",
    "city",
    "postcode",
)
NOBODY: dict[str, Any] = dict.fromkeys(COLUMNS)
UNUSABLE = ("no_usable_identifier", "no identifier has the form this platform takes")


def unwatched(step: str) -> None:
    """The progress of a run nobody watches."""


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
    """One call. Whom it names is in ``audience.sent``, by batch and row.

    :param unusable: who cannot be named to this platform and is not in ``members``.
    :param call: its id for a platform that knows a repeated call by it.
    """

    batch_id: int
    operation: Operation
    members: tuple[Member, ...]
    unusable: tuple[Exceptional, ...] = ()
    call: str | None = None


@dataclass(frozen=True)
class Answered:
    """A batch with what became of it.

    :param outcome: of everybody whom neither the answer nor the batch itself names; ``code`` and ``text`` tell why.
    :param error: what ended its call, if anything did.
    """

    batch: Batch
    answer: Answer
    outcome: Literal["accepted", "retriable", "unknown"] = "accepted"
    code: str | None = None
    text: str | None = None
    error: AudienceflowError | None = None


def take(delivery: Delivery, operation: Operation, first: int, last: int, *, dense: bool = False) -> list[Batch]:
    """The batches of one range of the plan, each person written down as sent. In a transaction of its own.

    :param dense: the range is a stretch of all persons in the order of their ids (see ``ledger/ranges``).

    The commit is on disk when this returns: whoever is in a call is known to the next run, whatever happens.
    """
    with delivery.conn.transaction():
        warehouse.run(delivery.conn, "ledger/by_neighbours" if dense else "ledger/by_key")
        handed_out = _hand_out(delivery, operation, first, last, dense)
        batches = list(_batches(delivery, operation, handed_out))
        if batches and isinstance(delivery.destination, KnowsRepeats):
            batches = _with_calls(delivery, operation, batches)
        if batches:
            _begin(delivery, batches)
        return [batch for batch, _ in batches]


Begun = tuple[Batch, str]  # with its identifiers as they go over the wire, as JSON, in the order of the rows


def _hand_out(delivery: Delivery, operation: Operation, first: int, last: int, dense: bool) -> list[tuple[Any, ...]]:
    destination = delivery.destination
    span = {"first_person": None, "last_person": None}
    if dense:
        [span] = warehouse.rows(delivery.conn, "ledger/span", {"first": first, "last": last})
    return delivery.conn.execute(
        warehouse.statement("ledger/take_removals" if operation == "remove" else "ledger/take"),
        {
            "audience_id": delivery.audience.audience_id,
            "purpose": destination.purpose,
            "segment": delivery.audience.segment,
            "neighbours": dense,
            **span,
            "columns": [*destination.identifiers, *destination.fields],
            "size": destination.batch_size,
            "first": first,
            "last": last,
            "operation": operation,
        },
        prepare=False,  # planned for these columns: the others are not even read
    ).fetchall()


def _batches(delivery: Delivery, operation: Operation, handed_out: Sequence[tuple[Any, ...]]) -> Iterator[Begun]:
    size = delivery.destination.batch_size
    for start in range(0, len(handed_out), size):
        rows = handed_out[start : start + size]
        if operation == "remove":
            members = tuple(Member(place, row[0]) for place, row in enumerate(rows))
        else:
            members = _members(delivery, rows)
        identifiers = orjson.dumps([member.identifiers for member in members]).decode()
        usable = tuple(member for member in members if member.identifiers)
        unusable = tuple(Exceptional(member.row, "rejected", *UNUSABLE) for member in members if not member.identifiers)
        yield Batch(rows[0][-1], operation, usable, unusable), identifiers


def _with_calls(delivery: Delivery, operation: Operation, batches: Sequence[Begun]) -> list[Begun]:
    """The batches with the ids of their calls; one that repeats a call without an answer has the id of that."""
    given = {"audience_id": delivery.audience.audience_id, "operation": operation}
    ids = [batch.batch_id for batch, _ in batches]
    repeated = warehouse.rows(delivery.conn, "ledger/repeated_calls", {**given, "batch_ids": ids})
    known = {row["batch_id"]: row["request_id"] for row in repeated}
    return [(replace(batch, call=known.get(batch.batch_id, f"msg_{batch.batch_id}")), text) for batch, text in batches]


def _members(delivery: Delivery, rows: Sequence[tuple[Any, ...]]) -> tuple[Member, ...]:
    destination = delivery.destination
    named = [(name, COLUMNS.index(name)) for name in (*destination.identifiers, *destination.fields)]
    carried = [(name, COLUMNS.index(name)) for name in destination.fields]
    clears = [(name, COLUMNS.index(name)) for name in cleared_columns(delivery.audience, destination)]
    return tuple(
        Member(
            place,
            destination.identify(_person(row, named)) or {},
            {name: value for name, column in carried if (value := row[column]) is not None},
            tuple(name for name, column in clears if row[column] is None) if clears else (),
        )
        for place, row in enumerate(rows)
    )


def _person(row: tuple[Any, ...], named: Sequence[tuple[str, int]]) -> dict[str, Any]:
    """All columns, those filled that the destination declares: a copy and a few values take a fifth of a whole row."""
    person = NOBODY.copy()
    for name, column in named:
        person[name] = row[column]
    return person


def _begin(delivery: Delivery, batches: Sequence[Begun]) -> None:
    at = datetime.now(UTC)
    with delivery.conn.cursor() as cursor:
        cursor.executemany(
            warehouse.statement("ledger/begin_batch"),
            [
                {
                    "batch_id": batch.batch_id,
                    "sync_id": delivery.sync_id,
                    "audience_id": delivery.audience.audience_id,
                    "operation": batch.operation,
                    "size": len(batch.members) + len(batch.unusable),
                    "at": at,
                    "identifiers": identifiers,
                    "request_id": batch.call,
                }
                for batch, identifiers in batches
            ],
        )


def error_class(error: AudienceflowError) -> str:
    """The class of an error as the ledger keeps it: AuthError → auth, LostAnswerError → lostanswer."""
    return type(error).__name__.removesuffix("Error").lower()


def failed_call(error: AudienceflowError) -> tuple[Literal["unknown", "retriable"], str, str]:
    """Outcome, code and text of everybody in a failed call: unknown when it may have been applied, else tried again."""
    maybe = isinstance(error, LostAnswerError) or (
        isinstance(error, RetriableError) and not isinstance(error, QuotaError)
    )
    code = str(getattr(error, "code", None) or "none")
    return "unknown" if maybe else "retriable", code, f"the call failed: {error_class(error)}"


def exceptions_as_columns(found: Sequence[Exceptional]) -> dict[str, list[Any]]:
    """Exceptions as a statement takes them."""
    return {
        "rows": [one.row for one in found],
        "outcomes": [one.outcome for one in found],
        "codes": [one.code for one in found],
        "texts": [one.text for one in found],
        "absents": [one.absent for one in found],
    }


def settle(conn: psycopg.Connection, delivery: Delivery, answered: Sequence[Answered]) -> None:
    """Write the answers to batches of one operation down, in a transaction of its own.

    Its commit is not waited for: were it lost in a crash of the database, the persons would be "sent" again, which is
    what a run that died before it leaves too.

    :param conn: any connection in autocommit mode; the plan's session is not needed.
    """
    operation = answered[0].batch.operation
    with conn.transaction():
        conn.execute("set local synchronous_commit to off")
        written = conn.execute(
            warehouse.statement("ledger/answer"),
            {
                "operation": operation,
                "at": datetime.now(UTC),
                **_calls(delivery.destination, answered),
                **_exceptions(answered),
            },
        ).fetchall()
        settle_batches(conn, operation, [batch_id for (batch_id,) in written])


def settle_batches(conn: psycopg.Connection, operation: str, batch_ids: Sequence[int]) -> None:
    """Bring the members of answered batches to what was answered. Runs inside the caller's transaction."""
    given = {"batch_ids": list(batch_ids)}
    warehouse.run(conn, "ledger/by_key")
    warehouse.run(conn, "ledger/settle_removals" if operation == "remove" else "ledger/settle", given)
    warehouse.run(conn, "ledger/drop_identifiers", given)


def _is_final(destination: Destination, answer: Answer) -> bool:
    """Whether nothing more will be told: the answer names its rows, or there is no job to ask about."""
    waits = answer.job_id is not None or destination.acknowledgement == "none"
    return destination.acknowledgement == "row" or not waits


def _exceptions(answered: Sequence[Answered]) -> dict[str, list[Any]]:
    found = [
        (one.batch.batch_id, exceptional)
        for one in answered
        for exceptional in (*one.batch.unusable, *one.answer.exceptions)
    ]
    return {
        "exceptions": [batch_id for batch_id, _ in found],
        **exceptions_as_columns([one for _, one in found]),
    }


def _calls(destination: Destination, answered: Sequence[Answered]) -> dict[str, list[Any]]:
    return {
        "batch_ids": [one.batch.batch_id for one in answered],
        "batch_outcomes": [one.outcome for one in answered],
        "batch_codes": [one.code for one in answered],
        "batch_texts": [one.text for one in answered],
        "job_ids": [one.answer.job_id for one in answered],
        "request_ids": [one.answer.request_id for one in answered],
        "finals": [_is_final(destination, one.answer) for one in answered],
        "error_classes": [error_class(one.error) if one.error else None for one in answered],
    }
