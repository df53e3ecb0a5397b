"""Klaviyo: the key is read with; which scopes it has, the platform says only by refusing."""

from include.destinations.base import Checked
from include.http_client import JsonClient


def check(client: JsonClient) -> Checked:
    """Read one profile and one event."""
    client.request("GET", "/profiles", params={"page[size]": "1", "fields[profile]": "created"})
    client.request("GET", "/events", params={"page[size]": "1", "fields[event]": "datetime", "sort": "datetime"})
    return Checked("Klaviyo account of the key", ("profiles:read", "events:read"), quota=client.quota())
