"""Klaviyo: profiles with what they agreed to, and what happened to them.

Source: Klaviyo API, revision 2026-07-15, OpenAPI file and guides (read 2026-11-22).

* ``updated`` takes strict greater-than and less-than only, so a window begins OVERLAP and a second early; rows that
  equal the landed version are dropped by landing. Pages are followed by their cursor, oldest change first.
* Nowhere is it said that a suppression moves ``updated``. So profiles are also asked for by the time of their
  suppressions: whoever left is seen whatever ``updated`` says.
* Events arrive late, by hours and now and then by days (others measured 110 minutes, then more than four days): a
  window reads ``late_days`` again. The metric's name and the profile's identifiers come beside them (``include``).
* Profiles that were deleted or merged away are in no listing: only a sweep over all keys tells that they are gone.

Limits: profiles 75 a second and 700 a minute; with predictive_analytics 10 and 150, so that is never asked for. Events
350 and 3,500. A page of profiles has 100, of events 1,000.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError
from include.http_client import JsonClient, by_status
from include.klaviyo_api import REVISION, api_root, cursor, headers
from include.limits import Limiter
from include.sources.mapping_reader import SEPARATOR
from include.sources.pages import SECOND, Load, Page, Row, Window, page_size

PROFILES, EVENTS = "/profiles", "/events"
PROFILES_A_PAGE, EVENTS_A_PAGE = 100, 1000  # the vendor's maxima
OVERLAP = timedelta(minutes=10)
LATE_DAYS = 7
ALWAYS = frozenset({"created", "updated", "subscriptions"})
IDENTIFIERS = "email,external_id,phone_number"
LEFT = ("suppression", "list_suppressions")


class _Links(msgspec.Struct):
    next: str | None = None


class _Attributes(msgspec.Struct):
    updated: str | None = None


class _Profile(msgspec.Struct):
    id: str
    attributes: _Attributes


class _Profiles(msgspec.Struct):
    data: list[msgspec.Raw]
    links: _Links = msgspec.field(default_factory=_Links)


class _Events(msgspec.Struct):
    data: list[dict[str, Any]]
    included: list[dict[str, Any]] = msgspec.field(default_factory=list)
    links: _Links = msgspec.field(default_factory=_Links)


_read_profiles = msgspec.json.Decoder(_Profiles).decode
_read_profile = msgspec.json.Decoder(_Profile).decode
_read_events = msgspec.json.Decoder(_Events).decode


def client(base_url: str, token: str, *, limiter: Limiter | None = None) -> JsonClient:
    """A session with an account; ``token`` is a private key that may read profiles, events and metrics."""
    return JsonClient(api_root(base_url), headers=headers(token), classify=classify, limiter=limiter)


def classify(response: requests.Response) -> AudienceflowError | None:
    """Klaviyo's error table. https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling"""
    if response.status_code == 403:
        return AuthError("answered 403: the key lacks a scope (profiles:read, events:read, metrics:read).", code="403")
    if response.status_code == 410:
        return FatalError(
            f"answered 410: revision {REVISION} of the interface is retired; a newer audienceflow is needed.",
            code="410",
        )
    return by_status(response)


