"""What joins or parts two records besides identifiers: pins by hand, accepted proposals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import numpy as np
import psycopg

from include import mask, warehouse
from include.identity.chain import Links

WAITS = "waits for the next build_persons"


@dataclass(frozen=True)
class Tie:
    """A pin or an accepted proposal about two records.

    :param number: of the pin, or of the accepted proposal.
    :param a, b: the records, keys masked where they are addresses.
    :param records: their numbers; None for one that stitching does not know (any more).
    :param persons: whose they are today.
    :param waits: the next build_persons has yet to act on it, or on its undoing.
    :param refused: why it joins nothing although it is in force.
    """

    kind: Literal["merge pin", "split pin", "match"]
    number: int
    a: str
    b: str
    records: tuple[int | None, int | None]
    persons: tuple[UUID | None, UUID | None]
    who: str
    why: str | None
    decided_at: datetime
    undone_at: datetime | None
    undone_by: str | None
    undone_why: str | None
    waits: bool
    weight: float | None
    refused: str | None

    @property
    def parts(self) -> bool:
        return self.kind == "split pin"

    @property
    def node(self) -> int:
        """Its number among the identifiers of a chain: below zero."""
        return -2 * self.number - (self.kind == "match")

    @property
    def why_not(self) -> str | None:
        """Why it does not join its records today; None when it does."""
        if self.refused is not None:
            return self.refused
        return None if self.persons[0] is not None and self.persons[0] == self.persons[1] else WAITS

    @property
    def state(self) -> str:
        """What has become of it, in words."""
        if self.undone_at is not None:
            said = f"undone by {self.undone_by} on {self.undone_at:%Y-%m-%d}: {self.undone_why}"
        elif self.refused is not None:
            said = f"refused: {self.refused}"
        elif None in self.persons:
            said = "idle: a record of it is gone"
        else:
            said = "in force"
        return f"{said}; {WAITS}" if self.waits else said

    def __str__(self) -> str:
        if self.kind == "match":
            return f"proposal {self.number} (weight {self.weight:.1f}, accepted by {self.who})"
        return f"{self.kind} {self.number} (by {self.who} on {self.decided_at:%Y-%m-%d}: {self.why})"


def refusal(row: Mapping[str, Any]) -> str | None:
    """Which limit or split pin refused a link, in words; None: none did."""
    if row["split_pin_id"] is not None:
        return f"split pin {row['split_pin_id']} keeps the two sides apart"
    if row["limited_type"] is None:
        return None
    per = "" if row["limit_per"] == "ever" else f" a {row['limit_per']}"
    return f"the person would have more than {row['limit_count']} {row['limited_type']}{per}"


def ties_of(conn: psycopg.Connection, persons: Sequence[UUID], records: Sequence[int] = ()) -> list[Tie]:
    """Pins and accepted proposals in force that name a record of some persons, and those that wait to be undone."""
    found = warehouse.rows(conn, "explain/ties", {"persons": list(persons), "records": list(records)})
    return [tie(row) for row in found]


def tie(row: Mapping[str, Any]) -> Tie:
    """A row of sql/explain/ties or sql/pins/listed as what it is."""
    kept = ("kind", "number", "who", "why", "decided_at", "undone_at", "undone_by", "undone_why", "weight")
    return Tie(
        **{name: row[name] for name in kept},
        a=f"{row['stream_a']}:{mask.key(row['record_key_a'])}",
        b=f"{row['stream_b']}:{mask.key(row['record_key_b'])}",
        records=(row["record_a"], row["record_b"]),
        persons=(row["person_a"], row["person_b"]),
        waits=row["settled_at"] is None,
        refused=refusal(row),
    )


def as_links(ties: Sequence[Tie]) -> Links:
    """The ties that join, as links of a chain: dropped where they do not hold today."""
    joining = [
        (record, tie.node, tie.why_not is not None)
        for tie in ties
        if not tie.parts and None not in tie.records and not (tie.undone_at and tie.why_not)
        for record in tie.records
    ]
    records, nodes, dropped = zip(*joining, strict=True) if joining else ((), (), ())
    return Links(np.array(records, np.int64), np.array(nodes, np.int64), np.array(dropped, bool))
