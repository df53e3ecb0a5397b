"""Shopify's Admin GraphQL interface, 2026-10, on this machine.

Executed by graphql-core against `shopify.graphql`. Errors of the query, a missing scope and "Throttled" are answered
with HTTP 200, as the platform does. Limits: https://shopify.dev/docs/api/usage/limits (read 2026-11-21).

Settings of the store: ``shopify.plan`` (standard, advanced, plus, enterprise), ``shopify.scopes``, and those of
`shopify_bulk`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import orjson
from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLResolveInfo,
    OperationType,
    execute_sync,
    get_operation_ast,
    parse,
    validate,
)
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import shopify_bulk, shopify_cost
from include.standins.kit import Context, Json
from include.standins.limits import LeakyBucket
from include.standins.shopify_bulk_files import Makers, Storage
from include.standins.shopify_schema import Shop, schema
from include.standins.store import FAR_FUTURE

VERSION = "2026-10"
COST_MAXIMUM = 1_000
# Points restored a second; the bucket holds twenty seconds of them. By default the largest plan: the way connections
# are counted here is dearer than the platform's, and a first load should not wait longer than it would there.
DEFAULT_PLAN = "enterprise"
PLANS: Mapping[str, float] = {"standard": 100, "advanced": 200, "plus": 1_000, "enterprise": 2_000}
BUCKET_SECONDS = 20
SCOPES = ("read_customers", "read_orders", "read_all_orders")
RECENT_MS = 60 * 86_400 * 1000  # older orders need the scope read_all_orders
_RULES = "https://shopify.dev/api/usage/limits"


def routes(context: Context) -> list[BaseRoute]:
    """The one path there is, and the storage where results of bulk operations lie."""
    return [
        Route(f"/admin/api/{VERSION}/graphql.json", Shopify(context).answer, methods=["POST"]),
        Route("/storage/{name}.jsonl", Storage(context.store, context.now_ms).answer, methods=["GET"]),
    ]


def fault_answer(kind: str, seconds: float) -> Response:
    """Shopify's words for a fault."""
    if kind == "throttle":
        status = {"maximumAvailable": 20000.0, "currentlyAvailable": 0.0, "restoreRate": 1000.0}
        cost = {"requestedQueryCost": seconds * 1000.0, "actualQueryCost": None, "throttleStatus": status}
        return Json({"errors": [_error("Throttled", "THROTTLED", documentation=_RULES)], "extensions": {"cost": cost}})
    if kind == "expired_token":
        return _refused()
    return Json(
        {"errors": [_error("Internal error. Looks like something went wrong on our end.", "INTERNAL_SERVER_ERROR")]},
        500,
    )


def _error(message: str, code: str, **more: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, **more}}


def _refused() -> Response:
    return Json({"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}, 401)


@dataclass(frozen=True)
class Prepared:
    """A query text, parsed and validated once."""

    document: DocumentNode | None
    parts: tuple[shopify_cost.Part, ...]
    errors: tuple[dict[str, Any], ...]
    changes: bool = False


@lru_cache(maxsize=256)
def read_query(text: str) -> Prepared:
    """Parse and validate a query; the errors are worded for the answer."""
    try:
        document = parse(text)
        found = validate(schema(), document)
    except GraphQLError as error:
        return Prepared(None, (), (_worded(error, "GRAPHQL_PARSE_FAILED"),))
    if found:
        return Prepared(
            None,
            (),
            tuple(
                _worded(error, "undefinedField" if "Cannot query" in error.message else "invalid") for error in found
            ),
        )
    operation = get_operation_ast(document)
    changes = operation is not None and operation.operation is OperationType.MUTATION
    return Prepared(document, shopify_cost.parts_of(schema(), document), (), changes)


def _worded(error: GraphQLError, code: str) -> dict[str, Any]:
    return {**error.formatted, "extensions": {"code": code, **(error.extensions or {})}}


def _stored(source: Any, info: GraphQLResolveInfo, **_: Any) -> Any:
    """Most fields stand in the document under their own name."""
    return source[info.field_name]


class Shopify:
    """The endpoint. One app at one shop, hence one bucket."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._rate = PLANS[context.store.get_setting("shopify.plan", DEFAULT_PLAN)]
        self._makers = Makers(context.store)
        self._bucket = LeakyBucket(self._rate * BUCKET_SECONDS, self._rate, context.clock)

    async def answer(self, request: Request) -> Response:
        """Answer a query."""
        if request.headers.get("x-shopify-access-token") != self._context.tokens["shopify"]:
            return _refused()
        try:
            body = orjson.loads(await request.body())
            text, variables = body["query"], body.get("variables") or {}
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return Json({"errors": {"query": "Required parameter missing or invalid"}}, 400)
        prepared = read_query(text)
        if prepared.document is None:
            return Json({"errors": list(prepared.errors)})
        address = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
        return Json(await run_in_threadpool(self._answer, prepared, variables, address))

    def _answer(self, prepared: Prepared, variables: dict[str, Any], address: str) -> dict[str, Any]:
        least = shopify_cost.MUTATION if prepared.changes else 1.0
        requested = max(least, shopify_cost.requested(prepared.parts, variables))
        if requested > COST_MAXIMUM:
            return {
                "errors": [
                    _error(
                        f"Query cost is {requested:.0f}, which exceeds the single query max cost limit "
                        f"({COST_MAXIMUM}).",
                        "MAX_COST_EXCEEDED",
                        cost=requested,
                        maxCost=COST_MAXIMUM,
                        documentation=_RULES,
                    )
                ]
            }
        admitted, left = self._bucket.take("app", requested)
        if not admitted:
            return {
                "errors": [_error("Throttled", "THROTTLED", documentation=_RULES)],
                "extensions": {"cost": self._cost(requested, None, left)},
            }
        shop = self._shop(address)
        result = execute_sync(
            schema(), prepared.document, context_value=shop, variable_values=variables, field_resolver=_stored
        )
        actual = max(least, shopify_cost.actual(prepared.parts, result.data)) if result.data else 1.0
        left = self._bucket.take("app", actual - requested)[1]
        extensions = {
            "cost": self._cost(requested, actual, left),
            **({"search": shop.warnings} if shop.warnings else {}),
        }
        errors = [_worded(error, "BAD_REQUEST") for error in result.errors or ()]
        return {**({"errors": errors} if errors else {}), "data": result.data, "extensions": extensions}

    def _shop(self, address: str) -> Shop:
        scopes = self._store.get_setting("shopify.scopes", SCOPES)
        oldest = -FAR_FUTURE if "read_all_orders" in scopes else self._context.now_ms() - RECENT_MS
        bulk = shopify_bulk.Operations(self._store, self._context.now_ms, self._makers, address)
        return Shop(self._store, oldest, scopes, bulk)

    def _cost(self, requested: float, actual: float | None, left: float) -> dict[str, Any]:
        status = {
            "maximumAvailable": self._bucket.size,
            "currentlyAvailable": round(left, 1),
            "restoreRate": float(self._rate),
        }
        return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}
