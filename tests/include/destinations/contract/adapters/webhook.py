"""A webhook: somebody's receiver that verifies signatures."""

from typing import Any

import orjson
import requests

from include.destinations.webhook import WebhookDestination
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call

OPERATIONS = {"added": "add", "updated": "update", "removed": "remove"}


class ADAPTER(Adapter):
    name = "webhook"
    holds_fields = True
    debts = True
    marks_quiet = True
    knows_repeats = True
    changes = r"/events$"
    method = "POST"  # whether an audience is held is asked with GET

    def destination(self, **arguments: Any) -> WebhookDestination:
        account = self.standins.account("webhook")
        return WebhookDestination(f"{account['base_url']}/events", account["token"], **arguments)

    def call(self, request: Recorded) -> Call | None:
        if request.method != "POST":
            return None
        event = orjson.loads(request.body)
        kind, _, verb = event["type"].rpartition(".")
        if kind != "audience.members":
            return None
        return Call(OPERATIONS[verb], tuple(one["identifiers"]["email"] for one in event["data"]["members"]))

    def members(self, key: str) -> list[str]:
        return list(self.standins.members("webhook").get(key, {}))

    def bad_address(self, number: int) -> str:
        return f"p{number}@refused.example"

    def field(self, key: str, address: str, column: str) -> str | None:
        return self.standins.members("webhook")[key][address].get(column)

    def call_ids(self) -> list[str]:
        return [one.headers["webhook-id"] for one in self.recorded() if self.call(one) is not None]

    def last_is_quiet(self) -> bool:
        return "quiet" in self.recorded()[-1].json()["data"]

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("webhook")
        requests.delete(f"{account['base_url']}/audiences/{key}", timeout=30).raise_for_status()

    def refuse_removals(self, key: str, on: bool) -> None:
        self.standins.settings({"webhook.keeps": on})
