"""Shopify customers, orders and abandoned checkouts, read page by page through the Admin GraphQL interface.

Source: https://shopify.dev/docs/api/admin-graphql/2026-10 (read 2026-11-21). Windows are over ``updated_at``; cursors
are those of the interface, which stay right while records change. Windows begin OVERLAP early, because the search that
filters them lags. A first load of many records is one bulk operation (``shopify_bulk``); its rows are the same. The
interface has no list of deleted customers or orders (only webhooks tell): so all ids are listed now and then, and
those that are missing are gone. An app without ``read_all_orders`` sees no order older than 60 days, hence
``sweep_days`` of orders.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import orjson

from include.limits import Limiter
from include.shared_points import SharedPoints
from include.sources import shopify_bulk as bulk
from include.sources import shopify_queries as queries
from include.sources.pages import SECOND, Load, Page, Row, Window, next_page, page_size
from include.sources.shopify_client import ShopifyClient

OVERLAP = timedelta(minutes=10)
REFUNDED = ("REFUNDED", "PARTIALLY_REFUNDED")


class _PageInfo(msgspec.Struct):
    hasNextPage: bool
    endCursor: str | None = None


class _Connection(msgspec.Struct):
    nodes: list[msgspec.Raw]
    pageInfo: _PageInfo


class _Data(msgspec.Struct):
    page: _Connection


class _Node(msgspec.Struct):
    """What landing needs to know of any record."""

    id: str
    updatedAt: str


class _Id(msgspec.Struct):
    id: str


log = logging.getLogger(__name__)
_read_page = msgspec.json.Decoder(_Data).decode
_read_id = msgspec.json.Decoder(_Id).decode
_read_node = msgspec.json.Decoder(_Node).decode


def client(base_url: str, token: str, *, limiter: Limiter | None = None,
           points: SharedPoints | None = None) -> ShopifyClient:
    """A session with a shop; ``token`` is the Admin API access token of a custom app."""
    return ShopifyClient(base_url, token, limiter=limiter, points=points)


def customers(client: ShopifyClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the customers changed in the window, oldest change first, as sent, keyed by their number.

    :raises FatalError: paging repeats itself or a query is refused.
    """
    size = page_size(mapping, queries.CUSTOMERS_SIZE)

    def paged(within: Window) -> Iterator[Page]:
        for connection in _pages(client, queries.CUSTOMERS, size, within):
            yield _page([bytes(raw) for raw in connection.nodes], resumable=True)

    yield from _read(client, window, mapping, bulk.CUSTOMERS, paged, _rows)


