"""HubSpot: a private app's token does not end; a day's calls are the account's, and the answer says what is left."""

from include.destinations.base import Checked
from include.http_client import JsonClient

SCOPES = ("crm.objects.contacts.read",)


def check(client: JsonClient) -> Checked:
    """Read one contact's id."""
    client.request("GET", "/crm/v3/objects/contacts", params={"limit": "1", "properties": "createdate"})
    return Checked("HubSpot account of the token", SCOPES, quota=client.quota())
