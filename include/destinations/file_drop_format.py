"""Rows of a file drop as CSV or Parquet: columns in a fixed order, cells that no spreadsheet takes for a formula."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

FORMULA = re.compile(r"^[=+\-@\t\r]")
HARMLESS = re.compile(r"^[+\-]?[0-9][0-9 .]*$")  # a telephone number begins with a plus and computes nothing

Row = Mapping[str, Any]


def is_formula(value: str) -> bool:
    """Whether a spreadsheet would compute the cell instead of showing it."""
    return FORMULA.match(value) is not None and HARMLESS.match(value) is None


def _cell(value: Any) -> str:
    """Text of a cell; what could be a formula is led by an apostrophe, which spreadsheets hide."""
    text = "" if value is None else str(value)
    return f"'{text}" if is_formula(text) else text


def as_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """UTF-8, comma, CRLF, quotes where needed (RFC 4180), one header line; a missing value is an empty cell."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    return text.getvalue().encode()


def as_parquet(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """All columns text, a missing value null; the same rows give the same bytes."""
    schema = pa.schema([(column, pa.string()) for column in columns])
    texts = [{column: _text(row.get(column)) for column in columns} for row in rows]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(texts, schema=schema), sink, compression="zstd")
    return sink.getvalue().to_pybytes()


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


FORMATS: Mapping[str, Callable[[Sequence[str], Iterable[Row]], bytes]] = {"csv": as_csv, "parquet": as_parquet}
