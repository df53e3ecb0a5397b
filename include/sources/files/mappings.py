"""Which mapping reads which dropped file: those beside this module, and those that lie beside the data and win."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

from include.errors import ConfigError
from include.sources.mapping_reader import read_drop

HERE = Path(__file__).resolve().parent
STREAMS = {"order_entry": "files.orders", "person_record": "files.persons"}


@dataclass(frozen=True)
class FileMapping:
    """How one kind of file is read.

    :param name: the stem of its YAML file; stands in each row's payload under ``_mapping``.
    :param stream: ``files.orders`` or ``files.persons``.
    :param key: columns that name a record; empty: file and line do.
    :param columns: every column it reads → the line of the YAML file that says so.
    """

    name: str
    path: str
    stream: str
    match: tuple[str, ...]
    parameters: dict[str, Any]
    key: tuple[str, ...]
    columns: dict[str, int]
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    quote: str = '"'

    def fits(self, name: str) -> bool:
        return any(fnmatch(name.lower(), pattern.lower()) for pattern in self.match)

    def check_header(self, header: Sequence[str], file: str) -> None:
        """:raises ConfigError: a column that the mapping reads is missing or there twice."""
        for column, line in self.columns.items():
            count = list(header).count(column)
            if count != 1:
                found = "is missing" if count == 0 else f"is there {count} times"
                raise ConfigError(f"{self.path}, line {line}: the column {column!r} {found} in {file}; correct it "
                                  f"or give the file a mapping of its own. The file has: {', '.join(header[:40])}.")


def read(path: str, text: str) -> FileMapping:
    """One mapping file, checked.

    :param path: named in errors; its stem is the mapping's name.
    """
    drop = read_drop(path, text)
    columns = {steps[0]: line for steps, line in drop.lines.items()}
    key = tuple(drop.head.get("key", ()))
    return FileMapping(
        name=Path(path).stem, path=path, stream=STREAMS[drop.shape], match=tuple(drop.head["match"]),
        parameters={name: value for name, value in drop.parameters.items() if value is not None},
        key=key, columns={**dict.fromkeys(key, 1), **columns},
        **{name: value for name, value in drop.head.get("csv", {}).items() if name is not None})


@cache
def built_in() -> tuple[FileMapping, ...]:
    """The mappings the project brings, by name."""
    return tuple(read(f"include/sources/files/{path.name}", path.read_text(encoding="utf-8"))
                 for path in sorted(HERE.glob("*.yaml")))


def choose(mappings: Iterable[FileMapping], name: str) -> FileMapping | None:
    """The first mapping whose pattern fits the file's name."""
    return next((one for one in mappings if one.fits(name)), None)
