"""Matomo: a token has no scopes, it sees sites or it does not; one that ends does not say when."""

from datetime import UTC, datetime, timedelta

from include.destinations.base import Checked
from include.sources.matomo_client import MatomoClient


def check(client: MatomoClient) -> Checked:
    """Whether the token sees every site, and whether their visits name browsers."""
    missing = [
        f"Matomo: site {id} keeps no visits log, so its visits name nobody; switch on visits log and visitor profiles "
        "in the site's privacy settings."
        for id in client.site_ids
        if not _names_browsers(client, id)
    ]
    return Checked(f"sites {', '.join(client.site_ids)}", missing=tuple(missing))


def _names_browsers(client: MatomoClient, id: str) -> bool:
    """Of the newest visit of a week; a site without one is believed."""
    client.ask("SitesManager.getSiteFromId", idSite=id)
    today = datetime.now(UTC).date()
    days = f"{today - timedelta(days=7)},{today}"
    found = client.ask("Live.getLastVisitsDetails", idSite=id, period="range", date=days, filter_limit=1,
                       doNotFetchActions=1, hideColumns="visitIp")
    return not found or bool(found[0].get("visitorId"))
