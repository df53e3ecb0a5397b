"""Data with known truth, as tables that can be linked: those of REAL_DATA, or any file of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, parquet

from include.identity.linking.fields import Field, Kind

FEBRL = (
    Field("given_name", "given"),
    Field("surname", "family"),
    Field("street_number", "code"),
    Field("address_1", "text"),
    Field("address_2", "text"),
    Field("suburb", "text"),
    Field("postcode", "code"),
    Field("state", "category"),
    Field("date_of_birth", "date"),
    Field("soc_sec_id", "code"),
)
HISTORICAL = (
    Field("first_name", "given"),
    Field("surname", "family"),
    Field("dob", "date"),
    Field("birth_place", "text"),
    Field("postcode_fake", "code"),
    Field("gender", "category"),
    Field("occupation", "category"),
)


@dataclass(frozen=True)
class Known:
    """A table to link and who each row is.

    :param persons: a number a row, the same for rows of one person.
    """

    table: pa.Table
    fields: tuple[Field, ...]
    persons: np.ndarray
    one_per_source: bool


def febrl(*paths: Path) -> Known:
    """Files of the Febrl generator; two files are free of doubles within themselves."""
    tables = [_text(csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))) for path in paths]
    ids = [name for table in tables for name in table["rec_id"].to_pylist()]
    whole = pa.concat_tables(table.select([field.name for field in FEBRL]) for table in tables)
    sources = np.repeat(np.arange(len(tables)), [table.num_rows for table in tables])
    persons = np.array([int(name.split("-")[1]) for name in ids])
    return Known(_placed(whole, sources), FEBRL, persons, one_per_source=len(paths) > 1)


def historical(path: Path) -> Known:
    """Historical persons with errors, one file."""
    table = parquet.read_table(path)
    persons = np.unique(table["cluster"].to_numpy(zero_copy_only=False), return_inverse=True)[1]
    chosen = table.select([field.name for field in HISTORICAL])
    return Known(_placed(chosen, np.zeros(len(persons), np.int64)), HISTORICAL, persons, one_per_source=False)


def any_file(path: Path, *, truth: str, kinds: dict[str, Kind], source: str | None = None) -> Known:
    """A CSV or Parquet file of one's own.

    :param truth: the column that tells who a row is.
    :param kinds: what the columns say; the others are not looked at.
    :param source: a column of sources of which each is free of doubles.
    """
    table = _text(parquet.read_table(path) if path.suffix == ".parquet" else csv.read_csv(path))
    fields = tuple(Field(name, kind) for name, kind in kinds.items())
    persons = np.unique(np.array(table[truth].to_pylist(), dtype=str), return_inverse=True)[1]
    sources = np.zeros(len(persons), np.int64)
    if source is not None:
        sources = np.unique(np.array(table[source].to_pylist(), dtype=str), return_inverse=True)[1]
    return Known(_placed(table.select(list(kinds)), sources), fields, persons, one_per_source=source is not None)


@dataclass(frozen=True)
class Score:
    """Pairs of rows put into one person against all true pairs, after closure."""

    precision: float
    recall: float
    f1: float
    largest: int
    largest_true: int


def score(found: np.ndarray, persons: np.ndarray) -> Score:
    """Hold what was found against the truth."""
    both = np.unique(np.stack([found, persons]), axis=1, return_counts=True)[1]
    sizes, true_sizes = (np.unique(labels, return_counts=True)[1] for labels in (found, persons))
    hits, said, true = (_pairs(counts) for counts in (both, sizes, true_sizes))
    precision, recall = hits / max(said, 1), hits / max(true, 1)
    f1 = 2 * precision * recall / (precision + recall) if hits else 0.0
    return Score(precision, recall, f1, int(sizes.max()), int(true_sizes.max()))


def _pairs(sizes: Sequence[int] | np.ndarray) -> int:
    return int((np.asarray(sizes, np.int64) * (np.asarray(sizes, np.int64) - 1) // 2).sum())


def _text(table: pa.Table) -> pa.Table:
    """All columns as text, blanks around names and values gone, what is empty missing."""
    columns = [pc.utf8_trim_whitespace(column.cast(pa.string())) for column in table.columns]
    columns = [pc.if_else(pc.equal(column, ""), None, column) for column in columns]
    return pa.table(columns, names=[name.strip() for name in table.column_names])


def _placed(table: pa.Table, sources: np.ndarray) -> pa.Table:
    rows = pa.array(np.arange(table.num_rows))
    return table.append_column("row", rows).append_column("source", pa.array(sources))
