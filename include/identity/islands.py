"""Components in which a limit or a split pin has a say, stitched link by link: which links hold, which are refused.

All of such a component is met anew, whatever the night brought: so the result is that of one load of everything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import psycopg

from include import warehouse
from include.identity.limited import Clusters, Link, Refused, meet
from include.identity.packed import copy_pairs, numbers, parts, place_of
from include.identity.rules import IdentityRules

LOOKED_UP = 50_000  # records


@dataclass(frozen=True)
class Islands:
    """The records and links of all components that are stitched link by link, in the order in which the links are met.

    :param nodes: their records, ascending; the other arrays' records are places among these.
    :param met: rows of record, identifier, type, first seen (microseconds), whether a merge pin names the record.
    """

    nodes: np.ndarray
    types: Sequence[str]
    met: np.ndarray
    pins: Sequence[Link]
    links: Sequence[Link]
    splits: Sequence[Link]


def stitch_islands(conn: psycopg.Connection, rules: IdentityRules, *, at: datetime) -> int:
    """Replace the components of ``identity.work_limited`` by what limits, pins and priorities make of them; write what
    was refused, with its reason, and what no longer is.

    :returns: links refused in scope.
    """
    count = 0
    if conn.execute("select exists (select from identity.work_limited)").fetchone()[0]:
        islands = _read(conn)
        clusters = Clusters(islands.nodes.size, islands.types, rules, islands.splits)
        refused = meet(clusters, islands.pins, zip(*islands.met.T.tolist(), strict=True), islands.links)
        _write(conn, islands, clusters)
        count = len(refused)
        _copy_refused(conn, islands, refused)
    conn.execute("analyze identity.work_refused")
    for step in ("69_refused_edges", "69_refused_gone", "69_islands_gone", "69_islands_new"):
        warehouse.run(conn, f"identity/{step}")
    warehouse.run(conn, "identity/69_refused_new", {"at": at})
    return count


def _read(conn: psycopg.Connection) -> Islands:
    nodes = np.concatenate([numbers(part) for (part,) in parts(conn, "identity/68_limited_records")])
    nodes.sort()
    found = _links(conn, nodes.size)
    types: Sequence[str] = found[0][0] if found else ()
    columns = [np.stack([numbers(column) for column in packed], axis=1) for _, *packed in found]
    met = np.concatenate(columns) if columns else np.empty((0, 5), np.int64)
    met[:, 0] = place_of(nodes, met[:, 0])
    decided = warehouse.rows(conn, "identity/60_decided_pairs")
    return Islands(
        nodes, types, met,
        _among(nodes, [row for row in decided if row["kind"] == "pin"], "source_id"),
        _among(nodes, [row for row in decided if row["kind"] == "link"], "source_id"),
        _among(nodes, warehouse.rows(conn, "identity/60_parted_pairs"), "pin_id"),
    )


def _links(conn: psycopg.Connection, records: int) -> list[tuple]:
    """The packed links. Few records are looked up one by one: the planner would rather read every link there is."""
    if records > LOOKED_UP:
        return list(parts(conn, "identity/68_limited_links"))
    with conn.transaction(force_rollback=True):  # takes the settings back
        conn.execute("set local enable_hashjoin = off")
        conn.execute("set local enable_mergejoin = off")
        return list(parts(conn, "identity/68_limited_links"))


def _among(nodes: np.ndarray, rows: Sequence[dict], key: str) -> list[Link]:
    """The pairs of which both records are among the nodes, as places there, in the order given."""
    pairs = np.array([(row["record_id"], row["other_record_id"]) for row in rows], np.int64).reshape(-1, 2)
    at = place_of(nodes, pairs)
    known = (at >= 0).all(axis=1)
    return [
        Link(row[key], int(one), int(two))
        for row, (one, two), here in zip(rows, at, known, strict=True) if here
    ]


def _write(conn: psycopg.Connection, islands: Islands, clusters: Clusters) -> None:
    roots = np.fromiter(map(clusters.root, range(islands.nodes.size)), np.int64, islands.nodes.size)
    copy_pairs(conn, "identity/60_copy_components", islands.nodes, islands.nodes[roots])


def _copy_refused(conn: psycopg.Connection, islands: Islands, refused: Sequence[Refused]) -> None:
    with conn.cursor() as cursor, cursor.copy(warehouse.statement("identity/68_copy_refused")) as copy:
        for one in refused:
            copy.write_row((*_ends(islands, one), *_reason(one)))


def _ends(islands: Islands, one: Refused) -> tuple[str, int, int | None, int | None, int | None]:
    if one.kind == "identifier":
        record, identifier = islands.met[one.place, :2]
        return one.kind, int(islands.nodes[record]), int(identifier), None, None
    link = (islands.pins if one.kind == "pin" else islands.links)[one.place]
    record, other = int(islands.nodes[link.record]), int(islands.nodes[link.other])
    return one.kind, record, None, other, link.source_id


def _reason(one: Refused) -> tuple[str, str | None, int | None, str | None, int | None]:
    if one.limit is None:
        return "split pin", None, None, None, one.split_pin_id
    return "limit", one.type, one.limit.count, one.limit.per, None
