"""Connected components of the links in scope, by two routes that must agree, as if nothing were refused.

``sql`` contracts the graph inside Postgres; ``arrays`` hands it to scipy as packed arrays, which is ten times as
fast on millions of links (the passes out and in are most of it). Neither needs more rounds for long chains: sql's grow
with the logarithm of the records. Where a limit or a split pin may have a say, :mod:`include.identity.islands` goes on.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import psycopg
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include import warehouse
from include.identity.packed import copy_pairs, numbers, parts, places

Route = Literal["sql", "arrays"]
SQL_UP_TO = 20_000  # links; above, the statements of a dozen rounds cost more than the passes out and in


@dataclass(frozen=True)
class Graph:
    """Links in scope: record and identifier of each, as two arrays in one order, and decided pairs of records."""

    records: np.ndarray
    identifiers: np.ndarray
    pairs: np.ndarray  # two columns


def find_components(conn: psycopg.Connection, route: Route | None = None) -> Route:
    """Fill ``identity.work_component``: for each linked record in scope the smallest record id of its component, and
    ``identity.work_limited`` with the records of components in which a limit may break or that a split pin parts.

    :param route: forced by tests; otherwise chosen by the number of links.
    :returns: the route taken.
    """
    if route is None:
        edges = warehouse.rows(conn, "identity/56_scope_edges")[0]["edges"]
        route = "sql" if edges <= SQL_UP_TO else "arrays"
    if route == "sql":
        _contract(conn)
        warehouse.run(conn, "identity/67_over_limit")
    else:
        _label(conn)
    conn.execute("analyze identity.work_component, identity.work_limited")
    return route


def _contract(conn: psycopg.Connection) -> None:
    pairs = warehouse.run(conn, "identity/61_pairs")
    warehouse.run(conn, "identity/62_roots")
    conn.execute("analyze identity.work_component")
    number = 1
    while pairs:
        at = {"round": number}
        conn.execute("analyze identity.work_pair")
        warehouse.run(conn, "identity/63_hook", at)
        conn.execute("analyze identity.work_parent")
        while warehouse.run(conn, "identity/64_jump", at):
            pass
        warehouse.run(conn, "identity/65_relabel", at)
        pairs = warehouse.run(conn, "identity/66_contract", at)
        number += 1
    warehouse.run(conn, "identity/66_alone")


def _label(conn: psycopg.Connection) -> None:
    graph = _read(conn)
    nodes, record_at = places(np.concatenate([graph.records, graph.pairs.ravel()]))
    values, value_at = places(graph.identifiers)
    labels = _labels(record_at, value_at, nodes.size, values.size, graph.records.size)
    _, first, component = np.unique(labels[: nodes.size], return_index=True, return_inverse=True)
    roots = nodes[first][component]  # nodes ascend, so a component's first one is its smallest
    copy_pairs(conn, "identity/60_copy_components", nodes, roots)
    suspect = _over_limit(conn, values, labels[nodes.size :]) | _parted(conn, nodes, labels)
    if suspect:
        chosen = np.isin(labels[: nodes.size], np.fromiter(suspect, np.int64))
        copy_pairs(conn, "identity/67_copy_limited", nodes[chosen], roots[chosen])


def _read(conn: psycopg.Connection) -> Graph:
    found = [(numbers(one), numbers(two)) for one, two in parts(conn, "identity/60_packed_edges")]
    pairs = [(row["record_id"], row["other_record_id"]) for row in warehouse.rows(conn, "identity/60_decided_pairs")]
    return Graph(
        np.concatenate([one for one, _ in found]) if found else np.empty(0, np.int64),
        np.concatenate([two for _, two in found]) if found else np.empty(0, np.int64),
        np.array(pairs, np.int64).reshape(-1, 2),
    )


def _labels(record_at: np.ndarray, value_at: np.ndarray, records: int, values: int, edges: int) -> np.ndarray:
    """The component of each record (first) and identifier (behind them)."""
    size = records + values
    ends = np.concatenate([value_at + records, record_at[edges::2]])  # pairs of records stand behind the edges
    starts = np.concatenate([record_at[:edges], record_at[edges + 1 :: 2]])
    graph = coo_array((np.ones(starts.size, np.int8), (starts, ends)), shape=(size, size))
    return connected_components(graph, directed=False)[1]


def _over_limit(conn: psycopg.Connection, values: np.ndarray, labels: np.ndarray) -> set[int]:
    """Components with more values of one type than one of its limits allows in any span.

    :param values: identifiers, ascending.
    :param labels: the component of each.
    """
    found: dict[str, tuple[int, list[np.ndarray]]] = {}
    for kind, least, identifiers in parts(conn, "identity/60_packed_identifiers"):
        found.setdefault(kind, (least, []))[1].append(numbers(identifiers))
    over: set[int] = set()
    for least, packed in found.values() if values.size else ():
        here = np.concatenate(packed)
        place = np.minimum(np.searchsorted(values, here), values.size - 1)
        counts = np.bincount(labels[place[values[place] == here]])
        over.update(np.flatnonzero(counts > least).tolist())
    return over


def _parted(conn: psycopg.Connection, nodes: np.ndarray, labels: np.ndarray) -> set[int]:
    """Components that hold two records which a pin parts."""
    label_of = {}
    rows = warehouse.rows(conn, "identity/60_parted_pairs")
    for record in {end for row in rows for end in (row["record_id"], row["other_record_id"])}:
        place = int(np.searchsorted(nodes, record))
        if place < nodes.size and nodes[place] == record:
            label_of[record] = int(labels[place])
    return {
        label_of[row["record_id"]]
        for row in rows
        if row["record_id"] in label_of and label_of[row["record_id"]] == label_of.get(row["other_record_id"])
    }
