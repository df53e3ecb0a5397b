"""Brevo: contacts with who may not be written to, and what recipients did with e-mails.

Source: Brevo API v3, OpenAPI file and "Rate limits" (read 2026-11-22).

* Contacts go by offset, 1,000 at most, in the order of their creation, whatever filter is set. One that is changed
  meanwhile comes into the filter at its old place and pushes the others back; one that is deleted pulls them forward.
  So each page begins a few contacts before the end of the last one and must reach back to it; where it does not, it is
  asked for again further in front. Contacts that were passed already are left out by their id.
* A deleted contact is in no listing: only a sweep over all keys tells that it is gone.
* E-mail statistics know a day, not a moment, at most 90 days at once, and have no ids: an event is told from others by
  what it says. Kinds of no use (requests, delivered, …) are most of them, so each kind the mapping names is asked for
  by itself: some calls more of 100 an HOUR, thousands of rows less. Their order is that of their creation.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import blake2b
from typing import Any

import msgspec
import orjson

from include.brevo_api import api_root, classify, headers
from include.errors import FatalError
from include.http_client import JsonClient
from include.limits import Limiter
from include.sources.pages import Load, Page, Row, Window, page_size

CONTACTS, STATISTICS = "/contacts", "/smtp/statistics/events"
CONTACTS_A_PAGE, EVENTS_A_PAGE = 1000, 5000  # the vendor's maxima
MOST_DAYS = 90  # of one question about statistics, by the vendor
OVERLAP = timedelta(minutes=10)
BACK = 10  # contacts a page begins before the end of the last one: so many may be deleted between two pages unnoticed
LATE_DAYS = 3  # statistics of a day are asked for again so long
TOLD = ("email", "date", "event", "messageId", "subject", "reason", "tag", "link", "templateId")


class _Contact(msgspec.Struct):
    id: int


class _Contacts(msgspec.Struct):
    contacts: list[msgspec.Raw] = msgspec.field(default_factory=list)
    count: int = 0


_read_contacts = msgspec.json.Decoder(_Contacts).decode
_read_contact = msgspec.json.Decoder(_Contact).decode


def client(base_url: str, token: str, *, limiter: Limiter | None = None) -> JsonClient:
    """A session with an account; ``token`` is the API key."""
    return JsonClient(api_root(base_url), headers=headers(token), classify=classify, limiter=limiter)


def contacts(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the contacts changed since the window began, in the order of their ids; all when it has no beginning.

    Rows are as Brevo sends them, keyed by id. There is no filter for the window's end: who changed after it is here
    too, and once more next time. A first load that was resumed ends with what changed since it began.

    :raises FatalError: the order is not that of creation.
    """
    size, since = page_size(mapping, CONTACTS_A_PAGE), window.since
    if since is None:
        begun = window.state.get("listing_begun") or window.until.isoformat()
        place = window.state.get("listing_passed", 0), window.state.get("listing_last", 0)
        for rows, passed, last in _contacts(client, None, *place, size):
            yield Page(rows, {"listing_begun": begun, "listing_passed": passed, "listing_last": last})
        since = datetime.fromisoformat(begun)
    if since < window.until:  # not after a first load that went through at once
        for rows, _, _ in _contacts(client, since - OVERLAP, 0, 0, size):
            yield Page(rows)
    yield Page([], {"since": window.until.isoformat()})


def _total(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> int | None:
    return _listing(client, window.since, 0, 1).count


CONTACTS_LOAD = Load(_total, CONTACTS_A_PAGE, calls_a_second=10.0)


def contact_keys(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all contacts there are, in the order they were made; who was deleted is in no other listing.

    Where the window begins makes no difference: nobody who is there is left out.
    """
    for rows, _, _ in _contacts(client, None, 0, 0, page_size(mapping, CONTACTS_A_PAGE)):
        yield [row.key for row in rows]


def _contacts(
    client: JsonClient, since: datetime | None, passed: int, last: int, size: int
) -> Iterator[tuple[list[Row], int, int]]:
    """Pages of contacts behind the id ``last``, with how many are passed by then and the new last id."""
    back = min(BACK, max(1, size // 4))
    offset = max(0, passed - back)
    while True:
        found = _ask(client, since, offset, size)
        ids = [id for id, _ in found]
        if ids != sorted(set(ids)):
            raise FatalError("Brevo: contacts are not in the order of their creation; paging would lose some.")
        if offset and (not ids or ids[0] > last):  # some before were deleted: those behind have moved to the front
            offset = max(0, offset - max(1, size // 2))
            continue
        rows = [Row(str(id), raw) for id, raw in found if id > last]
        passed, last = offset + len(found), max([last, *ids])
        if rows:
            yield rows, passed, last
        if len(found) < size:
            return
        offset = passed - back


def _ask(client: JsonClient, since: datetime | None, offset: int, size: int) -> list[tuple[int, bytes]]:
    return [(_read_contact(raw).id, bytes(raw)) for raw in _listing(client, since, offset, size).contacts]


def _listing(client: JsonClient, since: datetime | None, offset: int, size: int) -> _Contacts:
    params = {
        "limit": size,
        "offset": offset,
        "sort": "asc",
        "modifiedSince": None if since is None else _iso(since),
    }
    return client.request("GET", CONTACTS, params=params, decode=_read_contacts)


def events(client: JsonClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield what the window's days, and ``late_days`` before it, know of e-mails: the kinds that the mapping names.

    ``email``, ``date``, ``event``, ``messageId``, and ``link``, ``reason``, ``tag``, ``subject``, ``templateId`` where
    there are such; the address of the reader's machine is left at the platform. The key is made of all that tells one
    event from another; what is told twice counts once.
    """
    options, size = mapping["options"], page_size(mapping, EVENTS_A_PAGE)
    if window.since is None:
        first = window.until - timedelta(days=options.get("history_days", MOST_DAYS) - 1)
    else:
        first = window.since - timedelta(days=options.get("late_days", LATE_DAYS))
    for begin, end in _spans(first.date(), window.until.date()):
        for kind in mapping["events_names"]:
            for found in _statistics(client, kind, begin, end, size):
                rows = list({row.key: row for row in map(_event, found)}.values())
                if rows:
                    yield Page(rows)
    yield Page([], {"since": window.until.isoformat()})


def _spans(first: date, last: date) -> Iterator[tuple[date, date]]:
    """Days from ``first`` to ``last``, both included, in spans that one question may have.

    Whose midnight a day begins at, the vendor does not say: what is of tomorrow there is read with the late days.
    """
    while first <= last:
        end = min(last, first + timedelta(days=MOST_DAYS - 1))
        yield first, end
        first = end + timedelta(days=1)


def _statistics(client: JsonClient, kind: str, begin: date, end: date, size: int) -> Iterator[list[dict[str, Any]]]:
    """By offset: new ones are put behind the others. Only the end of the vendor's keeping takes some away in front."""
    offset = 0
    while True:
        params = {
            "event": kind,
            "startDate": begin.isoformat(),
            "endDate": end.isoformat(),
            "sort": "asc",
            "limit": size,
            "offset": offset,
        }
        found = (client.request("GET", STATISTICS, params=params) or {}).get("events") or []
        yield found
        offset += len(found)
        if len(found) < size:
            return


def _event(told: Mapping[str, Any]) -> Row:
    known = {name: told[name] for name in TOLD if told.get(name) is not None}
    digest = blake2b(orjson.dumps([known.get(name) for name in TOLD]), digest_size=12).hexdigest()
    return Row(f"{known.get('event')}:{known.get('date')}:{digest}", orjson.dumps(known))


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
