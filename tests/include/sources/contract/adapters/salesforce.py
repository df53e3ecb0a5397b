"""Salesforce: contacts, leads, accounts, opportunities; a deleted one lies in the recycle bin, or nowhere any more."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from include.sources import salesforce
from include.sources.salesforce_client import Credentials
from include.standins.salesforce import CLIENT_ID
from include.standins.salesforce_records import id_of, role
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record, ms


class _Salesforce(PlatformAdapter):
    """An object; a record's state stands in ``field``. Ten rows are a job already."""

    lag = salesforce.OVERLAP
    sweeps = True
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "job_rows": 10, "sweep_hours": 0, "sweep_floor": 1000}
    name: ClassVar[str]
    field: ClassVar[str] = "Name"

    @property
    def client(self) -> Any:
        self.store.set_setting("salesforce.smallest_page", 1)
        known = Credentials(CLIENT_ID, self.token())
        return salesforce.client(self.stage.url, known, limiter=self.limits(), poll_seconds=0.0)

    def put(self, record: Record) -> None:
        self.hold(self.name, self._document(record))

    def delete(self, record: Record, at: datetime) -> None:
        if record.number % 3 == 0:
            return self.purge(record, at)
        document = self._document(record)
        self.hold(self.name, replace(document, changed_at=max(document.changed_at, ms(at)), archived=True))

    def purge(self, record: Record, at: datetime) -> None:
        self.store.delete("salesforce", self.name, id_of(self.name, record.number))

    def _document(self, record: Record) -> Document:
        body = {self.field: str(record.state), **self.more(record)}
        return Document(id_of(self.name, record.number), body, ms(record.created), ms(record.changed))

    def more(self, record: Record) -> dict[str, Any]:
        return {}

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["Id"][3:15]), int(payload[self.field])


class Contacts(_Salesforce):
    stream = "salesforce.contacts"
    name, field = "Contact", "FirstName"

    def more(self, record: Record) -> dict[str, Any]:
        return {"LastName": 'Lee, "the\nthird"', "HasOptedOutOfEmail": record.number % 2 == 0}


class Leads(_Salesforce):
    stream = "salesforce.leads"
    name, field = "Lead", "FirstName"

    def more(self, record: Record) -> dict[str, Any]:
        return {"Email": f"{record.number}@shop.example", "IsConverted": False}


class Accounts(_Salesforce):
    stream = "salesforce.accounts"
    name = "Account"

    def more(self, record: Record) -> dict[str, Any]:
        return {"AnnualRevenue": 1000.5 * record.number, "NumberOfEmployees": record.number}


class Opportunities(_Salesforce):
    """Each second one names a person."""

    stream = "salesforce.opportunities"
    name = "Opportunity"

    def put(self, record: Record) -> None:
        if record.number % 2 == 0:
            part = role(record.number, opportunity=record.number, contact=7, at=record.changed)
            self.hold("OpportunityContactRole", part)
        super().put(record)

    def more(self, record: Record) -> dict[str, Any]:
        return {"StageName": "Closed Won", "IsClosed": True, "IsWon": True, "Amount": 99.5, "CloseDate": "2025-11-30"}
