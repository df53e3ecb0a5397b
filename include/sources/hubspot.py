"""HubSpot contacts, read page by page.

Source: https://developers.hubspot.com/docs/api-reference/search/guide and .../crm/objects (read 2026-11-21).

* First load: the plain listing, 100 a page. It has no cap and can be resumed at its ``after``.
* Later: search by ``lastmodifieddate``, 200 a page. A search gives 10,000 results at most, pages by offset (a contact
  that changes meanwhile moves the others), and lags behind by moments. So each page is a search of its own that begins
  at the last time stamp seen, contacts seen there are dropped, and the window begins OVERLAP early.
* Deleted contacts are in neither; the listing with ``archived=true`` names them, with the time.

Limits: 100 to 190 requests in 10 s, 5 searches a second, a search body of 3,000 characters.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import requests

from include.errors import AudienceflowError, AuthError, ConfigError, FatalError, QuotaError
from include.http_client import JsonClient, by_status, retry_after
from include.hubspot_api import RATES
from include.limits import Limiter, OwnLimits
from include.sources.mapping_reader import SEPARATOR
from include.sources.pages import Load, Page, Row, Window, page_size

OBJECTS = "/crm/v3/objects/contacts"
LISTING_SIZE = 100  # the vendor's maximum of a listing
SEARCH_SIZE = 200  # the vendor's maximum of a search
SEARCH_BODY = 3000  # characters the vendor takes
OVERLAP = timedelta(minutes=10)  # how late the search index may know a change
POLICY_PAUSES = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}


class _Next(msgspec.Struct):
    after: str


class _Paging(msgspec.Struct):
    next: _Next | None = None


class _Listing(msgspec.Struct):
    results: list[msgspec.Raw]
    paging: _Paging | None = None


class _Properties(msgspec.Struct, frozen=True):
    lastmodifieddate: str | None = None


class _Contact(msgspec.Struct):
    id: str
    properties: _Properties = _Properties()
    updatedAt: str | None = None
    archivedAt: str | None = None


_read_listing = msgspec.json.Decoder(_Listing).decode
_read_contact = msgspec.json.Decoder(_Contact).decode


def client(base_url: str, token: str, *, limiter: Limiter | None = None) -> JsonClient:
    """A session with an account; ``token`` is a private app's or an OAuth access token.

    :param limiter: the account's limits where workers share them; None: this client keeps them for itself.
    """
    return JsonClient(base_url, headers={"Authorization": f"Bearer {token}"}, classify=classify,
                      limiter=limiter or OwnLimits(RATES))


def classify(response: requests.Response) -> AudienceflowError | None:
    """HubSpot's error table: 429 names the policy that is used up; a daily one is not waited for."""
    if response.status_code == 429:
        policy = _field(response, "policyName") or "unnamed"
        pause = retry_after(response) or POLICY_PAUSES.get(policy)
        if policy == "DAILY":
            pause = max(pause or 0.0, _until_midnight())
        return QuotaError(f"answered 429: the limit {policy} is used up.", retry_after=pause, code=policy)
    if response.status_code == 403:  # the token lives, but lacks a scope
        return AuthError("answered 403: the token lacks a scope; give the private app crm.objects.contacts.read.",
                         code=_field(response, "category") or "403")
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


