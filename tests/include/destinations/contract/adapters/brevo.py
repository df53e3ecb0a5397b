"""Brevo: a list that imports fill. An import tells of no row; whoever it left out is looked for."""

from typing import Any

import requests

from include.destinations.brevo import BrevoDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call


class ADAPTER(Adapter):
    name = "brevo"
    jobs = True
    failing_jobs = True
    holds_fields = True
    changes = r"/contacts/import$|/contacts/remove$"

    def destination(self, **arguments: Any) -> BrevoDestination:
        account = self.standins.account("brevo")
        return BrevoDestination(account["base_url"], account["token"], poll_seconds=0, **arguments)

    def call(self, request: Recorded) -> Call | None:
        if request.path.endswith("/contacts/import"):
            return Call("add", tuple(row["email"].lower() for row in request.json()["jsonBody"]))
        if request.path.endswith("/contacts/remove"):
            return Call("remove", tuple(address.lower() for address in request.json()["emails"]))
        return None

    def members(self, key: str) -> list[str]:
        return self.standins.members("brevo").get(key, [])

    def bad_address(self, number: int) -> str:
        return f"two..dots.{number}@shop.example"

    def field(self, key: str, address: str, column: str) -> str | None:
        contacts = [one["body"] for one in self.standins.documents("brevo", "contact").values()]
        [contact] = [one for one in contacts if one["email"] == address.lower()]
        return contact["attributes"].get({"first_name": "FIRSTNAME", "last_name": "LASTNAME"}[column])

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("brevo")
        url = f"{account['base_url']}/v3/contacts/lists/{remote_id}"
        requests.delete(url, headers={"api-key": account["token"]}, timeout=30).raise_for_status()

    def fail_jobs(self, on: bool) -> None:
        self.standins.settings({"brevo.imports_fail": on})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"brevo.process_seconds": 10**9 if on else 0.3})
