"""HubSpot contacts, companies and deals.

Source: https://developers.hubspot.com/docs/api-reference/search/guide, .../crm/objects and .../crm/associations (read
2026-11-21). How an object is read stands in `hubspot_reading`, how what belongs to it in `hubspot_associations`.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from include.http_client import JsonClient, by_status, retry_after
from include.hubspot_api import RATES
from include.limits import Limiter, OwnLimits
from include.sources import hubspot_reading
from include.sources.hubspot_reading import LISTING_SIZE, OVERLAP, Kind
from include.sources.pages import Load, Page, Window

__all__ = ["LOADS", "OVERLAP", "classify", "client", "companies", "contacts", "deals"]

CONTACTS = Kind("contacts", "lastmodifieddate", ("companies",))
COMPANIES = Kind("companies", "hs_lastmodifieddate")
DEALS = Kind("deals", "hs_lastmodifieddate", ("companies", "contacts"))
POLICY_PAUSES = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}


def client(base_url: str, token: str, *, limiter: Limiter | None = None) -> JsonClient:
    """A session with an account; ``token`` is a private app's or an OAuth access token.

    :param limiter: the account's limits where workers share them; None: this client keeps them for itself.
    """
    headers = {"Authorization": f"Bearer {token}"}
    return JsonClient(base_url, headers=headers, classify=classify, limiter=limiter or OwnLimits(RATES))


def contacts(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the contacts changed or archived in the window; everything when it has no beginning.

    Rows are as HubSpot sends them, keyed by id, with the companies they belong to; a deleted one has
    ``"archived": true``. Oldest change first.

    :raises FatalError: paging repeats itself, or the mapping asks for more properties than a search takes.
    """
    yield from hubspot_reading.read(client, CONTACTS, window, mapping)


def companies(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the companies changed or archived in the window, as `contacts` does."""
    yield from hubspot_reading.read(client, COMPANIES, window, mapping)


def deals(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the deals changed or archived in the window with their companies and contacts, as `contacts` does."""
    yield from hubspot_reading.read(client, DEALS, window, mapping)


def contact_keys(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all contacts there are; one that was deleted for good, as privacy laws ask, is in no other listing."""
    yield from hubspot_reading.keys(client, CONTACTS, mapping)


def company_keys(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all companies, as `contact_keys` gives them."""
    yield from hubspot_reading.keys(client, COMPANIES, mapping)


def deal_keys(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all deals, as `contact_keys` gives them."""
    yield from hubspot_reading.keys(client, DEALS, mapping)


def _load(kind: Kind) -> Load:
    """By the search's own count of what nobody archived; 190 calls in 10 s."""

    def total(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> int:
        body = {"filterGroups": [], "sorts": [], "properties": [], "limit": 1}
        return client.request("POST", f"{kind.path}/search", json=body)["total"]

    return Load(total, LISTING_SIZE, calls_a_second=19.0)


LOADS = {kind.name: _load(kind) for kind in (CONTACTS, COMPANIES, DEALS)}


def classify(response: requests.Response) -> AudienceflowError | None:
    """HubSpot's error table: 429 names the policy that is used up; a daily one is not waited for."""
    if response.status_code == 429:
        policy = _field(response, "policyName") or "unnamed"
        pause = retry_after(response) or POLICY_PAUSES.get(policy)
        if policy == "DAILY":
            pause = max(pause or 0.0, _until_midnight())
        return QuotaError(f"answered 429: the limit {policy} is used up.", retry_after=pause, code=policy)
    if response.status_code == 403:  # the token lives, but lacks a scope
        return AuthError(
            "answered 403: the token lacks a scope; give the private app crm.objects.contacts.read, "
            "crm.objects.companies.read and crm.objects.deals.read.",
            code=_field(response, "category") or "403",
        )
    problem = by_status(response)
    if type(problem) is FatalError:
        category = _field(response, "category")
        return FatalError(f"answered {response.status_code} {category or ''}: the request is refused.", code=category)
    return problem


def _field(response: requests.Response, name: str) -> str | None:
    try:
        value = orjson.loads(response.content).get(name)
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None


def _until_midnight() -> float:
    """Seconds until the daily limit begins anew; the account's zone is not known, UTC is near enough to give up."""
    now = datetime.now(UTC)
    return (now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1) - now).total_seconds()
