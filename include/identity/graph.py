"""The graph of one person as a picture needs it: records, identifiers, links, in an order with few crossings."""

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.identity.explain import Show
from include.identity.ties import Tie, refusal, ties_of

MOST_RECORDS = 150  # more rows than that nobody reads
SWEEPS = 24  # of ordering one column by the other; a dozen are enough for most


@dataclass(frozen=True)
class RecordNode:
    """A record; ``elsewhere``: of another person, named by a pin."""

    label: str
    stream: str
    first_seen_at: datetime | None
    elsewhere: bool = False


@dataclass(frozen=True)
class IdentifierNode:
    """An identifier; ``blocked``: why it joins nobody at all. ``carried_by`` so many records of anybody."""

    type: str
    label: str
    blocked: str | None
    carried_by: int


@dataclass(frozen=True)
class Line:
    """A link of a record to an identifier; ``why_not`` set: it does not hold."""

    record: int
    identifier: int
    why_not: str | None


@dataclass(frozen=True)
class Graph:
    """One person, top to bottom.

    :param of_records: records of the person, also those beyond ``MOST_RECORDS``.
    :param ties: pins and accepted proposals with both records in the picture, by their places in ``records``.
    """

    person_id: UUID
    records: tuple[RecordNode, ...]
    identifiers: tuple[IdentifierNode, ...]
    lines: tuple[Line, ...]
    ties: tuple[tuple[Tie, int, int], ...]
    of_records: int


def graph_of(conn: psycopg.Connection, person_id: UUID, *, show: Show = mask.identifier) -> Graph:
    """The graph of a person of today."""
    rows = warehouse.rows(conn, "explain/person_edges", {"person_id": person_id, "most": MOST_RECORDS})
    counted = warehouse.rows(conn, "explain/person_size", {"person_id": person_id})
    records: dict[int, RecordNode] = {row["record_id"]: _record(row) for row in rows}
    identifiers = {row["identifier_id"]: _identifier(row, show) for row in rows if row["identifier_id"] is not None}
    links = [
        (row["record_id"], row["identifier_id"], _why_not(row)) for row in rows if row["identifier_id"] is not None
    ]
    ties = [tie for tie in ties_of(conn, [person_id]) if tie.undone_at is None and None not in tie.records]
    for tie in ties:
        for number, label, whose in zip(tie.records, (tie.a, tie.b), tie.persons, strict=True):
            stream = label.partition(":")[0]
            records.setdefault(number, RecordNode(label, stream, None, elsewhere=whose != person_id))
    record_order, identifier_order = _order(list(records), list(identifiers), links)
    at, value_at = _places(record_order), _places(identifier_order)
    return Graph(
        person_id,
        tuple(records[number] for number in record_order),
        tuple(identifiers[number] for number in identifier_order),
        tuple(Line(at[record], value_at[value], why_not) for record, value, why_not in links),
        tuple((tie, at[tie.records[0]], at[tie.records[1]]) for tie in ties),
        counted[0]["records"] if counted else 0,
    )


def _record(row: Mapping[str, Any]) -> RecordNode:
    return RecordNode(f"{row['stream']}:{mask.key(row['record_key'])}", row["stream"], row["first_seen_at"])


def _identifier(row: Mapping[str, Any], show: Show) -> IdentifierNode:
    return IdentifierNode(row["type"], show(row["type"], row["value"]), row["blocked_reason"], row["carried_by"])


def _why_not(row: Mapping[str, Any]) -> str | None:
    return row["blocked_reason"] or refusal(row) or row["dropped_reason"]


def _places(order: Sequence[int]) -> dict[int, int]:
    return {number: place for place, number in enumerate(order)}


def _order(
    records: list[int], identifiers: list[int], links: Sequence[tuple[int, int, str | None]]
) -> tuple[list[int], list[int]]:
    """Each column sorted by the mean place of its neighbours in the other, until nothing gets better.

    The barycentre rule of Sugiyama, Tagawa and Toda (1981); of all sweeps the order with the fewest crossings is kept.
    """
    values_of: dict[int, list[int]] = {number: [] for number in records}
    records_of: dict[int, list[int]] = {number: [] for number in identifiers}
    for record, value, _ in links:
        values_of[record].append(value)
        records_of[value].append(record)
    identifiers = _by_neighbours(identifiers, records_of, records)
    best, fewest = (records, identifiers), _crossings(records, identifiers, links)
    for _ in range(SWEEPS):
        records = _by_neighbours(records, values_of, identifiers)
        identifiers = _by_neighbours(identifiers, records_of, records)
        crossings = _crossings(records, identifiers, links)
        if crossings < fewest:
            best, fewest = (records, identifiers), crossings
    return best


def _by_neighbours(column: list[int], neighbours: Mapping[int, list[int]], other: Sequence[int]) -> list[int]:
    at = _places(other)
    here = _places(column)
    last = len(other)  # what has no neighbour goes to the end

    def middle(number: int) -> float:
        near = [at[one] for one in neighbours[number]]
        return sum(near) / len(near) if near else last

    return sorted(column, key=lambda number: (middle(number), here[number]))


def _crossings(records: Sequence[int], identifiers: Sequence[int], links: Sequence[tuple[int, int, str | None]]) -> int:
    """How many pairs of links cross: inversions of the identifiers' places in the order of the records'."""
    at, value_at = _places(records), _places(identifiers)
    ends = [value for _, value in sorted((at[record], value_at[value]) for record, value, _ in links)]
    crossed, seen = 0, []
    for end in ends:
        crossed += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return crossed
