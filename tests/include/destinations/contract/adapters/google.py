"""Google: a user list of hashed identifiers, filled and emptied by requests that are worked off later."""

from typing import Any

import orjson

from include.destinations.google import GoogleDestination
from include.destinations.normalise_google import email
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call, sha256

FAILED = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
REFUSED = "PROCESSING_ERROR_REASON_INVALID_FORMAT"


class ADAPTER(Adapter):
    name = "google"
    jobs = True
    failing_jobs = True
    debts = True
    carries_names = False
    changes = r"/audienceMembers:(ingest|remove)$"

    def destination(self, **arguments: Any) -> GoogleDestination:
        account = self.standins.account("google")
        return GoogleDestination(
            account["base_url"], account["token"], account["account_id"], terms="ACCEPTED", **arguments
        )

    def call(self, request: Recorded) -> Call | None:
        verb = request.path.rpartition(":")[2]
        if verb not in ("ingest", "remove"):
            return None
        members = orjson.loads(request.body)["audienceMembers"]
        named = [one for member in members for one in member["userData"]["userIdentifiers"]]
        return Call("add" if verb == "ingest" else "remove", tuple(one["emailAddress"] for one in named))

    def arrivals(self) -> list[float]:
        """Without the sign-ins, which go to another host and count against no quota of the account."""
        return [one.at for one in self.recorded() if one.path != "/google/token"]

    def members(self, key: str) -> list[str]:
        return [one["EMAIL"] for one in self.standins.members("google").get(key, [])]

    def wire(self, address: str) -> str:
        return sha256(email(address) or "")

    def bad_address(self, number: int) -> str:
        address = f"refused-{number}@shop.example"
        self._refused = {**getattr(self, "_refused", {}), self.wire(address): REFUSED}
        self.standins.settings({"google.refused": self._refused})
        return address

    def delete_audience(self, key: str, remote_id: str) -> None:
        lists = self.standins.documents("google", "list")
        url = f"{self.standins.account('google')['base_url']}/v1/{lists[remote_id]['body']['name']}"
        authorised = self.destination()._client._session
        authorised.delete(url, timeout=30).raise_for_status()

    def refuse_removals(self, key: str, on: bool) -> None:
        self.standins.settings({"google.sensitive_lists": [key] if on else []})

    def fail_jobs(self, on: bool) -> None:
        self.standins.settings({"google.fail_requests": FAILED if on else None})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"google.request_seconds": 10**9 if on else 0.3})
