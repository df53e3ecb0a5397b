"""How HubSpot's objects are read, page by page: one way for contacts, companies and deals.

Source: https://developers.hubspot.com/docs/api-reference/search/guide and .../crm/objects (read 2026-11-21).

* First load: the plain listing, 100 a page. It has no cap and can be resumed at its ``after``.
* Later: search by the time of change, 200 a page. A search gives 10,000 results at most, pages by offset (a record
  that changes meanwhile moves the others), and lags behind by moments. So each page is a search of its own that begins
  at the last time stamp seen, records seen there are dropped, and the window begins OVERLAP early.
* Deleted records are in neither; the listing with ``archived=true`` names them, with the time. One that was deleted for
  good is in none: `keys` tells.
* Records that were merged are in none either; what is left of them names them (``hs_merged_object_ids``).
* What a record belongs to stands in the listing; a search does not tell, so it is asked for beside.

Limits: 100 to 190 requests in 10 s, 5 searches a second, a search body of 3,000 characters.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson

from include.errors import ConfigError, FatalError
from include.http_client import JsonClient
from include.sources import hubspot_associations
from include.sources.mapping_reader import SEPARATOR
from include.sources.pages import MILLISECOND, TOMBSTONE, Page, Row, Window, page_size

LISTING_SIZE = 100  # the vendor's maximum of a listing
SEARCH_SIZE = 200  # the vendor's maximum of a search
SEARCH_BODY = 3000  # characters the vendor takes
MERGED = "hs_merged_object_ids"  # of other records: those that went up in this one, with semicolons between
OVERLAP = timedelta(minutes=10)  # how late the search index may know a change


@dataclass(frozen=True)
class Kind:
    """One object of the CRM.

    :param name: as paths have it, ``contacts``.
    :param modified: the property that holds when a record last changed.
    :param belongs_to: objects whose records a record is associated with.
    """

    name: str
    modified: str
    belongs_to: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return f"/crm/v3/objects/{self.name}"


class _Next(msgspec.Struct):
    after: str


class _Paging(msgspec.Struct):
    next: _Next | None = None


class _Listing(msgspec.Struct):
    results: list[msgspec.Raw]
    paging: _Paging | None = None


class _Properties(msgspec.Struct, frozen=True):
    lastmodifieddate: str | None = None
    hs_lastmodifieddate: str | None = None
    hs_merged_object_ids: str | None = None


class _Record(msgspec.Struct):
    id: str
    properties: _Properties = _Properties()
    updatedAt: str | None = None
    archivedAt: str | None = None

    def changed_at(self, kind: Kind) -> datetime:
        return _time(getattr(self.properties, kind.modified) or self.updatedAt)


_read_listing = msgspec.json.Decoder(_Listing).decode
_read_record = msgspec.json.Decoder(_Record).decode


def read(client: JsonClient, kind: Kind, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the records changed or archived in the window; everything when it has no beginning.

    Rows are keyed by id; a deleted one has ``"archived": true``, one that was merged into another is a tombstone behind
    that other. Oldest change first.

    :raises FatalError: paging repeats itself, or the mapping asks for more properties than a search takes.
    """
    wanted, listing = properties(mapping, kind.modified), page_size(mapping, LISTING_SIZE)
    changed_since = window.since
    if window.since is None:
        begun = datetime.fromisoformat(window.state.get("listing_begun") or window.until.isoformat())
        yield from _live(client, kind, wanted, listing, begun, window.state.get("listing_after"))
        changed_since = begun if begun < window.until else None  # what changed while the load lay still
    # Before the changes: their cursor moves on, and a deletion that lies behind it would not be looked for again.
    yield from _archived(client, kind, wanted, listing, window.since and window.since - OVERLAP)
    if changed_since is not None:
        size, since = page_size(mapping, SEARCH_SIZE), changed_since - OVERLAP
        for page in _changed(client, kind, wanted, size, since, window.end(MILLISECOND)):
            rows = hubspot_associations.joined(client, kind.name, kind.belongs_to, page.rows)
            yield page._replace(rows=[*rows, *_merged_away(rows)])
    yield Page([], {"since": window.until.isoformat()})


