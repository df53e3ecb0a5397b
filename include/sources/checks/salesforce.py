"""Salesforce: whether the app gets a session, and its user sees the objects; a day's calls are the whole company's."""

from include.destinations.base import Checked
from include.errors import FatalError
from include.sources.salesforce_client import SalesforceClient
from include.sources.salesforce_reading import select

OBJECTS = ("Contact", "Lead", "Account", "Opportunity", "OpportunityContactRole")


def check(client: SalesforceClient) -> Checked:
    """Ask for one record of each object."""
    missing = []
    for name in OBJECTS:
        try:
            client.query(f"{select(['Id'], name)} LIMIT 1")
        except FatalError as refused:
            if refused.code != "INVALID_TYPE":
                raise
            missing.append(f"The app's user may not read {name}: give it a permission set with read access.")
    return Checked("Salesforce account of the app", ("api",), missing=tuple(missing), quota=client.quota())
