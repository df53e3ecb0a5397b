"""The shortest chain between records of one component, over packed arrays: a component of thousands is one look."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
import psycopg
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from include import warehouse

DROPPED = 1_000_000.0  # a chain over one dropped link is longer than any over links that join


@dataclass(frozen=True)
class Links:
    """Links of records to identifiers, as three arrays in one order. A pin or an accepted match is an identifier
    of its own here, with a negative number."""

    records: np.ndarray
    identifiers: np.ndarray
    dropped: np.ndarray

    def __len__(self) -> int:
        return int(self.records.size)


@dataclass(frozen=True)
class Node:
    """A record or an identifier, by its number in the warehouse."""

    is_record: bool
    number: int


def links_of(conn: psycopg.Connection, persons: Sequence[UUID], records: Sequence[int] = ()) -> Links:
    """Every link, dropped ones too, of the records of some persons and of some records besides."""
    with conn.cursor(binary=True) as cursor:
        cursor.execute(
            warehouse.statement("explain/component_edges"), {"persons": list(persons), "records": list(records)}
        )
        packed = cursor.fetchone()
    if packed is None or packed[0] is None:
        return Links(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, bool))
    return Links(
        np.frombuffer(packed[0], ">i8").astype(np.int64),
        np.frombuffer(packed[1], ">i8").astype(np.int64),
        np.frombuffer(packed[2], np.uint8).astype(bool),
    )


def joined(one: Links, two: Links) -> Links:
    """Both, as one."""
    return Links(
        np.concatenate([one.records, two.records]),
        np.concatenate([one.identifiers, two.identifiers]),
        np.concatenate([one.dropped, two.dropped]),
    )


def shortest(links: Links, starts: Sequence[Node], ends: Sequence[Node]) -> list[Node]:
    """The shortest chain from any start to any end, ends included; links that join come before any that is dropped.

    :returns: records and identifiers in turn; empty when there is no chain.
    """
    nodes, record_at = np.unique(links.records, return_inverse=True)
    values, value_at = np.unique(links.identifiers, return_inverse=True)
    size = nodes.size + values.size
    places = {True: (nodes, 0), False: (values, nodes.size)}
    sources, targets = _places(starts, places), _places(ends, places)
    if not len(sources) or not len(targets):
        return []
    weights = np.where(links.dropped, DROPPED, 1.0)
    graph = csr_array((weights, (record_at, value_at + nodes.size)), shape=(size, size))
    far, before, _ = dijkstra(graph, directed=False, indices=sources, return_predecessors=True, min_only=True)
    end = int(targets[np.argmin(far[targets])])
    if not np.isfinite(far[end]):
        return []
    walk = [end]
    while before[walk[-1]] >= 0:
        walk.append(int(before[walk[-1]]))
    return [
        Node(True, int(nodes[at])) if at < nodes.size else Node(False, int(values[at - nodes.size]))
        for at in reversed(walk)
    ]


def _places(wanted: Sequence[Node], places: dict[bool, tuple[np.ndarray, int]]) -> np.ndarray:
    found = []
    for node in wanted:
        numbers, offset = places[node.is_record]
        at = int(np.searchsorted(numbers, node.number))
        if at < numbers.size and numbers[at] == node.number:
            found.append(at + offset)
    return np.array(sorted(set(found)), dtype=np.int64)