def keys(client: JsonClient, kind: Kind, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all records that are not deleted, by id; the listing cannot leave out those made before a window."""
    bare, size = replace(kind, belongs_to=()), page_size(mapping, LISTING_SIZE)
    for listing in _listings(client, bare, ["hs_object_id"], size, archived=False, after=None):
        yield [_read_record(raw).id for raw in listing.results]


def _merged_away(rows: list[Row]) -> list[Row]:
    """Tombstones of the records that went up in these."""
    named = ((row.key, _read_record(row.payload).properties.hs_merged_object_ids or "") for row in rows)
    gone = {id for key, ids in named for id in ids.split(";") if id and id != key}
    return [Row(id, TOMBSTONE) for id in sorted(gone)]


def properties(mapping: Mapping[str, Any], modified: str) -> list[str]:
    """Every property the mapping names, and those of the last change and of merges, sorted."""
    paths = [
        *(value for value in mapping.values() if isinstance(value, list)),
        *(path.split(SEPARATOR) for path in mapping["ids"].values()),
    ]
    return sorted({path[1] for path in paths if len(path) > 1 and path[0] == "properties"} | {modified, MERGED})


def _live(
    client: JsonClient, kind: Kind, wanted: list[str], size: int, begun: datetime, after: str | None
) -> Iterator[Page]:
    for listing in _listings(client, kind, wanted, size, archived=False, after=after):
        rows = [Row(_read_record(raw).id, bytes(raw)) for raw in listing.results]
        rows = hubspot_associations.completed(client, kind.name, kind.belongs_to, rows)
        after = listing.paging.next.after if _more(listing) else None
        yield Page(rows, {"listing_begun": begun.isoformat(), "listing_after": after} if after else None)


def _archived(client: JsonClient, kind: Kind, wanted: list[str], size: int, since: datetime | None) -> Iterator[Page]:
    """No filter by the time of deletion exists, and the vendor keeps them for 90 days: all are read, few are kept."""
    for listing in _listings(client, kind, wanted, size, archived=True, after=None):
        found = ((_read_record(raw), raw) for raw in listing.results)
        rows = [
            Row(one.id, bytes(raw))
            for one, raw in found
            if since is None or one.archivedAt is None or _time(one.archivedAt) >= since
        ]
        if rows:
            yield Page(rows)


def _listings(
    client: JsonClient, kind: Kind, wanted: list[str], size: int, *, archived: bool, after: str | None
) -> Iterator[_Listing]:
    seen = after
    while True:
        params = {
            "limit": size,
            "properties": ",".join(wanted),
            "associations": ",".join(kind.belongs_to) or None,  # None is left out of the query
            "archived": str(archived).lower(),
            "after": seen,
        }
        listing = client.request("GET", kind.path, params=params, decode=_read_listing)
        yield listing
        if not _more(listing):
            return
        if listing.paging.next.after == seen:
            raise FatalError("HubSpot: a listing names the same next page twice; paging would never end.")
        seen = listing.paging.next.after


def _more(listing: _Listing) -> bool:
    return listing.paging is not None and listing.paging.next is not None


def _changed(
    client: JsonClient, kind: Kind, wanted: list[str], size: int, since: datetime, until: datetime
) -> Iterator[Page]:
    """Search from time stamp to time stamp. At the last one seen others may follow, so it is asked for again."""
    begin, seen = _ms(since), set[str]()
    while True:
        filters = [_filter(kind.modified, "GTE", begin), _filter(kind.modified, "LT", _ms(until))]
        found = _search(client, kind, wanted, size, filters, kind.modified)
        times = [_ms(one.changed_at(kind)) for one, _ in found]
        if times and (times[0] < begin or times != sorted(times)):
            raise FatalError("HubSpot: a search is not in the order that was asked for; paging would lose records.")
        rows = [Row(one.id, raw) for one, raw in found if one.id not in seen]
        crowded = len(found) >= size and times[0] == times[-1]
        if rows and not crowded:
            yield Page(rows, {"since": _time_of(times[-1]).isoformat()})
        if len(found) < size:
            return
        if crowded:  # a mass import: more records in one time stamp than a page holds
            yield from _same_moment(client, kind, wanted, size, times[0], seen)
            begin, seen = times[0] + 1, set()
        else:
            begin = times[-1]
            seen = {one.id for (one, _), at in zip(found, times, strict=True) if at == begin}


def _same_moment(
    client: JsonClient, kind: Kind, wanted: list[str], size: int, moment: int, seen: set[str]
) -> Iterator[Page]:
    """All records changed in one millisecond, by their ids, without those a page before it brought."""
    last = "0"
    while True:
        filters = [
            _filter(kind.modified, "GTE", moment),
            _filter(kind.modified, "LT", moment + 1),
            _filter("hs_object_id", "GT", last),
        ]
        found = _search(client, kind, wanted, size, filters, "hs_object_id")
        if found and int(found[-1][0].id) <= int(last):
            raise FatalError("HubSpot: a search by id gives ids that were passed already; paging would never end.")
        if rows := [Row(one.id, raw) for one, raw in found if one.id not in seen]:
            yield Page(rows)
        if len(found) < size:
            return
        last = found[-1][0].id


def _search(
    client: JsonClient, kind: Kind, wanted: list[str], size: int, filters: list[dict[str, str]], order: str
) -> list[tuple[_Record, bytes]]:
    body = {
        "filterGroups": [{"filters": filters}],
        "sorts": [{"propertyName": order, "direction": "ASCENDING"}],
        "properties": wanted,
        "limit": size,
    }
    if len(orjson.dumps(body)) > SEARCH_BODY:
        raise ConfigError(
            f"include/sources/hubspot.yaml names {len(wanted)} properties; a search takes a body of "
            f"{SEARCH_BODY} characters only. Take out properties that no trait or segment needs."
        )
    listing = client.request("POST", f"{kind.path}/search", json=body, decode=_read_listing)
    return [(_read_record(raw), bytes(raw)) for raw in listing.results]


def _filter(name: str, operator: str, value: int | str) -> dict[str, str]:
    return {"propertyName": name, "operator": operator, "value": str(value)}


def _time(text: str | None) -> datetime:
    if text is None:
        raise FatalError("HubSpot: a record has no time of change; it cannot be placed in a window.")
    return datetime.fromisoformat(text)


def _ms(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _time_of(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
