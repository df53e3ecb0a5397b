"""Connected components of the links in scope, by two routes that must agree.

``sql`` contracts the graph inside Postgres; ``arrays`` hands it to scipy as packed arrays, which is ten times as
fast on millions of links (the passes out and in are most of it). Neither needs more rounds for long chains: sql's grow
with the logarithm of the records.
"""

from typing import Literal

import numpy as np
import psycopg
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include import warehouse

Route = Literal["sql", "arrays"]
SQL_UP_TO = 20_000  # links; above, the statements of a dozen rounds cost more than the passes out and in

_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # signature, no flags, no extension (Postgres' documentation of COPY)
_COPY_ROW = np.dtype([("fields", ">i2"), ("size_a", ">i4"), ("a", ">i8"), ("size_b", ">i4"), ("b", ">i8")])
_COPY_CHUNK = 100_000  # rows


def find_components(conn: psycopg.Connection, route: Route | None = None) -> Route:
    """Fill ``identity.work_component``: for each linked record in scope the smallest record id of its component.

    :param route: forced by tests; otherwise chosen by the number of links.
    :returns: the route taken.
    """
    if route is None:
        edges = warehouse.rows(conn, "identity/56_scope_edges")[0]["edges"]
        route = "sql" if edges <= SQL_UP_TO else "arrays"
    if route == "sql":
        _contract(conn)
    else:
        _copy_back(conn, *_labelled(*_packed_edges(conn)))
    conn.execute("analyze identity.work_component")
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


def _packed_edges(conn: psycopg.Connection) -> tuple[np.ndarray, np.ndarray]:
    """Record and identifier of each link, as two arrays in one order."""
    with conn.cursor(binary=True) as cursor:
        cursor.execute(warehouse.statement("identity/60_packed_edges"))
        parts = [(np.frombuffer(records, ">i8"), np.frombuffer(identifiers, ">i8")) for records, identifiers in cursor]
    if not parts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return (np.concatenate([one for one, _ in parts]).astype(np.int64),
            np.concatenate([two for _, two in parts]).astype(np.int64))


def _labelled(records: np.ndarray, identifiers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each linked record (ascending) and the smallest record of its component."""
    if not records.size:
        return records, records
    nodes, record_at = np.unique(records, return_inverse=True)
    values, value_at = np.unique(identifiers, return_inverse=True)
    size = nodes.size + values.size
    graph = coo_array((np.ones(records.size, np.int8), (record_at, value_at + nodes.size)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    _, first, component = np.unique(labels[: nodes.size], return_index=True, return_inverse=True)
    return nodes, nodes[first][component]  # nodes ascend, so a component's first one is its smallest


def _copy_back(conn: psycopg.Connection, records: np.ndarray, roots: np.ndarray) -> None:
    with conn.cursor() as cursor, cursor.copy(warehouse.statement("identity/60_copy_components")) as copy:
        copy.write(_COPY_HEADER)
        for start in range(0, records.size, _COPY_CHUNK):
            part = slice(start, start + _COPY_CHUNK)
            rows = np.empty(records[part].size, _COPY_ROW)
            rows["fields"], rows["size_a"], rows["size_b"] = 2, 8, 8
            rows["a"], rows["b"] = records[part], roots[part]
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")
