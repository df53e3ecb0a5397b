"""Recorded requests, read for whom they name and what they change."""

import re

import orjson

from include.standins.request_log import Recorded


def addresses_sent(requests: list[Recorded]) -> set[str]:
    """Every e-mail address in a request that changes something and names people by it, save those only taken out."""
    found: set[str] = set()
    for one in requests:
        if one.platform == "brevo" and one.path.endswith("/contacts/remove"):
            continue
        if one.platform in ("mailchimp", "klaviyo", "hubspot", "brevo") and changes(one):
            body = one.json() or {}
            if isinstance(body, dict):  # HubSpot's lists are changed by lists of record ids
                body.pop("members_to_remove", None)
            found |= set(re.findall(r"[^\s\"@]+@[^\s\"@]+", orjson.dumps(body).decode()))
    return found


def changes(request: Recorded) -> bool:
    """Whether a request is there to change something: HubSpot is also read by POST."""
    return request.method != "GET" and not request.path.endswith(("/search", "/batch/read"))


def hashes_sent(requests: list[Recorded]) -> set[tuple[str, str]]:
    """Every pair (hash of e-mail, hash of phone) added at Meta."""
    found: set[tuple[str, str]] = set()
    for one in requests:
        if one.platform == "meta" and one.method == "POST" and one.path.endswith("/users"):
            payload = one.json()["payload"]
            places = [payload["schema"].index(name) for name in ("EMAIL", "PHONE")]
            found |= {(row[places[0]], row[places[1]]) for row in payload["data"]}
    return found


def everything_sent(requests: list[Recorded]) -> str:
    """Bodies and addresses of requests, as one text."""
    return "\n".join(f"{one.path}?{one.query} {one.body.decode(errors='replace')}" for one in requests)
