"""HubSpot: contacts; a deleted one is archived."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from include.sources import hubspot
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record, iso_z, ms


class Contacts(PlatformAdapter):
    stream = "hubspot.contacts"
    lag = hubspot.OVERLAP

    @property
    def client(self) -> Any:
        return hubspot.client(self.stage.url, self.token(), limiter=self.limits())

    def put(self, record: Record) -> None:
        self.hold("contact", self._document(record))

    def delete(self, record: Record, at: datetime) -> None:
        document = self._document(record)
        body = {**document.body, "archived": True, "archivedAt": iso_z(at)}
        self.hold("contact", Document(document.id, body, document.created_at, document.changed_at, archived=True))

    def _document(self, record: Record) -> Document:
        created, changed, id = iso_z(record.created), iso_z(record.changed), str(100 + record.number)
        properties = {
            "hs_object_id": id,
            "createdate": created,
            "lastmodifieddate": changed,
            "email": f"{record.number}@shop.example",
            "firstname": str(record.state),
        }
        body = {"id": id, "properties": properties, "createdAt": created, "updatedAt": changed, "archived": False}
        return Document(id, body, ms(record.created), ms(record.changed))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"]) - 100, int(payload["properties"]["firstname"])
