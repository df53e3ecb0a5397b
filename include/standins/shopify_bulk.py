"""Shopify's bulk operations: a query that is answered in its own time, with a file of JSON lines.

Sources (read 2026-11-22): https://shopify.dev/docs/api/usage/bulk-operations/queries and the schema of 2026-10. What no
page says is taken at its hardest: entries are asked for by ``edges`` and ``node``; without grouping a record's children
stand apart from it and backwards; the storage takes no token of the shop and forgets a file after seven days.

Settings of the store: ``shopify.bulk_seconds`` (how long an operation takes), ``shopify.bulk_fates`` (how the next ones
end: ``COMPLETED``, ``CANCELED``, or ``FAILED`` with an error code behind a blank).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLError,
    GraphQLResolveInfo,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from include.standins.kit import Document, Filter, Store

AT_ONCE = 5
MOST_CONNECTIONS, MOST_NESTING = 5, 2
KEPT_MS = 7 * 86_400 * 1000
PIECE = 250  # records read, and put into the file, together
SECONDS = 0.2
OPERATION, FILE = "bulk_operation", "bulk_file"
Node = dict[str, Any]


@dataclass
class Whole:
    """Where a bulk operation is in what it reads."""

    size: int = PIECE
    cursor: str | None = None


class Invalid(ValueError):
    """A query that cannot be run in bulk; the text is the user error's message."""


class Operations:
    """The app's bulk operations at the shop.

    :param address: of this server, for the address of a file.
    """

    def __init__(self, store: Store, now_ms: Callable[[], int], address: str) -> None:
        self._store, self._now_ms, self._address = store, now_ms, address.rstrip("/")

    def start(self, schema: GraphQLSchema, query: str, grouped: bool) -> Node:
        """The payload of ``bulkOperationRunQuery``."""
        with self._store.transaction():
            try:
                check(schema, query)
            except Invalid as error:
                return _refused("INVALID", str(error))
            running = [one for one in self._all() if one["status"] in ("CREATED", "RUNNING", "CANCELING")]
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
            }
            self._keep(body)
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
        if body["status"] in ("CREATED", "RUNNING", "CANCELING"):
            if now < body["_due"]:
                body = {**body, "status": "CANCELING" if body["status"] == "CANCELING" else "RUNNING"}
            else:
                body = self._finished(body, shop, schema)
            self._keep(body)
        elif body["status"] == "COMPLETED" and now > body["_due"] + KEPT_MS:
            body = {**body, "status": "EXPIRED", "url": None}
            self._keep(body)
        return body

    def _finished(self, body: Node, shop: Any, schema: GraphQLSchema) -> Node:
        number, roots, lines = body["id"].rpartition("/")[2], 0, 0
        failed, size = body["_fate"] != "COMPLETED", 0
        for piece, found in enumerate(_pieces(schema, body["query"], shop, body["_grouped"]), 1):
            if failed and piece > 1:  # what there was when it broke off
                break
            text = b"".join(orjson.dumps(one) + b"\n" for one in found)
            roots, lines = roots + sum("__parentId" not in one for one in found), lines + len(found)
            size += len(text)
            self._store.put("shopify", FILE, f"{number}.{piece}", {"text": text.decode()}, changed_at=body["_due"])
        url = f"{self._address}/storage/{number}.jsonl?signature=standin" if lines else None
        ended = {"objectCount": str(lines), "rootObjectCount": str(roots), "status": body["_fate"]}
        if failed:
            return {**body, **ended, "errorCode": body["_code"], "partialDataUrl": url}
        done = {"completedAt": _iso(self._now_ms()), "fileSize": str(size) if lines else None}
        return {**body, **ended, **done, "url": url}

    def _keep(self, body: Node) -> None:
        self._store.put("shopify", OPERATION, body["id"].rpartition("/")[2], body, changed_at=self._now_ms())


