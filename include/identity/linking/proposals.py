"""Golden records that may be one person: found, kept, decided. What is accepted becomes the weakest of all links."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import psycopg
import pyarrow as pa
from psycopg.types.json import Jsonb

from include import warehouse
from include.errors import AudienceflowError, FatalError
from include.identity.linking.blocking import Pairs
from include.identity.linking.fields import Field
from include.identity.linking.link import Linked, link
from include.identity.linking.model import details, labels
from include.identity.linking.workbench import workbench

FIELDS = (
    Field("first_name", "given"),
    Field("last_name", "family"),
    Field("birth_on", "date"),
    Field("postcode", "code"),
    Field("city", "text"),
    Field("region", "category"),
    Field("country", "category"),
    Field("gender", "category"),
    Field("phone", "code"),
    Field("mailbox", "text"),
)
FEWEST = 50  # persons; fewer teach a model nothing
PAGE = 50_000  # persons read at a time


class ProposalError(AudienceflowError):
    """A proposal that does not exist, or about which something else has been decided."""


@dataclass(frozen=True)
class Proposed:
    """What one run did, in proposals but for ``persons`` and ``pairs``."""

    persons: int
    pairs: int
    found: int
    open: int
    accepted: int
    superseded: int
    model_version: str | None


def propose(
    conn: psycopg.Connection, *, folder: Path, at: datetime, accept: bool = False, fields: tuple[Field, ...] = FIELDS
) -> Proposed:
    """Look for persons that are one, and keep what is found. In one transaction; safe to repeat.

    Memory is bounded by the workbench and by the pairs a person may have; nothing leaves this machine.

    :param folder: for what does not fit in memory; holds personal data while the run lasts.
    :param accept: turn what holds at the stricter threshold into links, which the next build_persons follows.
    """
    with conn.transaction(), workbench(folder) as bench:
        ids, table = _golden(conn, fields)
        if table.num_rows < FEWEST:
            return Proposed(table.num_rows, 0, 0, 0, 0, 0, None)
        try:
            linked = link(bench, table, fields)
        except FatalError:
            return Proposed(table.num_rows, 0, 0, 0, 0, 0, None)
        found = _explained(bench, linked, spanning(linked))
        return _kept(conn, linked, ids, found, at=at, accept=accept)


def spanning(linked: Linked) -> Pairs:
    """The fewest pairs that hold every person together, the surest ones: with n rows a person, n - 1 pairs.

    What is sure is held together by itself, so that it stands when the rest is rejected.
    """
    left, right = linked.pairs.left, linked.pairs.right
    inside = np.flatnonzero(linked.persons[left] == linked.persons[right])
    sure = linked.sure[left[inside]] == linked.sure[right[inside]]
    order = inside[np.lexsort((right[inside], left[inside], -linked.weights[inside], ~sure))]
    root = np.arange(len(linked.persons))

    def top(row: int) -> int:
        while root[row] != row:
            root[row] = root[root[row]]
            row = root[row]
        return row

    kept = []
    for place in order:
        one, two = top(left[place]), top(right[place])
        if one != two:
            root[max(one, two)] = min(one, two)
            kept.append(place)
    chosen = np.array(sorted(kept, key=lambda place: (left[place], right[place])), np.int64)
    return Pairs(left[chosen], right[chosen], chosen)


def accept(conn: psycopg.Connection, proposal_id: int, *, who: str, at: datetime, why: str | None = None) -> None:
    """Take two persons for one from the next build_persons on.

    :raises ProposalError: it is not open, or a link between the two stands already.
    """
    try:
        with conn.transaction():
            done = warehouse.run(
                conn, "proposals/accept", {"proposal_ids": [proposal_id], "who": who, "at": at, "why": why}
            )
    except psycopg.errors.UniqueViolation:
        raise ProposalError(f"Proposal {proposal_id}: these two records have been linked before.") from None
    if not done:
        raise _not_done(conn, proposal_id)


def reject(conn: psycopg.Connection, proposal_id: int, *, who: str, at: datetime, why: str) -> None:
    """Keep two persons two and never propose them again; a link that was accepted is withdrawn.

    :raises ProposalError: there is no such proposal, or it was rejected before.
    """
    if not warehouse.run(conn, "proposals/reject", {"proposal_id": proposal_id, "who": who, "at": at, "why": why}):
        raise _not_done(conn, proposal_id)


def listed(conn: psycopg.Connection, *, state: str | None, most: int) -> list[dict[str, Any]]:
    """Proposals in a state (None: all), the surest first."""
    return warehouse.rows(conn, "proposals/listed", {"state": state, "most": most})


def one(conn: psycopg.Connection, proposal_id: int) -> dict[str, Any]:
    """A proposal with everything that speaks for and against it.

    :raises ProposalError: there is no such proposal.
    """
    found = warehouse.rows(conn, "proposals/one", {"proposal_id": proposal_id})
    if not found:
        raise ProposalError(f"There is no proposal {proposal_id}; `identity proposals list` names those there are.")
    return found[0]


def _not_done(conn: psycopg.Connection, proposal_id: int) -> ProposalError:
    state = one(conn, proposal_id)["state"]
    return ProposalError(f"Proposal {proposal_id} is {state}; nothing was changed.")


def _golden(conn: psycopg.Connection, fields: tuple[Field, ...]) -> tuple[list[Any], pa.Table]:
    """Person ids, and their golden records in the same order."""
    ids: list[Any] = []
    names = [field.name for field in fields]
    pages = []
    for rows in _pages(conn):
        ids += [row[0] for row in rows]
        columns = zip(*rows, strict=True)
        next(columns)
        pages.append(pa.table([pa.array(column, pa.string()) for column in columns], names=names))
    if not pages:
        pages = [pa.table({name: pa.array([], pa.string()) for name in names})]
    table = pa.concat_tables(pages)
    places = pa.array(np.arange(table.num_rows))
    return ids, table.append_column("row", places).append_column("source", pa.array(np.zeros(table.num_rows, np.int64)))


def _pages(conn: psycopg.Connection) -> Iterator[list[tuple[Any, ...]]]:
    with conn.cursor(name="golden_records") as cursor:
        cursor.execute(warehouse.statement("proposals/persons"))
        while rows := cursor.fetchmany(PAGE):
            yield rows


@dataclass(frozen=True)
class _Found:
    """A pair of rows, its weight, and what each comparison added to it."""

    left: int
    right: int
    weight: float
    parts: list[dict[str, Any]]
    sure: bool


def _explained(bench: duckdb.DuckDBPyConnection, linked: Linked, tree: Pairs) -> list[_Found]:
    if not len(tree):
        return []
    said, names = details(bench, linked.model, tree), labels(linked.model)
    found = []
    for place, (left, right, pair) in enumerate(zip(tree.left, tree.right, tree.free, strict=True)):
        weight = float(linked.weights[pair])
        parts = [
            {
                "comparison": name,
                "level": int(said[f"level/{name}"][place]),
                "label": names[name][int(said[f"level/{name}"][place])],
                "weight": round(float(said[f"weight/{name}"][place]) * linked.calibration.slope, 3),
            }
            for name in names
        ]
        sure = bool(linked.sure[left] == linked.sure[right])
        found.append(_Found(int(left), int(right), round(weight, 4), parts, sure))
    return found


def _kept(
    conn: psycopg.Connection, linked: Linked, ids: list[Any], found: list[_Found], *, at: datetime, accept: bool
) -> Proposed:
    version = linked.model.version
    warehouse.run(
        conn,
        "proposals/10_model",
        {
            "model_version": version,
            "settings": Jsonb(linked.model.settings),
            "labels": Jsonb(labels(linked.model)),
            "at": at,
            "persons": len(linked.persons),
            "pairs": len(linked.pairs),
            "shift": linked.calibration.shift,
            "slope": linked.calibration.slope,
            "propose_from": linked.cut,
            "accept_from": linked.sure_cut,
            "expected_precision": linked.expected_precision,
            "expected_recall": linked.expected_recall,
        },
    )
    conn.execute("truncate identity.work_proposal")
    with conn.cursor() as cursor, cursor.copy(warehouse.statement("proposals/copy_found")) as copy:
        for pair in found:
            likely = round(1 / (1 + 2.0**-pair.weight), 6)
            copy.write_row((ids[pair.left], ids[pair.right], pair.weight, likely, Jsonb(pair.parts), pair.sure))
    conn.execute("analyze identity.work_proposal")
    kept = warehouse.run(conn, "proposals/20_proposed", {"model_version": version, "at": at})
    gone = warehouse.run(conn, "proposals/30_superseded", {"at": at})
    accepted = 0
    if accept:
        sure = [row["proposal_id"] for row in warehouse.rows(conn, "proposals/40_sure", {"at": at})]
        by = {"who": f"threshold of model {version}", "at": at, "why": None}
        accepted = warehouse.run(conn, "proposals/accept", {"proposal_ids": sure, **by})
    return Proposed(len(linked.persons), len(linked.pairs), len(found), kept - accepted, accepted, gone, version)
