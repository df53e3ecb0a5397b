"""Snapshots of a file drop: batches are kept until the sync's end, then everybody goes into one file.

The audience is put together on disk, a batch and a few thousand people in memory. Every step may be repeated: a
publication that breaks leaves batches and state as they were, and the next one makes the same file under the same name.
"""

import hashlib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, BinaryIO

import orjson

from include.destinations.base import Audience
from include.destinations.file_drop_folder import Folder
from include.destinations.file_drop_format import FORMATS
from include.destinations.file_drop_people import People, Row

KEPT, STATE = ".kept", ".kept-state.jsonl"
SNAPSHOTS = 3  # so many stay, for readers that are still at an older one


def keep(folder: Folder, operation: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put a batch aside, in the order of the calls."""
    number = len(folder.names(KEPT)) + 1
    folder.put(f"{KEPT}/{number:06d}.json", orjson.dumps({"operation": operation, "rows": list(rows)}))


def publish(folder: Folder, audience: Audience, columns: Sequence[str], form: str, sync_id: str) -> None:
    """Write everybody into one file and announce it, if any batch was put aside since the last time."""
    kept = folder.names(KEPT)
    if not kept:
        return
    with People() as people, tempfile.TemporaryFile() as content, tempfile.TemporaryFile() as state:
        _load(people, folder, state)
        for name in kept:
            people.apply(**orjson.loads(folder.read(f"{KEPT}/{name}") or b'{"operation": "update", "rows": []}'))
        count = _Count()
        FORMATS[form](columns, count.over(people.rows()), content)
        entry = _entry(folder, audience, form, sync_id, count.rows, content)
        folder.put(entry["name"], content)
        _save(people, folder, state)
    _announce(folder, entry)
    for name in kept:
        folder.delete(f"{KEPT}/{name}")


def begin(folder: Folder) -> None:
    """Nobody is in it, and what was put aside counts no more."""
    for name in folder.names(KEPT):
        folder.delete(f"{KEPT}/{name}")
    folder.put(STATE, b"")


def knows_everybody(folder: Folder) -> bool:
    """Whether it is known who was in the last snapshot."""
    return folder.has(STATE)


class _Count:
    """Rows that went by."""

    def __init__(self) -> None:
        self.rows = 0

    def over(self, rows: Iterable[Row]) -> Iterator[Row]:
        for row in rows:
            self.rows += 1
            yield row


def _load(people: People, folder: Folder, state: BinaryIO) -> None:
    if folder.fetch(STATE, state):
        people.load(orjson.loads(line) for line in state)


def _save(people: People, folder: Folder, state: BinaryIO) -> None:
    state.seek(0)
    state.truncate()
    state.writelines(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in people.rows())
    folder.put(STATE, state)


def _entry(folder: Folder, audience: Audience, form: str, sync_id: str, rows: int, content: BinaryIO) -> dict[str, Any]:
    size = content.tell()
    content.seek(0)
    digest = hashlib.file_digest(content, "sha256").hexdigest()
    return {
        "name": f"{folder.name}_{int(sync_id):08d}_everybody_{digest[:12]}.{form}",
        "operation": "everybody",
        "sync_id": int(sync_id),
        "rows": rows,
        "bytes": size,
        "sha256": digest,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        **({"quiet": True} if audience.quiet else {}),
    }


def _announce(folder: Folder, entry: Mapping[str, Any]) -> None:
    manifest = folder.manifest()
    files = [one for one in manifest["files"] if one["name"] != entry["name"]]
    folder.announce({**manifest, "files": [*files, entry][-SNAPSHOTS:]})
    for old in [*files, entry][:-SNAPSHOTS]:
        folder.delete(old["name"])
