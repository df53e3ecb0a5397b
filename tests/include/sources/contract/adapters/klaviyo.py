"""Klaviyo: profiles, of which only the sweep tells that they are gone, and events, which are never taken back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from include.sources import klaviyo
from include.standins import klaviyo_records as records
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record


class _Klaviyo(PlatformAdapter):
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "sweep_hours": 0, "sweep_floor": 1000}

    @property
    def client(self) -> Any:
        return klaviyo.client(self.stage.url, self.token(), limiter=self.limits())

    def hold_all(self, documents: list[tuple[str, dict[str, Any]]]) -> None:
        for kind, document in documents:
            self.hold(kind, Document(**document))


class Profiles(_Klaviyo):
    stream = "klaviyo.profiles"
    sweeps = True
    lag = klaviyo.OVERLAP

    def put(self, record: Record) -> None:
        times = {"created_at": record.created, "updated_at": record.changed}
        address = f"{record.number}@shop.example"
        self.hold_all(records.profile(f"01P{record.number:06}", address, first_name=str(record.state), **times))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete("klaviyo", "profile", f"01P{record.number:06}")

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"][3:]), int(payload["attributes"]["first_name"])


class Events(_Klaviyo):
    stream = "klaviyo.events"
    lag = timedelta(days=klaviyo.LATE_DAYS)
    changes = deletes = False

    def put(self, record: Record) -> None:
        self.hold_all(records.event(f"e{record.number:06}", "Opened Email", "01P", record.changed))

    def delete(self, record: Record, at: datetime) -> None:
        raise NotImplementedError("what happened has happened")

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"][1:]), 1
