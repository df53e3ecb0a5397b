"""Matomo visits, read day by day through the Reporting API.

Source: https://developer.matomo.org/api-reference/reporting-api (module Live) and Matomo's own code of that module
(read 2026-11-22). A day is one of the site's own time zone, and a visit belongs to the day of its LAST action: while it
is open it grows, and may leave one day for the next. Visits come in the order of their last action, so an offset would
skip somebody whenever a visit grows. Each page is therefore a question of its own that begins at the last second seen
(``minTimestamp`` is strictly later-than); a second that holds more than a page is asked for with a larger one.

Errors come as HTTP 200. The token goes in the body of a POST, where no log of a server or proxy keeps it. Addresses of
machines, coordinates, the browser's fingerprint and query strings are left at the platform unless the mapping's options
ask for them. Matomo sets no limits; a large installation aborts questions that take too long.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from include.errors import FatalError
from include.sources.matomo_client import MatomoClient, client
from include.sources.pages import Page, Row, Window, page_size

PAGE_SIZE = 5_000  # visits with their actions; Matomo names no maximum, its database has one
REREAD_DAYS = 1  # days before the window that are read again: actions that the tracker's queue wrote late
PURGED_DAYS = 180  # Matomo may delete raw visits of that age of itself: their absence is no deletion of a person's
HISTORY_DAYS = 365  # how far back a first load goes, unless the site is younger
LARGEST_PAGE = 32_000  # for a second that holds more than a page (a log file that was imported)
VISIT = ("idSite", "idVisit", "visitorId", "userId", "visitorType", "visitCount", "visitDuration", "actions",
         "searches", "events", "goalConversions", "visitEcommerceStatus", "referrerType", "referrerName",
         "referrerKeyword", "referrerUrl", "deviceType", "operatingSystemName", "browserName", "languageCode",
         "countryCode", "siteCurrency", "firstActionTimestamp", "lastActionTimestamp")
ACTION = ("type", "url", "timestamp", "timeSpent", "goalId", "goalName", "revenue", "siteSearchKeyword",
          "siteSearchCategory", "eventCategory", "eventAction", "eventName")
ADDRESSES = ("visitIp",)
URLS = ("url", "referrerUrl")
__all__ = ["MatomoClient", "client", "visits"]


@dataclass(frozen=True)
class _Site:
    id: str
    zone: tzinfo
    created_at: datetime

    def day_of(self, at: datetime) -> date:
        return at.astimezone(self.zone).date()

    def start_of(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone).astimezone(UTC)


@dataclass(frozen=True)
class _Kept:
    """What of a visit is landed, how many are asked for at once, and the zones of the sites."""

    visit: tuple[str, ...]
    queries: bool
    page_size: int
    zones: Mapping[str, tzinfo]


def visits(client: MatomoClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the visits whose last action lies in the window's days, oldest first; a visit that grew comes again.

    Rows are as Matomo sends them, cut down to VISIT and ACTION, keyed by site, day of the first action and ``idVisit``.
    A first load can be resumed behind each day. Later loads read a few days whole: a visit that began in them and does
    not come any more was deleted at Matomo, by somebody's wish to be forgotten, and is gone.

    :raises FatalError: visits are not in the order that was asked for, or paging repeats itself.
    """
    options, loading = mapping["options"], window.since is None or bool(window.state.get("loading"))
    sites = [_site(client, id) for id in client.site_ids]
    kept = _Kept(VISIT + (ADDRESSES if options.get("keep_addresses") else ()), bool(options.get("keep_queries")),
                 page_size(mapping, PAGE_SIZE), {site.id: site.zone for site in sites})
    begins = {site.id: _begin(site, window, options) for site in sites}
    day, last = min(begins.values()), max(site.day_of(window.until) for site in sites)
    while day <= last:
        for site in sites:
            if begins[site.id] <= day <= site.day_of(window.until):
                yield from _day(client, site, day, kept)
        day += timedelta(days=1)
        done = min(site.start_of(day) for site in sites)
        if loading and done < window.until:
            yield Page([], {"since": done.isoformat(), "loading": True})
    if not loading:
        for site in sites:
            yield Page([], whole=_read_whole(site, begins[site.id], window.until, options))
    yield Page([], {"since": window.until.isoformat()})


