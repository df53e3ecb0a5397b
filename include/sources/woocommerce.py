"""WooCommerce customers and orders, read page by page through its REST interface, version 3.

Sources (read 2026-11-22): https://woocommerce.github.io/woocommerce-rest-api-docs/ and WooCommerce's own controllers of
these lists. Pages have at most 100 rows and go by offset, so a row that leaves a list moves all behind it. Lists are
therefore read by id, each page begins within the one before, and where it does not any more, reading steps back: a page
that begins at or before the last id seen holds everything that follows it.

Customers have no filter by their change: all are read each time, and landing leaves out the unchanged. They have no
trash either, so a deletion shows only as an absence: whoever is not in a whole list is gone. Orders are filtered by
their change; deleted ones lie in the trash, which the list leaves out unless it is asked for; one that was deleted past
the trash is missing only from `order_keys`. An order tells only the totals of its refunds; they are fetched and put in
their place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson

from include.errors import FatalError
from include.limits import Limiter
from include.sources.pages import Page, Row, Window, page_size
from include.sources.woocommerce_client import WooCommerceClient

PAGE_SIZE = 100  # the vendor's maximum
OVERLAP_ROWS = 10  # of each page that are also on the next one, so that it is seen to join; a quarter of a small page
STEPS_BACK = 50  # without a new row, each twice as far as the one before, until reading gives up
OVERLAP = timedelta(minutes=10)  # WordPress writes an order's parts one after the other
SECOND = timedelta(seconds=1)  # how fine the vendor's time stamps are
EVERYTHING = ("",)  # the beginning of every key
GONE = ("woocommerce_rest_order_invalid_id", "woocommerce_rest_shop_order_invalid_id")


class _Record(msgspec.Struct):
    """What landing needs to know of any record."""

    id: int


class _Refund(msgspec.Struct):
    id: int


class _Order(msgspec.Struct):
    """What tells whether an order was sent whole."""

    id: int
    refunds: list[_Refund] = []


@dataclass(frozen=True)
class _Place:
    """Where in a list reading is: behind ``last_id``; the next page begins at ``offset``."""

    last_id: int = 0
    offset: int = 0


_read_record = msgspec.json.Decoder(_Record).decode
_read_order = msgspec.json.Decoder(_Order).decode


def client(base_url: str, token: str, consumer_key: str, *, limiter: Limiter | None = None) -> WooCommerceClient:
    """A session with a shop; ``token`` is the consumer secret."""
    return WooCommerceClient(base_url, consumer_key, token, limiter=limiter)


def customers(client: WooCommerceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield every customer there is, by id, as sent, keyed by it; guests are in orders only.

    A first load that was killed goes on where its last committed page ended. Later ones land in one piece, whose last
    page says that everybody came.

    :raises FatalError: the order is not the one asked for, or rows vanish faster than they can be read.
    """
    until, begin = _begun(window)
    for raws, place in _by_id(client, "/customers", {"role": "all"}, begin, page_size(mapping, PAGE_SIZE)):
        rows = [Row(str(_read_record(raw).id), raw) for raw in raws]
        yield Page(rows, _resume(window, until, place) if window.since is None else None)
    yield Page([], {"since": until.isoformat()}, EVERYTHING if window.since is not None else ())


