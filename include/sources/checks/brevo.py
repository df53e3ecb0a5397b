"""Brevo: a key has no scopes and no end; contacts have limits of a second and an hour, all else 100 an hour."""

from include.destinations.base import Checked
from include.http_client import JsonClient


def check(client: JsonClient) -> Checked:
    """The account the key opens, and what is left of the calls its statistics are read with."""
    account = client.request("GET", "/account")
    quota = client.quota()
    client.request("GET", "/contacts", params={"limit": 1, "offset": 0})
    return Checked(str(account.get("companyName", "")), quota=quota)