def _read_whole(site: _Site, begin: date, until: datetime, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Beginnings of keys of the days whose visits were all read.

    The last day is not among them: who began a visit then may since have gone on into a day that was not read.
    """
    oldest = site.day_of(until) - timedelta(days=int(options.get("purged_days", PURGED_DAYS)))
    first = max(begin, oldest)
    days = (site.day_of(until) - first).days
    return tuple(f"{site.id}:{first + timedelta(days=n)}:" for n in range(days))


def _begin(site: _Site, window: Window, options: Mapping[str, Any]) -> date:
    if window.since is not None:
        return site.day_of(window.since) - timedelta(days=int(options.get("reread_days", REREAD_DAYS)))
    first = window.until - timedelta(days=int(options.get("history_days", HISTORY_DAYS)))
    return site.day_of(max(first, site.created_at))


def _site(client: MatomoClient, id: str) -> _Site:
    answer = client.ask("SitesManager.getSiteFromId", idSite=id)
    found = answer[0] if isinstance(answer, list) and answer else answer  # older versions put it into a list
    if not isinstance(found, dict) or "timezone" not in found:
        raise FatalError(f"Matomo: there is no site {id}; correct site_ids in the Airflow connection's extra.")
    created = datetime.fromisoformat(found.get("ts_created") or "1995-01-01").replace(tzinfo=UTC)
    return _Site(id, _zone(found["timezone"]), created)


def _zone(name: str) -> tzinfo:
    """A zone of the IANA list, or one of Matomo's own, as ``UTC+5.5``."""
    offset = re.fullmatch(r"UTC([+-]\d{1,2}(?:\.\d+)?)", name)
    if offset:
        return timezone(timedelta(hours=float(offset[1])))
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        raise FatalError("Matomo: the site's time zone is not of the IANA list; set another in Matomo.",
                         code="timezone") from None


def _day(client: MatomoClient, site: _Site, day: date, kept: _Kept) -> Iterator[Page]:
    """One day of one site, from second to second: of the last one seen others may follow, so it is asked for again."""
    after, size = int(site.start_of(day).timestamp()) - 1, kept.page_size
    seen = frozenset[tuple[str, int]]()
    while True:
        found = _ask(client, site, day, kept, after, size)
        versions = [(str(visit["idVisit"]), int(visit["lastActionTimestamp"])) for visit in found]
        _hold_to_order([at for _, at in versions], after)
        fresh = [visit for visit, version in zip(found, versions, strict=True) if version not in seen]
        if fresh:
            yield _page(fresh, kept)
        if len(found) < size:
            return
        last = versions[-1][1]
        seen = frozenset(version for version in versions if version[1] == last)
        after, size = (last - 1, kept.page_size) if last - 1 > after else (after, _larger(size))


def _hold_to_order(moments: Sequence[int], after: int) -> None:
    if list(moments) != sorted(moments):
        raise FatalError("Matomo: visits are not in the order that was asked for; paging would lose some.")
    if moments and moments[0] < after:
        raise FatalError("Matomo: visits before the time that was asked for; paging would never end.")


def _larger(size: int) -> int:
    """More at once, for a second that fills a page: one answer is whole, two by offset are not while visits grow."""
    if size >= LARGEST_PAGE:
        raise FatalError(f"Matomo: more than {size} visits ended in one second; it cannot be read whole.")
    return min(size * 4, LARGEST_PAGE)


def _ask(client: MatomoClient, site: _Site, day: date, kept: _Kept, after: int, size: int) -> list[dict[str, Any]]:
    """The first visits of the day whose last action came later than the second ``after``.

    The day goes as a range of one: asked for as a day, today would begin yesterday.
    """
    hidden = {} if "visitIp" in kept.visit else {"hideColumns": ",".join(ADDRESSES)}
    found = client.ask("Live.getLastVisitsDetails", idSite=site.id, period="range", date=f"{day},{day}",
                       minTimestamp=after, filter_sort_order="asc", filter_limit=size, **hidden)
    if not isinstance(found, list):
        raise FatalError("Matomo: Live.getLastVisitsDetails answered with something else than a list of visits.")
    return found


def _page(visits: Sequence[Mapping[str, Any]], kept: _Kept) -> Page:
    return Page([Row(_key(visit, kept), orjson.dumps(_cut(visit, kept))) for visit in visits])


def _key(visit: Mapping[str, Any], kept: _Kept) -> str:
    began = datetime.fromtimestamp(int(visit["firstActionTimestamp"]), kept.zones[str(visit["idSite"])]).date()
    return f"{visit['idSite']}:{began}:{visit['idVisit']}"


def _cut(visit: Mapping[str, Any], kept: _Kept) -> dict[str, Any]:
    """A visit with what may be landed of it."""
    cut = _only(visit, kept.visit, kept)
    return {**cut, "actionDetails": [_only(action, ACTION, kept) for action in visit.get("actionDetails") or ()]}


def _only(record: Mapping[str, Any], names: Sequence[str], kept: _Kept) -> dict[str, Any]:
    return {name: _address(record[name]) if name in URLS and not kept.queries else record[name]
            for name in names if name in record}


def _address(url: Any) -> Any:
    """A URL without query and fragment, where names, addresses and tokens stand."""
    return re.split(r"[?#]", url, maxsplit=1)[0] if isinstance(url, str) else url
