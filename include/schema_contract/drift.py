"""Hold a stream's open batches against its contract: find what changed, decide by the terms, set records aside, say it.

``freeze`` stops the batch until the source is mended or somebody accepts the change. ``discard`` keeps what is wrong
from staging and lets the rest go on: a new column is not learned, a record with a kind of value the column never had,
or that landed without a column its stream always had, is set aside. ``evolve`` learns the change and tells it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.schema_contract import names
from include.schema_contract.columns import observe, part_steps
from include.schema_contract.terms import Kind, Mode, Terms

KINDS: tuple[Kind, ...] = ("new_column", "lost_column", "changed_type")
LEAST_ROWS = 50  # a column is not lost before so many records lack it …
EXPECTED_ROWS = 20  # … of which so many would have it, by its share so far (by chance: once in 500 million)
NAMED = 5  # changes that a text names one by one
LISTED = 50  # and a result of a check; all stand in ops.schema_drift
SEVERITY = {"evolve": "info", "freeze": "critical", "discard": "warning"}
STATE = {"evolve": "evolved", "freeze": "open", "discard": "discarded"}


@dataclass(frozen=True)
class Drift:
    """One change of one column.

    :param expected: types known before, ``string or number``; empty for a new column.
    :param found: type found; empty for a lost column.
    :param rows: records of the open batches that show it, of ``of_rows`` that could.
    :param after_batch_id: a lost column was last seen in this open batch; 0: in none.
    :param name: the path as it may be told; ``path`` is for the warehouse alone.
    """

    kind: Kind
    part: str
    path: str
    steps: tuple[str, ...]
    expected: str
    found: str
    rows: int
    of_rows: int
    batch_id: int
    after_batch_id: int
    first_seen_at: datetime
    mode: Mode
    name: str

    @property
    def text(self) -> str:
        """What happened, with counts and names only."""
        name = f"{self.name} ({self.part})" if self.part else self.name
        since = f"first seen {self.first_seen_at:%Y-%m-%d %H:%M} UTC"
        if self.kind == "new_column":
            return f"{name} is new ({self.found}) in {self.rows:,} of {self.of_rows:,} records, {since}"
        if self.kind == "lost_column":
            return f"{name} is gone from all {self.rows:,} records (it was {self.expected or 'empty'}), {since}"
        return f"{name} is {self.found} in {self.rows:,} of {self.of_rows:,} records, expected {self.expected}, {since}"


def find(
    conn: psycopg.Connection,
    stream: str,
    batch_ids: Sequence[int],
    parts: Mapping[str, Terms],
    deleted: Sequence[str] | None,
) -> list[Drift]:
    """What changed in the open batches of a stream; joins the caller's transaction. Nothing is decided yet."""
    if not batch_ids:
        return []
    observe(conn, stream, batch_ids, parts, deleted)
    found = warehouse.rows(
        conn,
        "contract/find_drift",
        {"stream": stream, "batch_ids": list(batch_ids), "least_rows": LEAST_ROWS, "expected_rows": EXPECTED_ROWS},
    )
    named = [(row, parts.get(row["part"], Terms())) for row in found]  # of a file whose mapping is gone: the defaults
    return [_drift(row, terms) for row, terms in named if terms.is_closed(row["steps"][:-1])]


def _drift(row: Mapping[str, Any], terms: Terms) -> Drift:
    told_as = names.told(row["steps"], terms.reads)
    return Drift(**{**row, "steps": tuple(row["steps"])}, mode=terms.mode(row["kind"], row["steps"]), name=told_as)


def record(conn: psycopg.Connection, stream: str, drifts: Sequence[Drift]) -> None:
    """Write down what was found, in ``ops.schema_drift``; what is not found any more is over."""
    rows = [
        {
            "part": one.part,
            "path": one.path,
            "kind": one.kind,
            "expected": one.expected,
            "found": one.found,
            "mode": one.mode,
            "state": STATE[one.mode],
            "rows": one.rows,
            "of_rows": one.of_rows,
            "batch_id": one.batch_id,
            "first_seen_at": one.first_seen_at.isoformat(),
        }
        for one in drifts
    ]
    warehouse.run(conn, "contract/record_drift", {"stream": stream, "drift": Jsonb(rows)})


