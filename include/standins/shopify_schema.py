"""The schema that the stand-in executes, with a resolver wherever a stored document is not yet the answer.

Stored documents have the interface's own shape; connections below a document are plain lists there, and a money bag
holds its shop money only.
"""

import base64
import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import orjson
from graphql import GraphQLError, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema, build_schema

from include.standins import shopify_bulk, shopify_filter
from include.standins.store import FAR_FUTURE, Document, Filter, Order, Store

SDL = Path(__file__).with_suffix("").with_name("shopify.graphql")
PAGE_MAXIMUM = 250
PIECE = 1_000  # documents read at once where a filter is asked of each
_ORDERS: dict[str, Order] = {"UPDATED_AT": "changed", "CREATED_AT": "created", "PROCESSED_AT": "created", "ID": "id"}
_KINDS = {"Customer": "customer", "Order": "order", "AbandonedCheckout": "abandoned_checkout"}
_IDENTITY = {"id", "legacyResourceId", "__typename"}
Node = dict[str, Any]


class Shop:
    """What resolvers need of the account; one for each request.

    :param bulk: the app's bulk operations.
    :param whole: set while a bulk operation reads: everything is read then, piece by piece.
    """

    def __init__(
        self,
        store: Store,
        oldest_order_ms: int,
        scopes: Sequence[str],
        bulk: shopify_bulk.Operations,
        whole: shopify_bulk.Whole | None = None,
    ) -> None:
        self.store = store
        self.oldest_order_ms = oldest_order_ms
        self.scopes = scopes
        self.bulk = bulk
        self.whole = whole
        self.warnings: list[Node] = []

    def in_bulk(self) -> "Shop":
        """The same shop, read as a whole."""
        return Shop(self.store, self.oldest_order_ms, self.scopes, self.bulk, shopify_bulk.Whole())

    def one(self, gid: str) -> Node | None:
        """The document of a global id."""
        name, _, key = gid.removeprefix("gid://shopify/").partition("/")
        if name == "Refund":  # has its order's number, and "-2" and so on behind it from the second one on
            order = self.one(f"gid://shopify/Order/{key.partition('-')[0]}")
            return next((one for one in (order or {}).get("refunds", ()) if one["id"] == gid), None)
        kind = _KINDS.get(name)
        found = self.store.get("shopify", kind, key) if kind else None
        return found.body if found and not found.archived and self._may_see(kind or "", found) else None

    def _may_see(self, kind: str, document: Document) -> bool:
        return kind != "order" or document.created_at >= self.oldest_order_ms

    def page(
        self, kind: str, text: str | None, order: Order, *, descending: bool, cursor: Node | None, limit: int
    ) -> list[Document]:
        """Documents of a kind that a filter lets through; one more than asked for shows that there are more.

        :raises GraphQLError: the filter cannot be read.
        """
        try:
            query = shopify_filter.read(text, kind)
        except shopify_filter.BadFilter as error:
            raise GraphQLError(f"Invalid search: {error}", extensions={"code": "BAD_USER_INPUT"}) from error
        self.warnings += [
            {
                "path": [kind],
                "query": text,
                "warnings": [
                    {"field": field, "message": "Invalid search field for this query.", "code": "invalid_field"}
                ],
            }
            for field in query.unknown
        ]
        after = (int(cursor["at"]), str(cursor["last_id"])) if cursor else None
        hidden = kind == "order" and self.oldest_order_ms > -FAR_FUTURE
        if not query.rest and not hidden and not descending:
            return self.store.page("shopify", kind, query.within, order=order, after=after, limit=limit)
        offset = int((cursor or {}).get("offset", 0)) if descending else 0
        every_one = (
            self.store.page("shopify", kind, query.within, order=order, descending=True, limit=-1)
            if descending
            else self._in_pieces(kind, query.within, order, after)
        )
        matching = (
            one
            for one in every_one
            if self._may_see(kind, one) and all(shopify_filter.holds(term, one) for term in query.rest)
        )
        return list(itertools.islice(matching, offset, offset + limit))

    def _in_pieces(
        self, kind: str, within: Filter, order: Order, after: tuple[int, str] | None
    ) -> Iterator[Document]:
        """What follows a place: a page ends long before a large shop's orders do."""
        while piece := self.store.page("shopify", kind, within, order=order, after=after, limit=PIECE):
            yield from piece
            after = _place(piece[-1], order)[0], piece[-1].id


def _place(one: Document, order: Order) -> tuple[int, int]:
    at = {"changed": one.changed_at, "created": one.created_at, "id": 0}[order]
    return at, int(one.id)


def _encode(cursor: Node) -> str:
    return base64.b64encode(orjson.dumps(cursor)).decode()


def _decode(text: str | None) -> Node | None:
    if text is None:
        return None
    try:
        return orjson.loads(base64.b64decode(text))
    except ValueError as error:
        raise GraphQLError(
            "Invalid cursor for current pagination sort.", extensions={"code": "BAD_USER_INPUT"}
        ) from error


def _asked(first: int | None, last: int | None) -> int:
    if first is None and last is None:
        raise GraphQLError("you must provide one of first or last", extensions={"code": "BAD_REQUEST"})
    asked = first if first is not None else last or 0
    if not 0 <= asked <= PAGE_MAXIMUM:
        raise GraphQLError(f"first and last are between 0 and {PAGE_MAXIMUM}", extensions={"code": "BAD_USER_INPUT"})
    return asked


