"""TikTok: a custom audience of hashed addresses, changed by files. What is no hash never leaves the house."""

from typing import Any

import requests

from include.destinations.tiktok import TikTokDestination
from include.standins.request_log import Recorded
from include.standins.tiktok_files import BUSY
from tests.include.destinations.contract.adapter import BadRows, Call, HashedAdapter


class WithBadRows(BadRows, TikTokDestination):
    """Nothing else would ever be refused row by row."""


class ADAPTER(HashedAdapter):
    name = "tiktok"
    jobs = True
    failing_jobs = True
    debts = True
    has_minimum = True
    carries_names = False
    changes = r"/custom_audience/update/$"

    def prepare(self) -> None:
        self.need(0)
        super().prepare()

    def need(self, entries: int) -> None:
        self.standins.settings({"tiktok.minimum_size": entries})

    def destination(self, **arguments: Any) -> WithBadRows:
        account = self.standins.account("tiktok")
        return WithBadRows(account["base_url"], account["token"], account["advertiser_id"], patience=3, **arguments)

    def call(self, request: Recorded) -> Call | None:
        if not request.path.endswith("/custom_audience/update/") or _came_too_early(request):
            return None
        files, body = self.standins.documents("tiktok", "file"), request.json()
        entries = [one for path in body["file_paths"] for one in files[path]["body"]["entries"]]
        operation = "remove" if body["action"] == "REMOVE" else "add"
        return Call(operation, tuple(one.partition(":")[2] for one in entries))

    def members(self, key: str) -> list[str]:
        return [one["EMAIL"] for one in self.standins.members("tiktok").get(key, [])]

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("tiktok")
        body = {"advertiser_id": account["advertiser_id"], "custom_audience_ids": [remote_id]}
        url = f"{account['base_url']}/open_api/v1.3/dmp/custom_audience/delete/"
        headers = {"Access-Token": account["token"]}
        if requests.post(url, json=body, headers=headers, timeout=30).json()["code"] != 0:
            raise FileNotFoundError(remote_id)  # gone already, or still at work: TikTok deletes neither

    def refuse_removals(self, key: str, on: bool) -> None:
        self.standins.settings({"tiktok.refuse_removals": on})

    def fail_jobs(self, on: bool) -> None:
        self.standins.settings({"tiktok.fail_updates": on})

    def hang_jobs(self, on: bool) -> None:
        self.standins.settings({"tiktok.update_seconds": 10**9 if on else 0.3})


def _came_too_early(request: Recorded) -> bool:
    """Refused while the audience was being worked at, as a new one is for a moment: the same file is told again."""
    return (request.answer_json() or {}).get("code") == BUSY
