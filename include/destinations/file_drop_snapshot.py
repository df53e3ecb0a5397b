"""Snapshots of a file drop: batches are kept until the sync's end, then everybody goes into one file.

The audience is put together in memory: about one gigabyte a million people. Every step may be repeated: a publication
that breaks leaves batches and state as they were, and the next one makes the same file under the same name.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from include.destinations.base import Audience
from include.destinations.file_drop_folder import Folder
from include.destinations.file_drop_format import FORMATS

IDENTIFIERS = ("email", "phone")
KEPT, STATE = ".kept", ".kept-state.json"
SNAPSHOTS = 3  # so many stay, for readers that are still at an older one

Row = dict[str, Any]


def keep(folder: Folder, operation: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put a batch aside, in the order of the calls."""
    number = len(folder.names(KEPT)) + 1
    folder.put(f"{KEPT}/{number:06d}.json", orjson.dumps({"operation": operation, "rows": list(rows)}))


def publish(folder: Folder, audience: Audience, columns: Sequence[str], form: str, sync_id: str) -> None:
    """Write everybody into one file and announce it, if any batch was put aside since the last time."""
    kept = folder.names(KEPT)
    if not kept:
        return
    people = People(orjson.loads(folder.read(STATE) or b"[]"))
    for name in kept:
        people.apply(**orjson.loads(folder.read(f"{KEPT}/{name}") or b'{"operation": "update", "rows": []}'))
    rows = people.rows()
    content = FORMATS[form](columns, rows)
    digest = hashlib.sha256(content).hexdigest()
    entry = {
        "name": f"{folder.name}_{int(sync_id):08d}_everybody_{digest[:12]}.{form}",
        "operation": "everybody",
        "sync_id": int(sync_id),
        "rows": len(rows),
        "bytes": len(content),
        "sha256": digest,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"quiet": True} if audience.quiet else {}),
    }
    folder.put(entry["name"], content)
    folder.put(STATE, orjson.dumps(rows))
    _announce(folder, entry)
    for name in kept:
        folder.delete(f"{KEPT}/{name}")


def _announce(folder: Folder, entry: Mapping[str, Any]) -> None:
    manifest = folder.manifest()
    files = [one for one in manifest["files"] if one["name"] != entry["name"]]
    folder.announce({**manifest, "files": [*files, entry][-SNAPSHOTS:]})
    for old in [*files, entry][:-SNAPSHOTS]:
        folder.delete(old["name"])


class People:
    """Everybody in an audience. Whom a row means: the first identifier that both carry decides, the address first."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows: dict[int, Row] = dict(enumerate(rows))
        self._next = len(self._rows)
        self._holders: dict[tuple[str, str], set[int]] = {}
        for number, row in self._rows.items():
            self._note(number, row)

    def apply(self, operation: str, rows: Iterable[Row]) -> None:
        """One batch."""
        for row in rows:
            (self._remove if operation == "remove" else self._put)(row)

    def rows(self) -> list[Row]:
        """Everybody, in the order of their identifiers."""
        return sorted(self._rows.values(), key=lambda row: [row.get(column) or "" for column in IDENTIFIERS])

    def _put(self, row: Row) -> None:
        cleared = row.get("cleared", "").split()
        number = next((one for one in self._near(row) if _same(row, self._rows[one])), None)
        if number is None:
            number, self._next = self._next, self._next + 1
        before = {name: value for name, value in self._rows.get(number, {}).items() if name not in cleared}
        self._rows[number] = {**before, **{name: value for name, value in row.items() if name != "cleared"}}
        self._note(number, self._rows[number])

    def _remove(self, row: Row) -> None:
        for key in _keys(row):
            for number in self._holders.pop(key, set()):
                self._rows[number].pop(key[0], None)
                if not _keys(self._rows[number]):
                    del self._rows[number]

    def _near(self, row: Row) -> list[int]:
        return [number for key in _keys(row) for number in sorted(self._holders.get(key, ()))]

    def _note(self, number: int, row: Row) -> None:
        for key in _keys(row):
            self._holders.setdefault(key, set()).add(number)


def _keys(row: Row) -> list[tuple[str, str]]:
    return [(column, row[column]) for column in IDENTIFIERS if row.get(column)]


def _same(row: Row, other: Row) -> bool:
    both = [column for column in IDENTIFIERS if row.get(column) and other.get(column)]
    return bool(both) and row[both[0]] == other[both[0]]