def _root(kind: str, scope: str) -> Any:
    def resolve(
        _: Any,
        info: GraphQLResolveInfo,
        *,
        after: str | None = None,
        before: str | None = None,
        first: int | None = None,
        last: int | None = None,
        query: str | None = None,
        reverse: bool = False,
        sortKey: str = "ID",
        savedSearchId: str | None = None,
    ) -> Node:
        if before is not None or (first is None and last is not None):
            raise GraphQLError(
                "The stand-in pages forwards only: give first and after.", extensions={"code": "BAD_REQUEST"}
            )
        shop: Shop = info.context
        _admit(shop, info, scope)
        asked, order, cursor = _asked(first, last) if shop.whole is None else 1, _ORDERS[sortKey], _decode(after)
        if shop.whole is not None:
            asked, cursor = shop.whole.size, _decode(shop.whole.cursor)
        found = shop.page(kind, query, order, descending=reverse, cursor=cursor, limit=asked + 1)
        start = int((cursor or {}).get("offset", 0))
        cursors = [
            _encode(
                {
                    "last_id": one.id,
                    "at": _place(one, order)[0],
                    **({"offset": start + no} if reverse else {}),
                }
            )
            for no, one in enumerate(found[:asked], 1)
        ]
        if shop.whole is not None:
            shop.whole.cursor = cursors[-1] if len(found) > asked else None
        return _connection(
            [one.body for one in found[:asked]], cursors, more=len(found) > asked, before=after is not None
        )

    return resolve


def _admit(shop: Shop, info: GraphQLResolveInfo, scope: str) -> None:
    if scope not in shop.scopes:
        raise GraphQLError(
            f"Access denied for {info.field_name} field. Required access: `{scope}` access scope.",
            extensions={"code": "ACCESS_DENIED"},
        )


def _counted(kind: str, scope: str) -> Any:
    """How many there are, up to a limit."""

    def resolve(_: Any, info: GraphQLResolveInfo, *, limit: int | None = None, query: str | None = None) -> Node:
        shop: Shop = info.context
        _admit(shop, info, scope)
        asked = limit if limit is not None else -2
        found = len(shop.page(kind, query, "id", descending=False, cursor=None, limit=asked + 1))
        more = asked >= 0 and found > asked
        return {"count": asked if more else found, "precision": "AT_LEAST" if more else "EXACT"}

    return resolve


def _connection(nodes: list[Node], cursors: list[str], *, more: bool, before: bool) -> Node:
    info = {
        "hasNextPage": more,
        "hasPreviousPage": before,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    return {"nodes": nodes, "pageInfo": info, "cursors": cursors}


def _below(field: str) -> Any:
    """A connection over a list that the document holds."""

    def resolve(
        source: Node,
        info: GraphQLResolveInfo,
        *,
        after: str | None = None,
        before: str | None = None,
        first: int | None = None,
        last: int | None = None,
        reverse: bool = False,
    ) -> Node:
        nodes = source[field][::-1] if reverse else source[field]
        start = int((_decode(after) or {"offset": 0})["offset"])
        shown = nodes[start : start + _asked(first, last)] if info.context.whole is None else nodes
        cursors = [_encode({"offset": start + no}) for no in range(1, len(shown) + 1)]
        return _connection(shown, cursors, more=start + len(shown) < len(nodes), before=start > 0)

    return resolve


def _customer(source: Node, info: GraphQLResolveInfo) -> Node | None:
    """Orders hold only the id of their customer: the rest is fetched when it is asked for."""
    stub = source["customer"]
    fields = {
        getattr(one, "name", None) and one.name.value
        for node in info.field_nodes
        for one in node.selection_set.selections
    }
    return stub if stub is None or fields <= _IDENTITY else info.context.one(stub["id"])


def _shop(_: Any, info: GraphQLResolveInfo) -> Node:
    return {
        "id": "gid://shopify/Shop/1",
        "name": "Laden",
        "currencyCode": "EUR",
        "ianaTimezone": "Europe/Berlin",
        "myshopifyDomain": "laden.myshopify.example",
    }


@cache
def schema() -> GraphQLSchema:
    """The schema, built once."""
    built = build_schema(SDL.read_text(encoding="utf-8"))
    resolvers: dict[str, dict[str, Any]] = {
        "QueryRoot": {
            "customers": _root("customer", "read_customers"),
            "orders": _root("order", "read_orders"),
            "abandonedCheckouts": _root("abandoned_checkout", "read_orders"),
            "shop": _shop,
            "customer": lambda _, info, id: info.context.one(id),
            "order": lambda _, info, id: info.context.one(id),
            "node": lambda _, info, id: info.context.one(id),
            "nodes": lambda _, info, ids: [info.context.one(id) for id in ids],
            "customersCount": _counted("customer", "read_customers"),
            "ordersCount": _counted("order", "read_orders"),
            "abandonedCheckoutsCount": _counted("abandoned_checkout", "read_orders"),
            **shopify_bulk.QUERIES,
        },
        "Mutation": shopify_bulk.MUTATIONS,
        "Order": {
            "lineItems": _below("lineItems"),
            "customer": _customer,
            "refunds": lambda source, info, first=None: source["refunds"][:first],
        },
        "Refund": {"refundLineItems": _below("refundLineItems")},
        "AbandonedCheckout": {"lineItems": _below("lineItems"), "customer": _customer},
        "MoneyBag": {"presentmentMoney": lambda source, info: source["shopMoney"]},
    }
    for name, kind in built.type_map.items():
        if name.endswith("Connection") and isinstance(kind, GraphQLObjectType):
            resolvers[name] = {
                "edges": lambda source, info: [
                    {"cursor": cursor, "node": node}
                    for cursor, node in zip(source["cursors"], source["nodes"], strict=True)
                ]
            }
    for name, fields in resolvers.items():
        for field, resolve in fields.items():
            built.type_map[name].fields[field].resolve = resolve
    built.type_map["Node"].resolve_type = lambda source, info, of: source["id"].split("/")[3]
    return built
