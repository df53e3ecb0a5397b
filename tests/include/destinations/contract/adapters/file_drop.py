"""A file drop: a folder of this machine, behind a file system on which things go wrong when they are told to."""

import csv
import errno
import io
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import orjson
from fsspec.implementations.local import LocalFileSystem

from include.destinations.file_drop import FileDropDestination, slug
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call, Fault
from tests.standins import Standins

OPERATIONS = {"added": "add", "updated": "update", "removed": "remove"}
BEFORE = {
    "throttle": OSError(errno.EBUSY, "slow down"),
    "expired_token": PermissionError(errno.EACCES, "no"),
    "error": OSError(errno.EIO, "input/output error"),
    "reset": ConnectionResetError(errno.ECONNRESET, "reset"),
}
AFTER = {"lost_answer", "half_answer", "error_after"}


class BreakableFileSystem(LocalFileSystem):
    """Files of this machine under ``breakable://``. Every operation is logged and may go wrong before or after.

    :cvar log: what was done, and of files that came into their place the content.
    :cvar times: a file with a line for each time something was done, whichever process did it.
    :cvar fault: kind, how many pass first, how many go wrong (None: all), and whether at any operation.
    """

    protocol = "breakable"
    log: ClassVar[list[tuple[str, str, bytes]]] = []
    times: ClassVar[Path]
    fault: ClassVar[tuple[str, list[int], list[int] | None, bool] | None] = None

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return LocalFileSystem._strip_protocol(path.removeprefix("breakable://"))

    def cat_file(self, path: str, *more: Any, **named: Any) -> bytes:
        self._before("read", path, b"")
        return super().cat_file(path, *more, **named)

    def mv(self, path1: str, path2: str, **named: Any) -> None:
        content = Path(path1).read_bytes()
        after = self._before("write", path2, content)
        super().mv(path1, path2, **named)
        if after:
            raise TimeoutError(errno.ETIMEDOUT, "no answer")

    def _before(self, what: str, path: str, content: bytes) -> bool:
        """Log it; raise what strikes before; tell whether something strikes after."""
        self.log.append((what, path, content))
        with self.times.open("a") as times:
            times.write(f"{time.time()}\n")
        data = what == "write" and not path.endswith(".json")
        if self.fault is None or not (data or self.fault[3]):
            return False
        kind, skip, left, _ = self.fault
        if skip[0] > 0:
            skip[0] -= 1
            return False
        if left is not None and left[0] == 0:
            return False
        if left is not None:
            left[0] -= 1
        if kind in BEFORE:
            raise BEFORE[kind]
        return True


fsspec.register_implementation("breakable", BreakableFileSystem, clobber=True)


class ADAPTER(Adapter):
    name = "file_drop"
    holds_fields = True
    marks_quiet = True
    changes = ""

    def __init__(self, standins: Standins) -> None:
        super().__init__(standins)
        self._held = tempfile.TemporaryDirectory(prefix="drop-")
        self.folder = Path(self._held.name) / "drop"
        BreakableFileSystem.times = Path(self._held.name) / "times"
        self.calm()

    def destination(self, **arguments: Any) -> FileDropDestination:
        return FileDropDestination(f"breakable://{self.folder}", **arguments)

    def call(self, request: Recorded) -> Call | None:
        raise NotImplementedError  # there are no requests, but files

    def calls(self) -> list[Call]:
        found = []
        for what, path, content in BreakableFileSystem.log:
            name = Path(path).name
            operation = OPERATIONS.get(name.split("_")[-2]) if what == "write" and "_" in name else None
            if operation is not None and path.endswith(".csv"):
                found.append(Call(operation, tuple(row["email"] for row in _read(content))))
        return found

    def requests(self) -> int:
        return len(BreakableFileSystem.log)

    def arrivals(self) -> list[float]:
        return [float(line) for line in BreakableFileSystem.times.read_text().split()]

    def said(self) -> bytes:
        return b"\n".join(path.encode() + b"\n" + content for _, path, content in BreakableFileSystem.log)

    def forget(self) -> None:
        BreakableFileSystem.log.clear()

    def strike(
        self, kind: Fault, *, next: int | None = 1, skip: int = 0, everywhere: bool = False, **more: Any
    ) -> None:
        BreakableFileSystem.fault = (kind, [skip], None if next is None else [next], everywhere)

    def calm(self) -> None:
        BreakableFileSystem.fault = None

    def pass_time(self, seconds: float) -> None:
        """A folder has no time of its own."""

    def members(self, key: str) -> list[str]:
        return list(self._people(key))

    def _people(self, key: str) -> dict[str, dict[str, str]]:
        """Whoever goes by the manifest has these people, with what was told of them."""
        folder, people = self.folder / slug(key), {}
        if not (folder / "manifest.json").exists():
            return {}
        for file in orjson.loads((folder / "manifest.json").read_bytes())["files"]:
            for row in _read((folder / file["name"]).read_bytes()):
                if file["operation"] == "removed":
                    people.pop(row["email"], None)
                    continue
                told = {name: value for name, value in row.items() if value}
                before = people.get(row["email"], {})
                people[row["email"]] = {k: v for k, v in before.items() if k not in row["cleared"].split()} | told
        return people

    def bad_address(self, number: int) -> str:
        return f"=cmd{number}@shop.example"

    def field(self, key: str, address: str, column: str) -> str | None:
        return self._people(key)[address].get(column)

    def last_is_quiet(self) -> bool:
        written = [content for what, _, content in BreakableFileSystem.log if what == "write"]
        return "quiet" in orjson.loads(written[-1])["files"][-1]  # the manifest comes last

    def delete_audience(self, key: str, remote_id: str) -> None:
        shutil.rmtree(self.folder / remote_id)


def _read(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
