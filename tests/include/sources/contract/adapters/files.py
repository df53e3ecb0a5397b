"""Dropped files: each record a file of its own that is dropped again when it changes; a deleted one loses its line."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from include.sources import files
from tests.include.sources.contract.adapter import FilesAdapter, Record, iso_z


class _Files(FilesAdapter):
    lag = timedelta(days=1)  # a file counts when it is there, whatever its time
    options: ClassVar[Mapping[str, Any]] = {}
    mapping: ClassVar[str]
    _drops = 0

    @property
    def client(self) -> Any:
        return files.client([str(self.folder)])

    def put(self, record: Record) -> None:
        self._drop(record, f"n,state,at\n{record.number},{record.state},{iso_z(record.changed)}\n", record.changed)

    def delete(self, record: Record, at: datetime) -> None:
        self._drop(record, "n,state,at\n", at)

    def _drop(self, record: Record, text: str, at: datetime) -> None:
        (self.folder / "drop.yaml").write_text(self.mapping)
        path = self.folder / f"drop_{record.number}.csv"
        path.write_text(text)
        self._drops += 1  # as on a disk, no two writes have one time
        os.utime(path, (at.timestamp(), at.timestamp() + self._drops / 1000))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["n"]), int(payload["state"])


class Persons(_Files):
    stream = "files.persons"
    mapping = """
match: ["drop_*"]
shape: persons
columns: {first_name: state, changed_at: at}
ids: {loyalty: n}
"""


class Orders(_Files):
    stream = "files.orders"
    mapping = """
match: ["drop_*"]
shape: orders
columns: {order_key: n, occurred_at: at, amount: state, changed_at: at}
constants: {currency: EUR}
"""
