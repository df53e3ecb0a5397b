"""Salesforce: objects the user may read, and what is left of the company's calls of a rolling day."""

from include.destinations.base import Checked
from include.sources.salesforce_client import SalesforceClient

OBJECTS = ("Contact", "Lead", "Account", "Opportunity")


def check(client: SalesforceClient) -> Checked:
    """Read one id of each object that streams are made of.

    :raises AuthError, FatalError: the credentials are refused, or the user does not see an object.
    """
    for name in OBJECTS:
        client.query(f"SELECT Id FROM {name} LIMIT 1")  # noqa: S608 (names of ours, and SOQL only reads)
    return Checked(
        "Salesforce company of the connected app", tuple(f"read {name}" for name in OBJECTS), quota=client.quota()
    )
