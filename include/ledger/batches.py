"""Batches of a plan as the ledger knows them: taken and written down before the calls, settled after the answers.

Both are done for many batches in one statement and one transaction: a commit and a round trip cost as much as the rows
of several batches.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, Destination, Exceptional, Member
from include.errors import AudienceflowError

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
    """One call.

    :param people: its rows of ``ledger/take``: the keys in the ledger, in the order of the call.
    :param unusable: who cannot be named to this platform and is not in ``members``.
    """

    batch_id: int
    operation: str
    people: Sequence[Mapping[str, Any]]
    members: tuple[Member, ...]
    unusable: tuple[Exceptional, ...] = ()


@dataclass(frozen=True)
class Answered:
    """A batch with what became of it; ``error`` is what ended its call, if one did."""

    batch: Batch
    answer: Answer
    error: AudienceflowError | None = None


def take(delivery: Delivery, operation: str, first: int, last: int) -> list[Batch]:
    """The batches of one range of the plan, each person written down as sent. In a transaction of its own.

    The commit is on disk when this returns: whoever is in a call is known to the next run, whatever happens.
    """
    with delivery.conn.transaction():
        people = warehouse.rows(
            delivery.conn,
            "ledger/take_removals" if operation == "remove" else "ledger/take",
            {
                "audience_id": delivery.audience.audience_id,
                "purpose": delivery.destination.purpose,
                "first": first,
                "last": last,
                "operation": operation,
            },
        )
        groups = _groups(delivery.destination, operation, people)
        return _written_down(delivery, operation, groups) if groups else []


Group = tuple[Sequence[Mapping[str, Any]], list[Member]]  # the same people, in the ledger and for the call


def _groups(destination: Destination, operation: str, people: Sequence[Mapping[str, Any]]) -> list[Group]:
    if operation == "remove":  # who has nothing left to remove is settled without a call
        people = [person for person in people if person["identifiers"]]
    size = destination.batch_size
    parts = [people[start : start + size] for start in range(0, len(people), size)]
    return [(part, [_member(destination, operation, row, one) for row, one in enumerate(part)]) for part in parts]


def _member(destination: Destination, operation: str, row: int, person: Mapping[str, Any]) -> Member:
    if operation == "remove":
        return Member(row, person["identifiers"])
    fields = {name: person[name] for name in destination.fields if person[name] is not None}
    return Member(row, destination.identify(person) or {}, fields)


def _written_down(delivery: Delivery, operation: str, groups: Sequence[Group]) -> list[Batch]:
    [(batch_ids,)] = delivery.conn.execute(
        warehouse.statement("ledger/mark_sent"),
        {
            "sync_id": delivery.sync_id,
            "audience_id": delivery.audience.audience_id,
            "operation": operation,
            "at": datetime.now(UTC),
            "sizes": [len(people) for people, _ in groups],
            "numbers": _array(number for number, (people, _) in enumerate(groups, 1) for _ in people),
            "ordinals": _array(person["ordinal"] for people, _ in groups for person in people),
            "identifiers": orjson.dumps([member.identifiers for _, members in groups for member in members]).decode(),
        },
    ).fetchall()
    return [
        Batch(batch_id, operation, people, tuple(one for one in members if one.identifiers), _unusable(members))
        for batch_id, (people, members) in zip(batch_ids, groups, strict=True)
    ]


def _array(values: Iterable[int | str]) -> str:
    """Numbers or ids as the text of a Postgres array; the driver takes ten times as long for as many values."""
    return "{" + ",".join(map(str, values)) + "}"


def _unusable(members: Sequence[Member]) -> tuple[Exceptional, ...]:
    return tuple(
        Exceptional(member.row, "rejected", "no_usable_identifier", "no identifier has the form this platform takes")
        for member in members
        if not member.identifiers
    )


def error_class(error: AudienceflowError) -> str:
    """The class of an error as the ledger keeps it: AuthError → auth, LostAnswerError → lostanswer."""
    return type(error).__name__.removesuffix("Error").lower()


def settle(conn: psycopg.Connection, delivery: Delivery, answered: Sequence[Answered]) -> None:
    """Write the answers to batches of one operation down, in a transaction of its own.

    Its commit is not waited for: were it lost in a crash of the database, the persons would be "sent" again, which is
    what a run that died before it leaves too.

    :param conn: any connection in autocommit mode; the plan's session is not needed.
    """
    with conn.transaction():
        conn.execute("set local synchronous_commit to off")
        warehouse.run(
            conn,
            "ledger/settle",
            {
                "audience_id": delivery.audience.audience_id,
                "operation": answered[0].batch.operation,
                "confirmed": delivery.destination.acknowledgement == "row",
                "at": datetime.now(UTC),
                **_people(answered),
                **_exceptions(answered),
                **_calls(answered),
            },
        )


def _people(answered: Sequence[Answered]) -> dict[str, Any]:
    people = [person for one in answered for person in one.batch.people]
    return {
        "persons": _array(person["person_id"] for person in people),
        "hashes": _array(person["identifier_hash"] for person in people),
        "versions": orjson.dumps([person["segment_version"] for person in people]).decode(),
        "kept": orjson.dumps([person["kept"] for person in people]).decode(),
        "of_batches": _array(one.batch.batch_id for one in answered for _ in one.batch.people),
        "places": _array(place for one in answered for place in range(len(one.batch.people))),
    }


def _exceptions(answered: Sequence[Answered]) -> dict[str, list[Any]]:
    found = [
        (one.batch.batch_id, exceptional)
        for one in answered
        for exceptional in (*one.batch.unusable, *one.answer.exceptions)
    ]
    return {
        "batches": [batch_id for batch_id, _ in found],
        "rows": [one.row for _, one in found],
        "outcomes": [one.outcome for _, one in found],
        "codes": [one.code for _, one in found],
        "texts": [one.text for _, one in found],
    }


def _calls(answered: Sequence[Answered]) -> dict[str, list[Any]]:
    return {
        "batch_ids": [one.batch.batch_id for one in answered],
        "job_ids": [one.answer.job_id for one in answered],
        "request_ids": [one.answer.request_id for one in answered],
        "error_classes": [error_class(one.error) if one.error else None for one in answered],
        "error_codes": [getattr(one.error, "code", None) for one in answered],
    }
