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
from include.identity.packed import copy_pairs, numbers, parts, place_of, places
from include.identity.rules import IdentityRules

Route = Literal["sql", "arrays"]
SQL_UP_TO = 1_000  # records in scope; above, the statements of a dozen rounds cost more than the passes out and in


@dataclass(frozen=True)
class Graph:
    """Links in scope: record and identifier of each, as two arrays in one order, and decided pairs of records."""

    records: np.ndarray
    identifiers: np.ndarray
    pairs: np.ndarray  # two columns


def find_components(
    conn: psycopg.Connection, rules: IdentityRules, route: Route | None = None, *, everybody: bool = False
) -> Route:
    """Fill ``identity.work_component``: for each linked record in scope the smallest record id of its component.
    Records of components in which a limit may break, or that a split pin parts, go to ``identity.work_limited``.

    :param route: forced by tests; otherwise chosen by the number of records.
    :param everybody: all records are in scope.
    :returns: the route taken.
    """
    if route is None and everybody:
        route = "arrays"
    elif route is None:
        records = warehouse.rows(conn, "identity/56_scope_size")[0]["records"]
        route = "sql" if records <= SQL_UP_TO else "arrays"
    if route == "sql":
        _contract(conn)
        if warehouse.run(conn, "identity/67_over_limit"):
            warehouse.run(conn, "identity/68_forget_limited")
    else:
        _label(conn, rules, everybody)
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


def _label(conn: psycopg.Connection, rules: IdentityRules, everybody: bool) -> None:
    graph = _read(conn, everybody)
    nodes, record_at = places(np.concatenate([graph.records, graph.pairs.ravel()]))
    values, value_at = places(graph.identifiers)
    labels = _labels(record_at, value_at, nodes.size, values.size, graph.records.size)
    of_record = labels[: nodes.size]
    first = np.zeros(labels.max(initial=-1) + 1, np.int64)
    first[of_record[::-1]] = nodes[::-1]  # what is written last stays: a component's smallest record
    limited = np.zeros(first.size, np.bool_)
    _mark_over_limit(conn, rules, values, labels[nodes.size :], limited, everybody)
    _mark_parted(conn, nodes, of_record, limited)
    chosen, roots = limited[of_record], first[of_record]
    copy_pairs(conn, "identity/60_copy_components", nodes[~chosen], roots[~chosen])
    if chosen.any():
        copy_pairs(conn, "identity/67_copy_limited", nodes[chosen], roots[chosen])


def _read(conn: psycopg.Connection, everybody: bool) -> Graph:
    name = "identity/60_packed_edges_all" if everybody else "identity/60_packed_edges"
    found = [(numbers(one), numbers(two)) for one, two in parts(conn, name)]
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


def _mark_over_limit(
    conn: psycopg.Connection,
    rules: IdentityRules,
    values: np.ndarray,
    labels: np.ndarray,
    limited: np.ndarray,
    everybody: bool,
) -> None:
    """Mark components with more values of one type than one of its limits allows in any span.

    :param values: identifiers, ascending; ``labels`` has the component of each.
    :param limited: whether the component of each number is to be stitched link by link.
    """
    if not values.size or not any(one.limits for one in rules.identifiers):
        return
    name = "identity/60_packed_identifiers_all" if everybody else "identity/60_packed_identifiers"
    asked = None if everybody else {"identifiers": values.tolist()}
    found: dict[str, list[np.ndarray]] = {}
    for kind, identifiers in parts(conn, name, asked):
        found.setdefault(kind, []).append(numbers(identifiers))
    for kind, packed in found.items():
        limits = rules.of_type(kind).limits
        if limits:
            place = place_of(values, np.concatenate(packed))
            counts = np.bincount(labels[place[place >= 0]], minlength=limited.size)
            limited |= counts > min(limit.count for limit in limits)


def _mark_parted(conn: psycopg.Connection, nodes: np.ndarray, labels: np.ndarray, limited: np.ndarray) -> None:
    """Mark components that hold two records which a pin parts."""
    rows = warehouse.rows(conn, "identity/60_parted_pairs")
    pairs = np.array([(row["record_id"], row["other_record_id"]) for row in rows], np.int64).reshape(-1, 2)
    place = place_of(nodes, pairs)
    one, two = labels[place[(place >= 0).all(axis=1)]].reshape(-1, 2).T
    limited[one[one == two]] = True