def hold(conn: psycopg.Connection, stream: str, batch_ids: Sequence[int], drifts: Sequence[Drift], kind: Kind) -> int:
    """Set aside the records that a discarded change of this kind concerns; needs the name ``candidate``."""
    held = 0
    for one in drifts:
        if one.mode != "discard" or one.kind != kind or kind == "new_column":
            continue
        reason = (
            f"The column {one.name} came as {one.found}; {one.expected} is known."
            if kind == "changed_type"
            else f"The column {one.name} is gone from the source."
        )
        held += warehouse.run(
            conn,
            "contract/hold",
            {
                "stream": stream,
                "batch_ids": list(batch_ids),
                "rule": rule_of(kind),
                "reason": reason,
                "part_steps": part_steps(stream),
                "part": one.part,
                "steps": list(one.steps),
                "found": one.found,
                "after_batch_id": one.after_batch_id,
            },
        )
    return held


def rule_of(kind: Kind) -> str:
    """How check results and quarantine call a kind of change."""
    return f"contract_{kind}"


def problem(stream: str, drifts: Sequence[Drift], batch_id: int | None) -> str | None:
    """The text of a broken contract; None: nothing that happened stops the batch."""
    frozen = [one for one in drifts if one.mode == "freeze"]
    if not frozen:
        return None
    return (
        f"{stream}: the schema contract is broken by {len(frozen)} {'change' if len(frozen) == 1 else 'changes'}: "
        f"{told(frozen)}. Have the source mended, or accept: bin/audienceflow schema accept {stream}. "
        f"Full result: ops.schema_drift, batch {batch_id}."
    )


def told(drifts: Sequence[Drift]) -> str:
    """The first changes in words, and how many more there are."""
    more = f"; and {len(drifts) - NAMED:,} more" if len(drifts) > NAMED else ""
    return "; ".join(one.text for one in drifts[:NAMED]) + more


def results(drifts: Sequence[Drift], checked_rows: int) -> list[dict[str, Any]]:
    """One check result a kind of change; its severity is the gravest of what happened."""
    return [_result(kind, [one for one in drifts if one.kind == kind], checked_rows) for kind in KINDS]


def _result(kind: Kind, drifts: Sequence[Drift], checked_rows: int) -> dict[str, Any]:
    modes = {one.mode for one in drifts}
    gravest: Mode = next((mode for mode in ("freeze", "discard", "evolve") if mode in modes), "evolve")
    return {
        "rule": rule_of(kind),
        "column_name": ", ".join(one.name for one in drifts[:NAMED]) or None,
        "severity": SEVERITY[gravest],
        "passed": not drifts,
        "checked_rows": checked_rows,
        "failed_rows": max((one.rows for one in drifts), default=0),
        "details": {
            "changes": [
                {
                    "path": one.name,
                    "text": one.text,
                    "part": one.part,
                    "expected": one.expected,
                    "found": one.found,
                    "rows": one.rows,
                    "of_rows": one.of_rows,
                    "mode": one.mode,
                    "first_seen_at": one.first_seen_at.isoformat(),
                }
                for one in drifts[:LISTED]
            ],
            "more": max(len(drifts) - LISTED, 0),
        },
    }


def learn(conn: psycopg.Connection, stream: str, batch_ids: Sequence[int]) -> None:
    """Add the columns of batches that are published now to what is known of the stream; in the same transaction."""
    bound = {"stream": stream, "batch_ids": list(batch_ids)}
    for step in ("learn_columns", "learn_absent", "end_drift", "forget_observed"):
        warehouse.run(conn, f"contract/{step}", bound)