def _refused(code: str, message: str) -> Node:
    return {"bulkOperation": None, "userErrors": [{"code": code, "field": ["query"], "message": message}]}


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def check(schema: GraphQLSchema, query: str) -> None:
    """Whether a query can be run in bulk.

    :raises Invalid: it cannot.
    """
    try:
        document = parse(query)
        errors = validate(schema, document)
    except GraphQLError as error:
        raise Invalid(f"Invalid bulk query: {error.message}") from error
    if errors:
        raise Invalid(f"Invalid bulk query: {errors[0].message}")
    operations = [one for one in document.definitions if isinstance(one, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY or operations[0].variable_definitions:
        raise Invalid("Bulk queries hold one query, without variables.")
    fields = [one for one in operations[0].selection_set.selections if isinstance(one, FieldNode)]
    if len(fields) != 1 or fields[0].name.value in ("node", "nodes"):
        raise Invalid("Bulk queries have one field at the top, and that is neither `node` nor `nodes`.")
    found = list(_connections(fields[0], schema.query_type, 1))
    if not 1 <= len(found) <= MOST_CONNECTIONS or max(found) > MOST_NESTING:
        raise Invalid("Bulk queries have one to five connections, nested two levels at most.")


def _connections(field: FieldNode, of: Any, depth: int) -> Iterator[int]:
    """The depth of each connection, which must be read by edge and node, with the id of what has another below it."""
    returned = of.fields[field.name.value].type
    kind = _bare(returned)
    is_connection = kind.name.endswith("Connection")
    entries = _entries(field) if is_connection else field.selection_set
    inner_of = _bare(_bare(kind.fields["edges"].type).fields["node"].type) if is_connection else kind
    if is_connection:
        yield depth
    below = [one for one in entries.selections if isinstance(one, FieldNode) and one.selection_set] if entries else []
    nested = [found for one in below for found in _connections(one, inner_of, depth + is_connection)]
    if nested and str(returned).startswith("["):
        raise Invalid("Queries that contain a connection field within a list field are not supported.")
    if nested and is_connection and "id" not in {one.name.value for one in entries.selections}:
        raise Invalid("The parent 'node' field for a nested connection must select the 'id' field.")
    yield from nested


def _bare(kind: Any) -> Any:
    while hasattr(kind, "of_type"):
        kind = kind.of_type
    return kind


def _entries(field: FieldNode) -> SelectionSetNode:
    edges = next((one for one in field.selection_set.selections if one.name.value == "edges"), None)
    node = next((one for one in edges.selection_set.selections if one.name.value == "node"), None) if edges else None
    if node is None:
        raise Invalid("Bulk queries read a connection by `edges` and `node`.")
    return node.selection_set


def _pieces(schema: GraphQLSchema, query: str, shop: Any, grouped: bool) -> Iterator[list[Node]]:
    """The lines of the file, as many records at a time as are read together."""
    document, reading = parse(query), shop.in_bulk()
    while True:
        result = execute_sync(
            schema, document, context_value=reading, field_resolver=lambda source, info, **_: source[info.field_name]
        )
        if result.errors:
            raise result.errors[0]
        [found] = result.data.values()
        parents, children = [], []
        for edge in found["edges"]:
            mine = list(_lines(edge["node"], None))
            parents += mine if grouped else mine[:1]
            children += [] if grouped else mine[1:]
        yield parents + children[::-1]
        if reading.whole.cursor is None:
            return


def _lines(node: Node, parent: str | None) -> Iterator[Node]:
    """A record, then all below it, each with the id of what it is below."""
    connections = {name: one for name, one in node.items() if isinstance(one, dict) and set(one) == {"edges"}}
    own = {name: one for name, one in node.items() if name not in connections}
    yield {**own, **({"__parentId": parent} if parent else {})}
    for connection in connections.values():
        for edge in connection["edges"]:
            yield from _lines(edge["node"], node["id"])


class Storage:
    """Where files lie until they are seven days old: another house than the shop, which its token does not open."""

    def __init__(self, store: Store, now_ms: Callable[[], int]) -> None:
        self._store, self._now_ms = store, now_ms

    async def answer(self, request: Request) -> Response:
        """A file, or the part of it that ``Range: bytes=n-`` asks for."""
        if "x-shopify-access-token" in request.headers or request.query_params.get("signature") != "standin":
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403)
        text = await run_in_threadpool(self._file, request.path_params["name"])
        if text is None:
            return PlainTextResponse("<Error><Code>NoSuchKey</Code></Error>", 404)
        asked = request.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        start = int(asked) if asked.isdigit() else 0
        if start >= len(text):
            return Response(status_code=416, headers={"Content-Range": f"bytes */{len(text)}"})
        kind = "application/jsonl"
        if not asked:
            return Response(text, media_type=kind)
        place = f"bytes {start}-{len(text) - 1}/{len(text)}"
        return Response(text[start:], 206, {"Content-Range": place}, kind)

    def _file(self, number: str) -> bytes | None:
        pieces: list[Document] = []
        while (found := self._store.get("shopify", FILE, f"{number}.{len(pieces) + 1}")) is not None:
            pieces.append(found)
        if not pieces or pieces[0].changed_at + KEPT_MS < self._now_ms():
            return None
        return "".join(one.body["text"] for one in pieces).encode()


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
        info.schema, query, groupObjects
    ),
    "bulkOperationCancel": lambda _, info, id: info.context.bulk.cancel(id),
}
