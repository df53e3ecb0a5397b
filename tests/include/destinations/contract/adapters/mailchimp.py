"""Mailchimp: a tag on one list."""

from typing import Any

import requests

from include.destinations.mailchimp import MailchimpDestination, member_id
from include.standins.mailchimp_shapes import list_body
from include.standins.request_log import Recorded
from tests.include.destinations.contract.adapter import Adapter, Call

LIST = "l1st000001"


class ADAPTER(Adapter):
    name = "mailchimp"
    calls_a_batch = 2  # onto the list, then the tag
    holds_fields = True
    changes = rf"/lists/{LIST}(/segments/\d+)?$"
    method = "POST"  # the segment is read under the same path

    def prepare(self) -> None:
        self.standins.put("mailchimp", "list", {"id": LIST, "body": list_body(LIST, "Newsletter", created_ms=1)})

    def destination(self, **arguments: Any) -> MailchimpDestination:
        account = self.standins.account("mailchimp")
        return MailchimpDestination(account["base_url"], account["token"], LIST, **arguments)

    def call(self, request: Recorded) -> Call | None:
        body = request.json() if request.method in ("POST", "PATCH") else None
        if not body:
            return None
        if request.method == "PATCH":
            answered = request.answer_json() or {}
            return Call("update", (answered.get("email_address", request.path.rsplit("/", 1)[1]).lower(),))
        if "members" in body:
            return Call("add", tuple(one["email_address"].lower() for one in body["members"]))
        for operation, field in (("add", "members_to_add"), ("remove", "members_to_remove")):
            if field in body:
                return Call(operation, tuple(address.lower() for address in body[field]))
        return None

    def members(self, key: str) -> list[str]:
        return list(self.standins.members("mailchimp").get(key, {}))

    def bad_address(self, number: int) -> str:
        return f"looks-fake-{number}@example.com"

    def field(self, key: str, address: str, column: str) -> str | None:
        member = self.standins.documents("mailchimp", f"member:{LIST}")[member_id(address)]
        return member["body"]["merge_fields"].get({"first_name": "FNAME", "last_name": "LNAME"}[column])

    def delete_audience(self, key: str, remote_id: str) -> None:
        account = self.standins.account("mailchimp")
        url = f"{account['base_url']}/3.0/lists/{LIST}/segments/{remote_id}"
        requests.delete(url, auth=("any", account["token"]), timeout=30).raise_for_status()