def profiles(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the profiles suppressed in the window, then those updated in it, oldest change first.

    Rows are as Klaviyo sends them, keyed by id. Only attributes that the mapping names are asked for.

    :raises FatalError: paging repeats itself, or the order is not the one asked for.
    """
    since = None if window.since is None else window.since - OVERLAP
    shown = {
        "fields[profile]": ",".join(attributes(mapping)),
        "additional-fields[profile]": "subscriptions",
        "page[size]": str(page_size(mapping, PROFILES_A_PAGE)),
    }
    for name in LEFT if since is not None else ():
        field = f"subscriptions.email.marketing.{name}.timestamp"
        between = f"greater-or-equal({field},{_iso(since)}),less-than({field},{_iso(window.end(SECOND))})"
        for page in _profile_pages(client, {**shown, "filter": between, "sort": field}):
            yield Page([Row(profile.id, raw) for profile, raw in page])
    between = f"less-than(updated,{_iso(window.end(SECOND))})"
    if since is not None:
        between = f"greater-than(updated,{_iso(since - SECOND)}),{between}"
    yield from _updated(client, {**shown, "filter": between, "sort": "updated"})
    yield Page([], {"since": window.until.isoformat()})


def profile_keys(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all profiles there are, of those made since the window began, by the time they were made.

    A profile that was merged into another or erased is in no other listing.
    """
    query = {
        "fields[profile]": "created",
        "sort": "created",
        "page[size]": str(page_size(mapping, PROFILES_A_PAGE)),
    }
    if window.since is not None:
        query["filter"] = f"greater-than(created,{_iso(window.since - SECOND)})"
    for page in _profile_pages(client, query):
        yield [profile.id for profile, _ in page]


def _unknown(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> int | None:
    """Klaviyo counts nobody."""
    return None


PROFILES_LOAD = Load(_unknown, PROFILES_A_PAGE, calls_a_second=700 / 60)


def attributes(mapping: Mapping[str, Any]) -> list[str]:
    """Every attribute of a profile the mapping names, as ``fields[profile]`` spells it, sorted."""
    paths = [
        *(value for value in mapping.values() if isinstance(value, list)),
        *(path.split(SEPARATOR) for path in mapping["ids"].values()),
    ]
    named = {path[1]: path for path in paths if len(path) > 1 and path[0] == "attributes"}
    places = {f"location.{path[2]}" for path in paths if path[:2] == ["attributes", "location"] and len(path) > 2}
    return sorted(ALWAYS | (named.keys() - {"location"}) | places)


def _updated(client: JsonClient, query: Mapping[str, str]) -> Iterator[Page]:
    last: datetime | None = None
    for page in _profile_pages(client, query):
        times = [_time(profile.attributes.updated) for profile, _ in page]
        if times != sorted(times) or (times and last is not None and times[0] < last):
            raise FatalError("Klaviyo: profiles are not in the order that was asked for; paging would lose some.")
        last = times[-1] if times else last
        rows = [Row(profile.id, raw) for profile, raw in page]
        if rows:
            yield Page(rows, {"since": last.isoformat()})


def _profile_pages(client: JsonClient, query: Mapping[str, str]) -> Iterator[list[tuple[_Profile, bytes]]]:
    for page in _pages(client, PROFILES, query, _read_profiles):
        yield [(_read_profile(raw), bytes(raw)) for raw in page.data]


def events(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the events that happened in the window or up to ``late_days`` before it, oldest first.

    Rows are Klaviyo's, keyed by id: ``id``, ``attributes`` (of ``event_properties`` those the mapping names), and
    beside them ``metric`` and ``profile`` with their attributes and ids; a profile that is gone has only its id.

    :raises FatalError: paging repeats itself, or the order is not the one asked for.
    """
    since = None
    if window.since is not None:
        since = window.since - timedelta(days=mapping["options"].get("late_days", LATE_DAYS))
    elif (history := mapping["options"].get("history_days")) is not None:
        since = window.until - timedelta(days=history)
    between = f"less-than(datetime,{_iso(window.end(SECOND))})"
    if since is not None:
        between = f"greater-or-equal(datetime,{_iso(since)}),{between}"
    query = {
        "filter": between,
        "sort": "datetime",
        "include": "metric,profile",
        "fields[metric]": "name",
        "fields[profile]": IDENTIFIERS,
        "fields[event]": "datetime,event_properties",
        "page[size]": str(page_size(mapping, EVENTS_A_PAGE)),
    }
    last, kept = "", _event_properties(mapping)
    for page in _pages(client, EVENTS, query, _read_events):
        times = [_moment(one) for one in page.data]
        if times != sorted(times) or (times and times[0] < last):
            raise FatalError("Klaviyo: events are not in the order that was asked for; paging would lose some.")
        last = times[-1] if times else last
        if page.data:
            # the next window begins late_days earlier anyway: what comes late is read again
            yield Page([_event(one, _included(page.included), kept) for one in page.data], {"since": last})
    yield Page([], {"since": window.until.isoformat()})


def _moment(event: Mapping[str, Any]) -> str:
    return _time(event["attributes"].get("datetime")).isoformat()


def _included(resources: list[dict[str, Any]]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(one["type"], one["id"]): one.get("attributes") or {} for one in resources}


def _event(event: dict[str, Any], beside: Mapping[tuple[str, str], dict[str, Any]], kept: frozenset[str] | None) -> Row:
    attributes = dict(event["attributes"])
    given = attributes.get("event_properties") or {}
    attributes["event_properties"] = {name: value for name, value in given.items() if kept is None or name in kept}
    row: dict[str, Any] = {"id": event["id"], "attributes": attributes}
    for kind in ("metric", "profile"):
        named = ((event.get("relationships") or {}).get(kind) or {}).get("data")
        if named is not None:
            row[kind] = {"id": named["id"], **beside.get((kind, named["id"]), {})}
    return Row(event["id"], orjson.dumps(row))


def _event_properties(mapping: Mapping[str, Any]) -> frozenset[str] | None:
    """The event's own properties that the mapping names; None: it names some by a jsonpath, so all are kept."""
    paths = [
        *(value for value in mapping.values() if isinstance(value, list)),
        *(path.split(SEPARATOR) for block in ("ids", "properties") for path in mapping[block].values()),
    ]
    if any(path[0].startswith("$") for path in paths if path):
        return None
    return frozenset(path[2] for path in paths if path[:2] == ["attributes", "event_properties"] and len(path) > 2)


def _pages(client: JsonClient, path: str, query: Mapping[str, str], decode: Any) -> Iterator[Any]:
    """Every page, from cursor to cursor. Of the link to the next page only the cursor is used."""
    seen: set[str] = set()
    params = dict(query)
    while True:
        page = client.request("GET", path, params=params, decode=decode)
        yield page
        if page.links.next is None:
            return
        after = cursor(page.links.next)
        if after is None or after in seen:
            told = "without a cursor" if after is None else "twice"
            raise FatalError(f"Klaviyo: GET {path} names the next page {told}; paging would never end.")
        seen.add(after)
        params["page[cursor]"] = after


def _time(text: str | None) -> datetime:
    if text is None:
        raise FatalError("Klaviyo: a record has no time; it cannot be placed in a window.")
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _iso(at: datetime) -> str:
    """As filters take it, to the second, earlier by its fraction."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
