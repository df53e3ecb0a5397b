"""Matomo: a token has no end; whether it may view a site shows by asking about it."""

from include.destinations.base import Checked
from include.sources.matomo import MatomoClient


def check(client: MatomoClient) -> Checked:
    """Ask each site for its time zone, as every landing does."""
    for site in client.site_ids:
        client.ask("SitesManager.getSiteFromId", idSite=site)
    return Checked(f"sites {', '.join(client.site_ids)}", ("view",))
