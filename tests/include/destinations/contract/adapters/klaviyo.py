"""Klaviyo: a list that imports fill and profile ids empty."""

from typing import Any

import requests

from include.destinations.klaviyo import KlaviyoDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call


class ADAPTER(Adapter):
    name = "klaviyo"
    partial = False  # it names malformed profiles, but refuses the request they are in: one more call sends the others
    jobs = True
    failing_jobs = True
    holds_fields = True
    changes = r"/profile-bulk-import-jobs$|/relationships/profiles$"
    method = "POST|DELETE"  # jobs are listed under the same path

    def prepare(self) -> None:
        self._known: dict[str, str] = {}
        self.standins.settings({"klaviyo.limits": 100})  # limits have tests of their own
        super().prepare()

    def destination(self, **arguments: Any) -> KlaviyoDestination:
        account = self.standins.account("klaviyo")
        return KlaviyoDestination(account["base_url"], account["token"], **arguments)

    def call(self, request: Recorded) -> Call | None:
        if request.method == "POST" and request.path.endswith("/profile-bulk-import-jobs"):
            profiles = request.json()["data"]["attributes"]["profiles"]["data"]
            return Call("add", tuple(one["attributes"]["email"].lower() for one in profiles))
        if request.method == "DELETE" and request.path.endswith("/relationships/profiles"):
            return Call("remove", self._names([one["id"] for one in request.json()["data"]]))
        return None

    def _names(self, ids: list[str]) -> tuple[str, ...]:
        """Addresses by profile id; an id keeps its address, so all are read only when one is new."""
        if not self._known.keys() >= set(ids):
            profiles = self.standins.documents("klaviyo", "profile")
            self._known = {id: one["body"]["email"].lower() for id, one in profiles.items()}
        return tuple(self._known[id] for id in ids)

    def members(self, key: str) -> list[str]:
        return list(self.standins.members("klaviyo").get(key, {}))

    def bad_address(self, number: int) -> str:
        """Some are refused at once, some when the import gets to them."""
        return f"two..dots.{number}@shop.example" if number % 2 else f"p{number}@shop.invalid"

    def field(self, key: str, address: str, column: str) -> str | None:
        return self.standins.members("klaviyo")[key][address.lower()].get(column)

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("klaviyo")
        headers = {"Authorization": f"Klaviyo-API-Key {account['token']}", "revision": "2026-07-15"}
        requests.delete(f"{account['base_url']}/api/lists/{remote_id}", headers=headers, timeout=30).raise_for_status()

    def fail_jobs(self, on: bool) -> None:
        self.standins.settings({"klaviyo.cancelled_after": 0 if on else None})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"klaviyo.job_seconds": 10**9 if on else 0.8})