def orders(client: ShopifyClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the orders changed in the window, oldest change first, each with all its lines and ``refunds``.

    Lines beyond the first page are fetched and put into ``lineItems.nodes``; refunds, if any, into ``refunds``.

    :raises FatalError: paging repeats itself or a query is refused.
    """
    size = page_size(mapping, queries.ORDERS_SIZE)

    def paged(within: Window) -> Iterator[Page]:
        for connection in _pages(client, queries.ORDERS, size, within):
            yield _page(_whole_orders(client, [orjson.loads(bytes(raw)) for raw in connection.nodes]), resumable=True)

    def finish(payloads: list[bytes]) -> list[Row]:
        return _rows(_whole_orders(client, [orjson.loads(one) for one in payloads]))

    yield from _read(client, window, mapping, bulk.ORDERS, paged, finish)


def checkouts(client: ShopifyClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the abandoned checkouts changed in the window, by id (the interface cannot sort them by their change).

    :raises FatalError: paging repeats itself or a query is refused.
    """
    size = page_size(mapping, queries.CHECKOUTS_SIZE)

    def paged(within: Window) -> Iterator[Page]:
        for connection in _pages(client, queries.CHECKOUTS, size, within):
            yield _page([bytes(raw) for raw in connection.nodes], resumable=False)

    yield from _read(client, window, mapping, bulk.CHECKOUTS, paged, _rows)


def _read(client: ShopifyClient, window: Window, mapping: Mapping[str, Any], table: bulk.Table,
          paged: Callable[[Window], Iterator[Page]], finish: Callable[[list[bytes]], list[Row]]) -> Iterator[Page]:
    """In bulk where that is worth it and allowed, then what changed since; else page by page."""
    if bulk.is_worth_it(client, window, mapping, table):
        try:
            until = yield from bulk.pages(client, window, mapping, table, finish)
            window = Window(until, window.until)
        except bulk.RefusedError as error:
            log.warning("Shopify: not in bulk (%s), but page by page", error)
    if window.since is None or window.since < window.until:
        yield from paged(window)
    yield _end(window)


def _total(query: str) -> Callable[[ShopifyClient, Window, Mapping[str, Any]], int]:
    return lambda client, window, mapping: client.query(query, {"limit": None})["found"]["count"]


# Page by page on the smallest plan: 100 points a second; a page of customers costs about 900, one of orders, some of
# which have refunds, about 950. https://shopify.dev/docs/api/usage/limits (read 2026-11-21)
CUSTOMERS_LOAD = Load(_total(queries.CUSTOMERS_COUNT), queries.CUSTOMERS_SIZE, 100 / 900)
ORDERS_LOAD = Load(_total(queries.ORDERS_COUNT), queries.ORDERS_SIZE, 100 / 950)


def customer_keys(client: ShopifyClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the number of every customer, by id."""
    return _keys(client, queries.CUSTOMER_KEYS, window, mapping)


def order_keys(client: ShopifyClient, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the number of every order made in the window, by id."""
    return _keys(client, queries.ORDER_KEYS, window, mapping)


def _keys(client: ShopifyClient, query: str, window: Window, mapping: Mapping[str, Any]) -> Iterator[list[str]]:
    made = None if window.since is None else f"created_at:>='{_iso(window.since)}'"
    for connection in _connections(client, query, page_size(mapping, queries.KEYS_SIZE), made):
        yield [number(_read_id(raw).id) for raw in connection.nodes]


def _pages(client: ShopifyClient, query: str, size: int, window: Window) -> Iterator[_Connection]:
    return _connections(client, query, size, _filter(window))


def _connections(client: ShopifyClient, query: str, size: int, filter: str | None) -> Iterator[_Connection]:
    variables = {"first": size, "after": None, "filter": filter}
    while True:
        connection = client.query(query, variables, _read_page).page
        yield connection
        if not connection.pageInfo.hasNextPage:
            return
        variables = {**variables, "after": next_page("Shopify", connection.pageInfo.endCursor, variables["after"])}


def _filter(window: Window) -> str:
    until = f"updated_at:<'{_iso(window.end(SECOND))}'"
    begin = window.begin(OVERLAP)
    return until if begin is None else f"updated_at:>='{_iso(begin)}' AND {until}"


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _page(payloads: list[bytes], *, resumable: bool) -> Page:
    """Where records come in the order of their change, a load may go on from the last one's."""
    last = _read_node(payloads[-1]).updatedAt if payloads and resumable else None
    return Page(_rows(payloads), {"since": last} if last else None)


def _rows(payloads: list[bytes]) -> list[Row]:
    return [Row(number(_read_node(payload).id), payload) for payload in payloads]


def _end(window: Window) -> Page:
    return Page([], {"since": window.until.isoformat()})


def number(gid: str) -> str:
    """The number in a global id: ``gid://shopify/Order/17`` is ``17``."""
    return gid.rpartition("/")[2].partition("?")[0]


def _whole_orders(client: ShopifyClient, orders: list[dict[str, Any]]) -> list[bytes]:
    """The orders with all their lines and refunds; how they were paged is left out, so that bulk gives the same."""
    refunds = _refunds(client, [order["id"] for order in orders if order.get("displayFinancialStatus") in REFUNDED])
    for order in orders:
        if order["lineItems"].get("pageInfo", {}).get("hasNextPage"):
            _complete(client, queries.ORDER_LINES, order["id"], order["lineItems"])
        order["lineItems"].pop("pageInfo", None)
        if order["id"] in refunds:
            order["refunds"] = refunds[order["id"]]
    return [orjson.dumps(order) for order in orders]


def _complete(client: ShopifyClient, query: str, id: str, connection: dict[str, Any]) -> None:
    """Fetch what follows the first page of a connection within a record."""
    info = connection["pageInfo"]
    while info["hasNextPage"]:
        following = client.query(query, {"id": id, "after": info["endCursor"]})["node"]
        if following is None:  # deleted between the two questions: the next window tells
            return
        if following["page"]["pageInfo"]["hasNextPage"]:
            next_page("Shopify", following["page"]["pageInfo"]["endCursor"], info["endCursor"])
        connection["nodes"] += following["page"]["nodes"]
        info = connection["pageInfo"] = following["page"]["pageInfo"]


def _refunds(client: ShopifyClient, ids: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Refunds by order, each with all its lines."""
    found: dict[str, list[dict[str, Any]]] = {}
    for start in range(0, len(ids), queries.REFUNDS_SIZE):
        nodes = client.query(queries.REFUNDS, {"ids": ids[start:start + queries.REFUNDS_SIZE]})["nodes"]
        for order in (node for node in nodes if node):
            refunds = order["refunds"]
            if len(refunds) >= queries.REFUNDS_ASKED:  # a list, not a connection: there may be more
                refunds = _all_refunds(client, order["id"], refunds)
            for refund in refunds:
                _complete(client, queries.REFUND_LINES, refund["id"], refund["refundLineItems"])
            found[order["id"]] = refunds
    return found


def _all_refunds(client: ShopifyClient, id: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """All refunds of an order; the lines of those not yet known are fetched page by page."""
    order = client.query(queries.ALL_REFUNDS, {"id": id})["node"] or {"refunds": known}
    by_id = {refund["id"]: refund for refund in known}
    empty = {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}
    return [by_id.get(refund["id"]) or {**refund, "refundLineItems": orjson.loads(orjson.dumps(empty))}
            for refund in order["refunds"]]