def customer_keys(client: WooCommerceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all customers there are, by id; the interface cannot leave out those made before the window."""
    return _keys(client, "/customers", {"role": "all"}, mapping)


def order_keys(client: WooCommerceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """The ids of all orders outside the trash, of those changed since the window began, by id.

    None that was placed or refunded in the window is left out, since either changes an order.
    """
    changed = {} if window.since is None else {"modified_after": _gmt(window.since - SECOND), "dates_are_gmt": "true"}
    return _keys(client, "/orders", {"status": "any", **changed}, mapping)


def _keys(
    client: WooCommerceClient, path: str, params: Mapping[str, str], mapping: Mapping[str, Any]
) -> Iterator[list[str]]:
    for raws, _ in _by_id(client, path, {**params, "_fields": "id"}, _Place(), page_size(mapping, PAGE_SIZE)):
        yield [str(_read_record(raw).id) for raw in raws]


def orders(client: WooCommerceClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the orders changed in the window, by id, as sent, with their refunds whole; then those in the trash.

    A first load passes over the trash: what was never landed need not be taken away.

    :raises FatalError: the order is not the one asked for, or rows vanish faster than they can be read.
    """
    (until, begin), size = _begun(window), page_size(mapping, PAGE_SIZE)
    changed = {"status": "any", "dates_are_gmt": "true", "modified_before": _gmt(until + SECOND)}
    if window.since is not None:
        changed["modified_after"] = _gmt(window.since - OVERLAP - SECOND)  # both ends leave their own second out
    for raws, place in _by_id(client, "/orders", changed, begin, size):
        yield Page([_whole(client, raw, size) for raw in raws], _resume(window, until, place))
    if window.since is not None:
        for raws, _ in _by_id(client, "/orders", {**changed, "status": "trash"}, _Place(), size):
            yield Page([Row(str(_read_record(raw).id), raw) for raw in raws])
    yield Page([], {"since": until.isoformat()})


def _begun(window: Window) -> tuple[datetime, _Place]:
    """Where the window ends and reading begins: those of a load of the same window that was killed, if there is one."""
    scan = window.state.get("scan")
    if scan is None or scan["since"] != _stamp(window.since):
        return window.until, _Place()
    return datetime.fromisoformat(scan["until"]), _Place(scan["last_id"], scan["offset"])


def _resume(window: Window, until: datetime, place: _Place) -> dict[str, Any]:
    since = _stamp(window.since)
    scan = {"since": since, "until": until.isoformat(), "last_id": place.last_id, "offset": place.offset}
    return {"scan": scan} if since is None else {"since": since, "scan": scan}


def _stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _by_id(
    client: WooCommerceClient, path: str, params: Mapping[str, str], place: _Place, size: int
) -> Iterator[tuple[list[bytes], _Place]]:
    """Rows of a list behind a place, each once, with the place behind them.

    A page joins the one before when it begins at or before the last id seen; where a plugin hides rows that the list
    counts, also when the list is as long as it was then.
    """
    last, offset, back, joined = place.last_id, place.offset, 0, None
    while True:
        listing = client.listing(path, {**params, "orderby": "id", "order": "asc", "per_page": size, "offset": offset})
        found = [(_read_record(raw).id, raw) for raw in listing.rows]
        if found != sorted(found, key=lambda one: one[0]):
            raise FatalError(f"WooCommerce: {path} is not in the order that was asked for; paging would lose rows.")
        if offset > 0 and joined != listing.total and (not found or found[0][0] > last):
            offset, back, joined = max(0, offset - size * 2**back), _counted(path, back), None  # ever further: it joins
            continue
        fresh = [raw for id, raw in found if id > last]
        if fresh:
            last, back = found[-1][0], 0
        joined, ended = listing.total, offset + size >= listing.total
        offset += size - min(OVERLAP_ROWS, size // 4)
        yield fresh, _Place(last, offset)
        if ended:
            return


def _counted(path: str, back: int) -> int:
    if back >= STEPS_BACK:
        raise FatalError(f"WooCommerce: rows of {path} vanish faster than they can be read.")
    return back + 1


def _whole(client: WooCommerceClient, raw: bytes, size: int) -> Row:
    """The order as sent; one with refunds completed by their lines and times."""
    order = _read_order(raw)
    if not order.refunds:
        return Row(str(order.id), raw)
    path = f"/orders/{order.id}/refunds"
    try:
        refunds = [one for raws, _ in _by_id(client, path, {}, _Place(), size) for one in raws]
    except FatalError as error:
        if error.code not in GONE:  # deleted between the two questions: the next window tells
            raise
        return Row(str(order.id), raw)
    return Row(str(order.id), orjson.dumps({**orjson.loads(raw), "refunds": [orjson.loads(one) for one in refunds]}))


def _gmt(at: datetime) -> str:
    """As the interface takes times: whole seconds, no zone, with ``dates_are_gmt`` in UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