def contacts(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the contacts changed or archived in the window; everything when it has no beginning.

    Rows are as HubSpot sends them, keyed by id; a deleted one has ``"archived": true``. Oldest change first.

    :raises FatalError: paging repeats itself, or the mapping asks for more properties than a search takes.
    """
    wanted, listing, search = properties(mapping), page_size(mapping, LISTING_SIZE), page_size(mapping, SEARCH_SIZE)
    if window.since is None:
        begun = datetime.fromisoformat(window.state.get("listing_begun") or window.until.isoformat())
        yield from _live(client, wanted, listing, begun, window.state.get("listing_after"))
        since = None
    else:
        begun, since = window.until, window.since - OVERLAP
        yield from _changed(client, wanted, search, since, window.until)
    yield from _archived(client, wanted, listing, since)
    yield Page([], {"since": begun.isoformat()})


def total(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> int | None:
    """How many contacts there are that nobody archived, whenever they changed."""
    body = {"filterGroups": [], "properties": [], "limit": 1}
    return client.request("POST", f"{OBJECTS}/search", json=body)["total"]


LOAD = Load(total, LISTING_SIZE, calls_a_second=19.0)  # 190 in 10 s


def properties(mapping: Mapping[str, Any]) -> list[str]:
    """Every contact property the mapping names, sorted."""
    paths = [*(value for value in mapping.values() if isinstance(value, list)),
             *(path.split(SEPARATOR) for path in mapping["ids"].values())]
    return sorted({path[1] for path in paths if len(path) > 1 and path[0] == "properties"} | {"lastmodifieddate"})


def _live(client: JsonClient, wanted: list[str], size: int, begun: datetime, after: str | None) -> Iterator[Page]:
    for listing in _listings(client, wanted, size, archived=False, after=after):
        rows = [Row(_read_contact(raw).id, bytes(raw)) for raw in listing.results]
        after = listing.paging.next.after if _more(listing) else None
        yield Page(rows, {"listing_begun": begun.isoformat(), "listing_after": after} if after else None)


def _archived(client: JsonClient, wanted: list[str], size: int, since: datetime | None) -> Iterator[Page]:
    """No filter by the time of deletion exists, and the vendor keeps them for 90 days: all are read, few are kept."""
    for listing in _listings(client, wanted, size, archived=True, after=None):
        read = ((_read_contact(raw), raw) for raw in listing.results)
        rows = [Row(contact.id, bytes(raw)) for contact, raw in read
                if since is None or contact.archivedAt is None or _time(contact.archivedAt) >= since]
        if rows:
            yield Page(rows)


def _listings(client: JsonClient, wanted: list[str], size: int, *, archived: bool,
              after: str | None) -> Iterator[_Listing]:
    seen = after
    while True:
        params = {"limit": size, "properties": ",".join(wanted), "archived": str(archived).lower(),
                  "after": seen}  # None is left out of the query
        listing = client.request("GET", OBJECTS, params=params, decode=_read_listing)
        yield listing
        if not _more(listing):
            return
        if listing.paging.next.after == seen:
            raise FatalError("HubSpot: a listing names the same next page twice; paging would never end.")
        seen = listing.paging.next.after


def _more(listing: _Listing) -> bool:
    return listing.paging is not None and listing.paging.next is not None


def _changed(client: JsonClient, wanted: list[str], size: int, since: datetime, until: datetime) -> Iterator[Page]:
    """Search from time stamp to time stamp. At the last one seen others may follow, so it is asked for again."""
    begin, seen = _ms(since), set[str]()
    while True:
        found = _search(client, wanted, size, [_filter("lastmodifieddate", "GTE", begin),
                                               _filter("lastmodifieddate", "LT", _ms(until))], "lastmodifieddate")
        times = [_ms(_time(contact.properties.lastmodifieddate or contact.updatedAt)) for contact, _ in found]
        if times and (times[0] < begin or times != sorted(times)):
            raise FatalError("HubSpot: a search is not in the order that was asked for; paging would lose contacts.")
        rows = [Row(contact.id, raw) for contact, raw in found if contact.id not in seen]
        crowded = len(found) >= size and times[0] == times[-1]
        if rows and not crowded:
            yield Page(rows, {"since": _time_of(times[-1]).isoformat()})
        if len(found) < size:
            return
        if crowded:  # a mass import: more contacts in one time stamp than a page holds
            yield from _same_moment(client, wanted, size, times[0], seen)
            begin, seen = times[0] + 1, set()
        else:
            begin = times[-1]
            seen = {contact.id for (contact, _), at in zip(found, times, strict=True) if at == begin}


def _same_moment(client: JsonClient, wanted: list[str], size: int, moment: int, seen: set[str]) -> Iterator[Page]:
    """All contacts changed in one millisecond, by their ids, without those a page before it brought."""
    last = "0"
    while True:
        found = _search(client, wanted, size, [_filter("lastmodifieddate", "GTE", moment),
                                               _filter("lastmodifieddate", "LT", moment + 1),
                                               _filter("hs_object_id", "GT", last)], "hs_object_id")
        if found and int(found[-1][0].id) <= int(last):
            raise FatalError("HubSpot: a search by id gives ids that were passed already; paging would never end.")
        rows = [Row(contact.id, raw) for contact, raw in found if contact.id not in seen]
        if rows:
            yield Page(rows)
        if len(found) < size:
            return
        last = found[-1][0].id


def _search(client: JsonClient, wanted: list[str], size: int, filters: list[dict[str, str]],
            order: str) -> list[tuple[_Contact, bytes]]:
    body = {"filterGroups": [{"filters": filters}], "sorts": [{"propertyName": order, "direction": "ASCENDING"}],
            "properties": wanted, "limit": size}
    if len(orjson.dumps(body)) > SEARCH_BODY:
        raise ConfigError(f"include/sources/hubspot.yaml names {len(wanted)} properties; a search takes a body of "
                          f"{SEARCH_BODY} characters only. Take out properties that no trait or segment needs.")
    listing = client.request("POST", f"{OBJECTS}/search", json=body, decode=_read_listing)
    return [(_read_contact(raw), bytes(raw)) for raw in listing.results]


def _filter(name: str, operator: str, value: int | str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _time(text: str | None) -> datetime:
    if text is None:
        raise FatalError("HubSpot: a contact has no lastmodifieddate; it cannot be placed in a window.")
    return datetime.fromisoformat(text)


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _time_of(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
