"""What a column says about a person, and whether it says enough to be compared."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

Kind = Literal["given", "family", "date", "code", "text", "category"]
NAME_KINDS = ("given", "family")
WHOLE_NAME = "whole_name"  # given and family name in one, made while records are cleaned
LEAST_FILL = 0.02  # share of rows with a value; below, a column decides too few pairs to learn from
MOST_COMMON = 0.995  # share of one value; above, agreement says nothing
IMPLIED = 0.9
SEVERAL = 5  # rows with one value, from which on they tell what it implies


@dataclass(frozen=True)
class Field:
    """One column of the table to link.

    :param kind: ``given`` and ``family`` are parts of a name (compared together, also swapped); ``date`` is text that
        begins with the year; ``code`` is short and exact (postcode, phone, number of a document); ``text`` is words;
        ``category`` has few values.
    """

    name: str
    kind: Kind


def informative(table: pa.Table, fields: Sequence[Field]) -> tuple[Field, ...]:
    """The fields that can tell rows apart: filled often enough, and not always the same.

    A name is kept whole or not at all: its two parts are one comparison. A field that another one implies (the town
    of a postcode) is left out: neighbours would agree twice.
    """
    kept = tuple(field for field in fields if _informs(table[field.name]))
    kept = tuple(field for field in kept if not any(_implies(table, other, field) for other in kept))
    if {field.kind for field in kept if field.kind in NAME_KINDS} == set(NAME_KINDS):
        return kept
    return tuple(Field(field.name, "text" if field.kind in NAME_KINDS else field.kind) for field in kept)


def _informs(column: pa.ChunkedArray) -> bool:
    filled = len(column) - column.null_count
    if not filled or filled < LEAST_FILL * len(column):
        return False
    counts = pc.value_counts(column.drop_null().combine_chunks()).field("counts")
    return len(counts) > 1 and pc.max(counts).as_py() <= MOST_COMMON * filled


def _implies(table: pa.Table, one: Field, other: Field) -> bool:
    """Whether rows with one value of ``one`` nearly always have one value of ``other``, and not the other way too."""
    if one == other or {one.kind, other.kind} & {*NAME_KINDS, "date"} or one.kind == "category":
        return False
    return _implied(table, one.name, other.name) >= IMPLIED > _implied(table, other.name, one.name)


def _implied(table: pa.Table, one: str, other: str) -> float:
    """Share of rows that have the most frequent value of ``other`` among those with their value of ``one``."""
    both = table.select([one, other]).drop_null().group_by([one, other]).aggregate([([], "count_all")])
    each = both.group_by(one).aggregate([("count_all", "sum"), ("count_all", "max")])
    several = each.filter(pc.greater_equal(each["count_all_sum"], SEVERAL))
    rows = pc.sum(several["count_all_sum"]).as_py() or 0
    return pc.sum(several["count_all_max"]).as_py() / rows if rows >= SEVERAL * SEVERAL else 0.0
