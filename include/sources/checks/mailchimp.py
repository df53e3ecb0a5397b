"""Mailchimp: a key has no scopes and no end, and the platform states no rate."""

from include.destinations.base import Checked
from include.mailchimp_api import CONNECTIONS
from include.sources.mailchimp import MailchimpClient


def check(client: MailchimpClient) -> Checked:
    """Whether the key opens the list."""
    client.request("GET", "/ping")
    shown = {"fields": "id,stats.member_count"}
    found = client.request("GET", f"/lists/{client.list_id}", params=shown)
    limits = {"connections at once": CONNECTIONS, "people on the list": found["stats"]["member_count"]}
    return Checked(f"list {found['id']}", limits=limits)
