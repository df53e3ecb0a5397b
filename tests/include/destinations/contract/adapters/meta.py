"""Meta: a custom audience of hashed addresses. It counts bad rows and names none."""

from typing import Any

import orjson
import requests

from include.destinations.meta import VERSION, MetaDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import BadRows, Call, HashedAdapter


class WithBadRows(BadRows, MetaDestination):
    """Nothing else would ever be refused row by row."""


class ADAPTER(HashedAdapter):
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

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("meta")
        url = f"{account['base_url']}/{VERSION}/{remote_id}"
        requests.delete(url, params={"access_token": account["token"]}, timeout=30).raise_for_status()

    def refuse_removals(self, key: str, on: bool) -> None:
        [document] = [one for one in self.standins.documents("meta", "audience").values() if one["body"]["name"] == key]
        self.standins.put("meta", "audience", {"id": document["id"], "body": {**document["body"], "_flagged": on}})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"meta.session_seconds": 10**9 if on else 0.3})
