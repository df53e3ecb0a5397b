"""What the suite has to know about a stream: how the platform holds a record, and how to read back which one it was."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from include.standins.store import Document, Store
from tests.include.sources.contract.stage import NoLimits, Stage


@dataclass(frozen=True)
class Record:
    """A record as the suite thinks of it.

    :param number: from 1 on; later records have higher ones.
    :param state: which version it is, from 1 on; the platform must hold it in a field that is landed.
    :param created: when the vendor made it; may lie long ago.
    :param changed: the vendor's last change, in whole seconds; never earlier than that of the version before.
    """

    number: int
    state: int
    created: datetime
    changed: datetime


class Adapter(ABC):
    """One stream, as the suite sees it. A fresh one a history; the stand-in was emptied before.

    :cvar stream: its name in the registry.
    :cvar lag: how late the platform may show a change, as the source states it.
    :cvar options: over the mapping's own: small pages, so that few rows make many.
    :cvar changes: a record can change. Else a new record is made where one would.
    :cvar deletes: a record can be deleted, and the source sees it.
    :cvar sweeps: only a listing of all keys tells what was deleted. It is held against staging, so what was deleted
        before it was published goes with the landing after its publication.
    :cvar restores: one that was deleted can come back under its key.
    """

    stream: ClassVar[str]
    lag: ClassVar[timedelta]
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4}
    changes: ClassVar[bool] = True
    deletes: ClassVar[bool] = True
    sweeps: ClassVar[bool] = False
    restores: ClassVar[bool] = True

    @property
    def source(self) -> str:
        return self.stream.partition(".")[0]

    @property
    @abstractmethod
    def client(self) -> Any:
        """The source's client on the stand-in's account."""

    @abstractmethod
    def put(self, record: Record) -> None:
        """From now on the platform holds the record in this state."""

    @abstractmethod
    def delete(self, record: Record, at: datetime) -> None:
        """As people do it at the platform."""

    def purge(self, record: Record, at: datetime) -> None:
        """Past the platform's own bin, where it has one: no reading of changes tells of it."""
        self.delete(record, at)

    @abstractmethod
    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        """Number and state of the record that a landed payload is."""


class PlatformAdapter(Adapter):
    """A stream of a platform with a stand-in.

    :cvar module: the source's module, whose ``client`` is used.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    @property
    def store(self) -> Store:
        return self.stage.store

    def token(self) -> str:
        return self.stage.context.tokens[self.source]

    def limits(self) -> NoLimits:
        return NoLimits()

    def hold(self, kind: str, document: Document) -> None:
        """Put a document in the vendor's own shape into the stand-in's store."""
        self.store.put_many(self.source, kind, [document])


class FilesAdapter(Adapter):
    """A stream of dropped files.

    :param folder: empty at the beginning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def ms(at: datetime) -> int:
    """Epoch milliseconds."""
    return round(at.timestamp() * 1000)


def iso_z(at: datetime) -> str:
    """As in 2026-11-21T09:00:00Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
