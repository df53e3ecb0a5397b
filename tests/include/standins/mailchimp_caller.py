"""A plain caller of Mailchimp's interface: no connector, so that tests see the platform alone."""

import hashlib
from typing import Any

import requests

from tests.standins import Standins


class Mailchimp:
    """``call`` returns the answer, whatever its status."""

    def __init__(self, standins: Standins) -> None:
        account = standins.account("mailchimp")
        self.standins = standins
        self.list_id = account["list_id"]
        self.list = f"/lists/{self.list_id}"
        self._base = account["base_url"] + "/3.0"
        self._session = requests.Session()
        self._session.auth = ("any", account["token"])

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> requests.Response:
        return self._session.request(method, self._base + path, json=json, params=params, timeout=60)

    def member(self, address: str) -> str:
        """The path of a member."""
        return f"{self.list}/members/{hashlib.md5(address.lower().encode(), usedforsecurity=False).hexdigest()}"

    def put(self, address: str, status_if_new: str = "subscribed", **body: Any) -> requests.Response:
        return self.call(
            "PUT", self.member(address), {"email_address": address, "status_if_new": status_if_new, **body}
        )

    def batch(self, *members: dict[str, Any], **options: Any) -> dict[str, Any]:
        return self.call("POST", self.list, {"members": list(members), **options}).json()

    def status(self, address: str) -> str:
        return self.call("GET", self.member(address)).json()["status"]

    def segment(self, name: str, *addresses: str) -> str:
        """Make a static segment; its path."""
        made = self.call("POST", self.list + "/segments", {"name": name, "static_segment": list(addresses)}).json()
        return f"{self.list}/segments/{made['id']}"

    def leaves_by_themselves(self, address: str) -> None:
        """What the platform notes when a person clicks unsubscribe."""
        kind = f"member:{self.list_id}"
        id = self.member(address).rpartition("/")[2]
        body = self.standins.documents("mailchimp", kind)[id]["body"]
        self.standins.put(
            "mailchimp",
            kind,
            {"id": id, "body": {**body, "status": "unsubscribed", "unsubscribe_reason": "No longer interested"}},
        )
