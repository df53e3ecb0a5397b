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

    A name is kept whole or not at all: its two parts are one comparison.
    """
    kept = tuple(field for field in fields if _informs(table[field.name]))
    if {field.kind for field in kept if field.kind in NAME_KINDS} == set(NAME_KINDS):
        return kept
    return tuple(Field(field.name, "text" if field.kind in NAME_KINDS else field.kind) for field in kept)


def _informs(column: pa.ChunkedArray) -> bool:
    filled = len(column) - column.null_count
    if not filled or filled < LEAST_FILL * len(column):
        return False
    counts = pc.value_counts(column.drop_null().combine_chunks()).field("counts")
    return len(counts) > 1 and pc.max(counts).as_py() <= MOST_COMMON * filled
