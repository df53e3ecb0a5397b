"""Brevo: contacts, of which only the sweep tells that they are gone, and events, which are never taken back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from include.sources import brevo
from include.standins import brevo_records as records
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record
from tests.include.sources.contract.stage import Stage


class _Brevo(PlatformAdapter):
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "sweep_hours": 0, "sweep_floor": 1000}

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.store.set_setting("brevo.limits", 1000)  # a history asks more in an hour than a night does

    @property
    def client(self) -> Any:
        return brevo.client(self.stage.url, self.token(), limiter=self.limits())

    def hold_all(self, documents: list[tuple[str, dict[str, Any]]]) -> None:
        for kind, document in documents:
            self.hold(kind, Document(**document))


class Contacts(_Brevo):
    stream = "brevo.contacts"
    sweeps = True
    lag = brevo.OVERLAP

    def put(self, record: Record) -> None:
        times = {"created_at": record.created, "modified_at": record.changed}
        address = f"{record.number}@shop.example"
        self.hold_all(records.contact(record.number, address, FIRSTNAME=str(record.state), **times))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete("brevo", "contact", str(record.number))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return payload["id"], int(payload["attributes"]["FIRSTNAME"])


class Events(_Brevo):
    stream = "brevo.events"
    lag = timedelta(days=brevo.LATE_DAYS)
    changes = deletes = False

    def put(self, record: Record) -> None:
        address = f"{record.number}@shop.example"
        kind = ("opened", "clicks")[record.number % 2]
        self.hold_all(records.event(record.number, kind, address, record.changed))

    def delete(self, record: Record, at: datetime) -> None:
        raise NotImplementedError("what happened has happened")

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["email"].partition("@")[0]), 1
