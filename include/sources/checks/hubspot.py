"""HubSpot: a private app's token does not end; a day's calls are the account's, and the answer says what is left."""

from include.destinations.base import Checked
from include.http_client import JsonClient

OBJECTS = ("contacts", "companies", "deals")


def check(client: JsonClient) -> Checked:
    """Read the id of one record of each object."""
    for name in OBJECTS:
        client.request("GET", f"/crm/v3/objects/{name}", params={"limit": "1", "properties": "createdate"})
    scopes = tuple(f"crm.objects.{name}.read" for name in OBJECTS)
    return Checked("HubSpot account of the token", scopes, quota=client.quota())
