"""Meta: a custom audience of hashed addresses. It counts bad rows and names none."""

from collections.abc import Mapping
from typing import Any

import orjson
import requests

from include.destinations.meta import VERSION, MetaDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call, sha256


class WithBadRows(MetaDestination):
    """Addresses of ``bad.example`` go out as what is no hash: nothing else would ever be invalid to Meta."""

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        address = person["email"]
        return {"email": _no_hash(address)} if address.endswith("@bad.example") else super().identify(person)


def _no_hash(address: str) -> str:
    return f"no hash {address.partition('@')[0]}"


class ADAPTER(Adapter):
    name = "meta"
    partial = False
    jobs = True
    debts = True
    changes = r"/users$"

    def destination(self, **arguments: Any) -> WithBadRows:
        account = self.standins.account("meta")
        return WithBadRows(account["base_url"], account["token"], account["account_id"], **arguments)

    def call(self, request: Recorded) -> Call | None:
        if not request.path.endswith("/users"):
            return None
        payload = orjson.loads(request.body)["payload"]
        place = payload["schema"].index("EMAIL")
        operation = "remove" if request.method == "DELETE" else "add"
        return Call(operation, tuple(row[place] for row in payload["data"]))

    def members(self, key: str) -> list[str]:
        return [user["EMAIL"] for user in self.standins.members("meta").get(key, [])]

    def wire(self, address: str) -> str:
        return _no_hash(address) if address.endswith("@bad.example") else sha256(address)

    def bad_address(self, number: int) -> str:
        return f"{number}@bad.example"

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("meta")
        url = f"{account['base_url']}/{VERSION}/{remote_id}"
        requests.delete(url, params={"access_token": account["token"]}, timeout=30).raise_for_status()

    def refuse_removals(self, key: str, on: bool) -> None:
        [document] = [one for one in self.standins.documents("meta", "audience").values() if one["body"]["name"] == key]
        self.standins.put("meta", "audience", {"id": document["id"], "body": {**document["body"], "_flagged": on}})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"meta.session_seconds": 10**9 if on else 0.3})
