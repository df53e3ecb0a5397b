"""Shopify's bulk operations: a query that is answered in its own time, with a file of JSON lines.

Sources (read 2026-11-22): https://shopify.dev/docs/api/usage/bulk-operations/queries and the schema of 2026-10. What no
page says is taken at its hardest: entries are asked for by ``edges`` and ``node``; without grouping a record's children
stand apart from it and backwards; the storage takes no token of the shop and forgets a file after seven days.

Settings of the store: ``shopify.bulk_seconds`` (how long an operation takes), ``shopify.bulk_fates`` (how the next ones
end: ``COMPLETED``, ``CANCELED``, or ``FAILED`` with an error code behind a blank).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from graphql import GraphQLError, GraphQLResolveInfo, GraphQLSchema

from include.standins.kit import Filter, Store
from include.standins.shopify_bulk_files import KEPT_MS, OPERATION, Makers
from include.standins.shopify_bulk_query import Invalid, check

AT_ONCE = 5
PIECE = 250  # records read, and put into the file, together
SECONDS = 0.2
RUNNING = ("CREATED", "RUNNING", "CANCELING")
Node = dict[str, Any]


@dataclass
class Whole:
    """Where a bulk operation is in what it reads."""

    size: int = PIECE
    cursor: str | None = None


class Operations:
    """The app's bulk operations at the shop.

    :param address: of this server, for the address of a file.
    """

    def __init__(self, store: Store, now_ms: Callable[[], int], makers: Makers, address: str) -> None:
        self._store, self._now_ms, self._makers, self._address = store, now_ms, makers, address.rstrip("/")

    def start(self, schema: GraphQLSchema, shop: Any, query: str, grouped: bool) -> Node:
        """The payload of ``bulkOperationRunQuery``."""
        with self._store.transaction():
            try:
                check(schema, query)
            except Invalid as error:
                return _refused("INVALID", str(error))
            running = [one for one in self._all() if one["status"] in RUNNING]
            if len(running) >= AT_ONCE:
                return _refused(
                    "OPERATION_IN_PROGRESS",
                    f"A bulk query operation for this app and shop is already in progress: {running[0]['id']}.",
                )
            number = self._store.count("shopify", OPERATION, Filter(archived=None)) + 1
            fates = list(self._store.get_setting("shopify.bulk_fates", ()))
            fate, code = (*(fates[0].split() if fates else ["COMPLETED"]), None)[:2]
            self._store.set_setting("shopify.bulk_fates", fates[1:])
            seconds = float(self._store.get_setting("shopify.bulk_seconds", SECONDS))
            body = {
                **{"id": f"gid://shopify/BulkOperation/{number}", "status": "CREATED", "errorCode": None},
                **{"query": query, "type": "QUERY", "createdAt": _iso(self._now_ms()), "completedAt": None},
                **{"objectCount": "0", "rootObjectCount": "0", "fileSize": None, "url": None, "partialDataUrl": None},
                **{"_due": self._now_ms() + seconds * 1000, "_grouped": grouped, "_fate": fate, "_code": code},
                **{"_token": uuid4().hex, "_pieces": 0, "_cursor": None, "_size": 0, "_whole": False},
            }
            self._keep(body)
            self._makers.see_to(body, schema, shop)
            return {"bulkOperation": body, "userErrors": []}

    def cancel(self, id: str) -> Node:
        """The payload of ``bulkOperationCancel``; it takes as long as the operation would have."""
        found = self._store.get("shopify", OPERATION, id.rpartition("/")[2])
        if found is None or found.body["status"] not in ("CREATED", "RUNNING"):
            error = {"field": ["id"], "message": "A bulk operation cannot be canceled when it is completed"}
            return {"bulkOperation": found and found.body, "userErrors": [error]}
        body = {**found.body, "status": "CANCELING", "_fate": "CANCELED"}
        self._keep(body)
        return {"bulkOperation": body, "userErrors": []}

    def one(self, id: str, shop: Any, schema: GraphQLSchema) -> Node | None:
        """The operation as it is now: what was due by now is done."""
        with self._store.transaction():
            found = self._store.get("shopify", OPERATION, id.rpartition("/")[2])
            return found and self._advanced(found.body, shop, schema)

    def newest(self, shop: Any, schema: GraphQLSchema) -> list[Node]:
        """All of them, the newest first."""
        with self._store.transaction():
            return [self._advanced(one, shop, schema) for one in reversed(self._all())]

    def _all(self) -> list[Node]:
        return [one.body for one in self._store.page("shopify", OPERATION, order="id", limit=-1)]

    def _advanced(self, body: Node, shop: Any, schema: GraphQLSchema) -> Node:
        now = self._now_ms()
        if body["status"] in RUNNING:
            canceling = body["status"] == "CANCELING"
            if now >= body["_due"] and (body["_whole"] or canceling):
                body = self._ended(body)
            elif not canceling:
                body = {**body, "status": "RUNNING"}
                self._makers.see_to(body, schema, shop)  # it may have begun before this stand-in was started
            self._keep(body)
        elif body["status"] == "COMPLETED" and now > body["_due"] + KEPT_MS:
            body = {**body, "status": "EXPIRED", "url": None}
            self._keep(body)
        return body

    def _ended(self, body: Node) -> Node:
        number = body["id"].rpartition("/")[2]
        url = f"{self._address}/storage/{number}.jsonl?signature=standin" if body["_size"] else None
        if body["_fate"] != "COMPLETED":
            return {**body, "status": body["_fate"], "errorCode": body["_code"], "partialDataUrl": url}
        size = str(body["_size"]) if url else None
        return {**body, "status": "COMPLETED", "completedAt": _iso(self._now_ms()), "fileSize": size, "url": url}

    def _keep(self, body: Node) -> None:
        self._store.put("shopify", OPERATION, body["id"].rpartition("/")[2], body, changed_at=self._now_ms())


def _refused(code: str, message: str) -> Node:
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": ["query"], "message": message}]}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _operation(_: Any, info: GraphQLResolveInfo, *, id: str) -> Node | None:
    return info.context.bulk.one(id, info.context, info.schema)


def _operations(
    _: Any,
    info: GraphQLResolveInfo,
    *,
    first: int | None = None,
    reverse: bool = False,
    sortKey: str = "CREATED_AT",
    after: str | None = None,
    **others: Any,
) -> Node:
    if after is not None or sortKey != "CREATED_AT" or others:
        raise GraphQLError(
            "The stand-in lists bulk operations by their start, without filter and in one page.",
            extensions={"code": "BAD_REQUEST"},
        )
    found = info.context.bulk.newest(info.context, info.schema)[:: -1 if reverse else 1][: first or 0]
    ends = {"startCursor": found[0]["id"] if found else None, "endCursor": found[-1]["id"] if found else None}
    info_of = {"hasNextPage": False, "hasPreviousPage": False, **ends}
    return {"nodes": found, "cursors": [one["id"] for one in found], "pageInfo": info_of}


QUERIES: Mapping[str, Any] = {"bulkOperation": _operation, "bulkOperations": _operations}
MUTATIONS: Mapping[str, Any] = {
    "bulkOperationRunQuery": lambda _, info, query, groupObjects: info.context.bulk.start(
        info.schema, info.context, query, groupObjects
    ),
    "bulkOperationCancel": lambda _, info, id: info.context.bulk.cancel(id),
}
