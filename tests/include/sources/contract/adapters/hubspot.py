"""HubSpot: contacts, companies and deals; a deleted one is archived."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from include.sources import hubspot
from include.standins.hubspot_associations import KIND, associated
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record, iso_z, ms


class _HubSpot(PlatformAdapter):
    """An object of the CRM; a record's state stands in the property ``field``."""

    lag = hubspot.OVERLAP
    kind: ClassVar[str]
    field: ClassVar[str]
    modified: ClassVar[str] = "hs_lastmodifieddate"

    @property
    def client(self) -> Any:
        return hubspot.client(self.stage.url, self.token(), limiter=self.limits())

    def put(self, record: Record) -> None:
        self.hold(self.kind, self._document(record))

    def delete(self, record: Record, at: datetime) -> None:
        document = self._document(record)
        body = {**document.body, "archived": True, "archivedAt": iso_z(at)}
        self.hold(self.kind, Document(document.id, body, document.created_at, document.changed_at, archived=True))

    def purge(self, record: Record, at: datetime) -> None:
        """As privacy laws ask: no archive has it."""
        assert self.store.delete(self.source, self.kind, str(100 + record.number))

    def _document(self, record: Record) -> Document:
        created, changed, id = iso_z(record.created), iso_z(record.changed), str(100 + record.number)
        properties = {
            "hs_object_id": id,
            "createdate": created,
            self.modified: changed,
            self.field: str(record.state),
            **self.more(record),
        }
        body = {"id": id, "properties": properties, "createdAt": created, "updatedAt": changed, "archived": False}
        return Document(id, body, ms(record.created), ms(record.changed))

    def more(self, record: Record) -> dict[str, Any]:
        return {}

    def _belongs(self, record: Record, **others: list[str]) -> None:
        """Each second record belongs to some others."""
        if record.number % 2 == 0:
            self.hold(KIND, associated(self.kind, str(100 + record.number), **others))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"]) - 100, int(payload["properties"][self.field])


class Contacts(_HubSpot):
    stream = "hubspot.contacts"
    kind, field, modified = "contact", "firstname", "lastmodifieddate"

    def put(self, record: Record) -> None:
        self.hold("company", Document("9", {"id": "9", "properties": {}}, 0, 0))
        self._belongs(record, companies=["9"])
        super().put(record)

    def more(self, record: Record) -> dict[str, Any]:
        return {"email": f"{record.number}@shop.example"}


class Companies(_HubSpot):
    stream = "hubspot.companies"
    kind, field = "company", "name"


class Deals(_HubSpot):
    """With more contacts than one answer names."""

    stream = "hubspot.deals"
    kind, field = "deal", "dealname"

    def put(self, record: Record) -> None:
        self.store.set_setting("hubspot.associations_page", 2)
        for kind, id in (("company", "9"), *(("contact", str(n)) for n in range(1, 6))):
            self.hold(kind, Document(id, {"id": id, "properties": {}}, 0, 0))
        self._belongs(record, companies=["9"], contacts=["5", "1", "3", "2", "4"])
        super().put(record)

    def more(self, record: Record) -> dict[str, Any]:
        return {"dealstage": "closedwon", "hs_is_closed": "true", "hs_is_closed_won": "true"}
