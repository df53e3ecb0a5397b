"""Rows of a file drop as CSV or Parquet: columns in a fixed order, cells that no spreadsheet takes for a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

FORMULA = re.compile(r"^[=+\-@\t\r]")
HARMLESS = re.compile(r"^[+\-]?[0-9][0-9 .]*$")  # a telephone number begins with a plus and computes nothing

ROW_GROUP = 50_000  # rows of a Parquet file that are in memory at once

Row = Mapping[str, Any]


def is_formula(value: str) -> bool:
    """Whether a spreadsheet would compute the cell instead of showing it."""
    return FORMULA.match(value) is not None and HARMLESS.match(value) is None


def _cell(value: Any) -> str:
    """Text of a cell; what could be a formula is led by an apostrophe, which spreadsheets hide."""
    text = "" if value is None else str(value)
    return f"'{text}" if is_formula(text) else text


def write_csv(columns: Sequence[str], rows: Iterable[Row], into: BinaryIO) -> None:
    """UTF-8, comma, CRLF, quotes where needed (RFC 4180), one header line; a missing value is an empty cell."""
    text = io.TextIOWrapper(into, encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    text.flush()
    text.detach()


def write_parquet(columns: Sequence[str], rows: Iterable[Row], into: BinaryIO) -> None:
    """All columns text, a missing value null; the same rows give the same bytes."""
    schema = pa.schema([(column, pa.string()) for column in columns])
    with pq.ParquetWriter(into, schema, compression="zstd") as writer:
        for some in _groups(rows):
            texts = [{column: _text(row.get(column)) for column in columns} for row in some]
            writer.write_table(pa.Table.from_pylist(texts, schema=schema))


def _groups(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while some := list(islice(left, ROW_GROUP)):
        yield some


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


FORMATS: Mapping[str, Callable[[Sequence[str], Iterable[Row], BinaryIO], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
}


def as_bytes(form: str, columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The file of a batch."""
    content = io.BytesIO()
    FORMATS[form](columns, rows, content)
    return content.getvalue()
