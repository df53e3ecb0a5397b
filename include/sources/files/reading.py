"""The rows of one file as landing takes them: each line a JSON object with its file and line beside its columns."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, TextIO

import orjson
import pyarrow.parquet as parquet

from include.sources.files.mappings import FileMapping
from include.sources.pages import Row

PAGE_ROWS = 5000


def pages(file: str, text: TextIO, mapping: FileMapping) -> Iterator[tuple[list[Row], int]]:
    """Rows of a CSV with a header, PAGE_ROWS at a time, each time with the number of the last line read.

    A line that cannot be read becomes a row with ``_error``, which says what is wrong and repeats nothing of it.

    :param file: the file's name as it stands in keys and payloads.
    :raises ConfigError: a column that the mapping reads is missing.
    """
    lines = csv.reader(text, delimiter=mapping.delimiter, quotechar=mapping.quote, strict=True)
    header = next(lines, None)
    if header is None:
        return
    mapping.check_header(header, file)
    key = [header.index(column) for column in mapping.key]
    rows: list[Row] = []
    for line, values, problem in _records(lines):
        rows.append(_row(file, line, header, values, problem, key, mapping.name))
        if len(rows) >= PAGE_ROWS:
            yield rows, lines.line_num
            rows = []
    yield rows, lines.line_num


def _records(lines: Any) -> Iterator[tuple[int, list[str], str | None]]:
    """(line it begins in, fields, what is wrong) of each record; the reader goes on after one it could not read."""
    while True:
        line = lines.line_num + 1
        try:
            values = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, [], f"lines {line} to {lines.line_num} are not CSV: {error}"
            continue
        if values:
            yield line, values, None


def _row(file: str, line: int, header: Sequence[str], values: Sequence[str], problem: str | None, key: Sequence[int],
         mapping: str) -> Row:
    place = {"_file": file, "_line": line, "_mapping": mapping}
    if problem is None and len(values) != len(header):
        problem = f"line {line} has {len(values)} fields instead of {len(header)}"
    if problem is None:
        try:
            payload = orjson.dumps({**dict(zip(header, values, strict=True)), **place})
        except TypeError:
            problem = f"line {line} is not in the encoding of the mapping; set `csv: {{encoding: …}}`"
        else:
            return Row(_key(file, line, [values[at] for at in key]), payload)
    return Row(f"{file}:{line}", orjson.dumps({**place, "_error": problem}))


def _key(file: str, line: int, parts: Sequence[str]) -> str:
    """The declared key; file and line where there is none, or where a part of it is empty."""
    return ":".join(parts) if parts and all(parts) else f"{file}:{line}"


def parquet_pages(file: str, binary: BinaryIO, mapping: FileMapping) -> Iterator[tuple[list[Row], int]]:
    """Rows of a Parquet file, PAGE_ROWS at a time; a line is the number of the row.

    :raises ConfigError: a column that the mapping reads is missing.
    """
    table = parquet.ParquetFile(binary)
    mapping.check_header(table.schema_arrow.names, file)
    line = 0
    for batch in table.iter_batches(batch_size=PAGE_ROWS):
        rows = [_parquet_row(file, line + place, record, mapping) for place, record in enumerate(batch.to_pylist(), 1)]
        line += batch.num_rows
        yield rows, line


def _parquet_row(file: str, line: int, record: Mapping[str, Any], mapping: FileMapping) -> Row:
    place = {"_file": file, "_line": line, "_mapping": mapping.name}
    payload = orjson.dumps({**record, **place}, default=str, option=orjson.OPT_NON_STR_KEYS)
    parts = ["" if record[column] is None else str(record[column]) for column in mapping.key]
    return Row(_key(file, line, parts), payload)


def vanished(file: str, mapping: FileMapping, first: int, last: int) -> Iterator[list[Row]]:
    """What a file that became shorter no longer says: a tombstone for each line it had, PAGE_ROWS at a time."""
    for start in range(first, last + 1, PAGE_ROWS):
        gone = ({"_file": file, "_line": line, "_mapping": mapping.name, "_deleted": True}
                for line in range(start, min(start + PAGE_ROWS, last + 1)))
        yield [Row(f"{file}:{one['_line']}", orjson.dumps(one)) for one in gone]


def is_parquet(name: str) -> bool:
    return name.lower().endswith((".parquet", ".pq"))


