"""HubSpot: a manual list, and contacts made where there are none."""

from typing import Any

import requests

from include.destinations.hubspot import HubSpotDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call


class ADAPTER(Adapter):
    name = "hubspot"
    calls_a_batch = 2  # made contacts, then put on the list
    holds_fields = True
    changes = r"/batch/upsert$|/memberships/(add|remove)$"

    def prepare(self) -> None:
        self._known: dict[str, str] = {}
        self.standins.settings({"hubspot.limit": [100_000, 10]})  # limits have tests of their own
        super().prepare()

    def destination(self, **arguments: Any) -> HubSpotDestination:
        account = self.standins.account("hubspot")
        return HubSpotDestination(account["base_url"], account["token"], account["app_id"], **arguments)

    def call(self, request: Recorded) -> Call | None:
        if request.path.endswith("/batch/upsert"):
            return Call("update", tuple(one["id"].lower() for one in request.json()["inputs"]))
        if request.path.endswith(("/memberships/add", "/memberships/remove")):
            return Call("add" if request.path.endswith("add") else "remove", self._names(request.json()))
        return None

    def _names(self, ids: list[str]) -> tuple[str, ...]:
        """Addresses by record id; an id keeps its address, so all are read only when one is new."""
        if not self._known.keys() >= set(ids):
            contacts = self.standins.documents("hubspot", "contact")
            self._known = {id: one["body"]["properties"]["email"].lower() for id, one in contacts.items()}
        return tuple(self._known[id] for id in ids)

    def members(self, key: str) -> list[str]:
        return list(self.standins.members("hubspot").get(key, {}))

    def bad_address(self, number: int) -> str:
        return f"two..dots.{number}@shop.example"

    def field(self, key: str, address: str, column: str) -> str | None:
        name = {"first_name": "firstname", "last_name": "lastname"}[column]
        return self.standins.members("hubspot")[key][address.lower()].get(name)

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("hubspot")
        headers = {"Authorization": f"Bearer {account['token']}"}
        url = f"{account['base_url']}/crm/v3/lists/{remote_id}"
        requests.delete(url, headers=headers, timeout=30).raise_for_status()
