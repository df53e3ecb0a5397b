"""Brevo: contacts and what happened to e-mails. Nothing tells of a deleted contact; an event is never taken back."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from include.sources import brevo
from include.standins import brevo_records as records
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record
from tests.include.sources.contract.stage import Stage


class _Brevo(PlatformAdapter):
    deletes = False

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self.store.set_setting("brevo.limits", 1000)  # a history asks more in an hour than a night does

    @property
    def client(self) -> Any:
        return brevo.client(self.stage.url, self.token(), limiter=self.limits())

    def delete(self, record: Record, at: datetime) -> None:
        raise NotImplementedError("no listing would tell")

    def hold_all(self, documents: list[tuple[str, dict[str, Any]]]) -> None:
        for kind, document in documents:
            self.hold(kind, Document(**document))


class Contacts(_Brevo):
    stream = "brevo.contacts"
    lag = brevo.OVERLAP

    def put(self, record: Record) -> None:
        times = {"created_at": record.created, "modified_at": record.changed}
        address = f"{record.number}@shop.example"
        self.hold_all(records.contact(record.number, address, FIRSTNAME=str(record.state), **times))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return payload["id"], int(payload["attributes"]["FIRSTNAME"])


class Events(_Brevo):
    stream = "brevo.events"
    lag = timedelta(days=brevo.LATE_DAYS)
    changes = False

    def put(self, record: Record) -> None:
        address = f"{record.number}@shop.example"
        kind = ("opened", "clicks")[record.number % 2]
        self.hold_all(records.event(record.number, kind, address, record.changed))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["email"].partition("@")[0]), 1
