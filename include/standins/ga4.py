"""Google Analytics' Data API v1beta on this machine: ``runReport`` over what the property measured, and OAuth.

Built from the public discovery document (``ga4_messages.json``, held to it by a test): a field it does not have refuses
the request. What the property measured are documents of kind ``fact`` (``ga4_records``): each counts from the moment it
is known to the moment it is taken back, so that a day is restated as time goes on. Quotas as documented for a standard
property: tokens for a day, an hour and a project's hour, ten requests at once, ten server errors an hour; then 429.

Without ``orderBys`` rows come in another order with each request: the vendor promises none.

Settings of the store: ``ga4.timezone``, ``ga4.tokens`` (``{"day": …, "hour": …, "project": …}``), ``ga4.cost`` (tokens
a request), ``ga4.fail_next`` (so many requests end with 500), ``ga4.cardinality`` (rows above it are rolled into
"(other)"), ``ga4.threshold`` (rows of fewer users are left out), ``ga4.sampled`` (``[read, of]``).
"""

import random
import time
from pathlib import Path
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins.ga4_reports import DIMENSIONS, METRICS, counted, days_of
from include.standins.google_core import Refused, invalid, is_token, read
from include.standins.google_sign_in import key_file, make_key, sign_in
from include.standins.kit import Context, Json, Store, token_of
from include.standins.limits import WindowLimit

PLATFORM = "ga4"
PROPERTY = "334455667"
SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
CONNECTIONS_AT_ONCE = 10
TOKENS = {"day": 200_000, "hour": 40_000, "project": 14_000}
SERVER_ERRORS = 10
_TOKENS_OF = {
    "day": "property tokens per day. These quota tokens will return in under 24 hours",
    "hour": "property tokens per hour. These quota tokens will return in under one hour",
    "project": "property tokens for a project per hour",
}
MESSAGES = orjson.loads(Path(__file__).with_name("ga4_messages.json").read_bytes())["messages"]
PAGE, LARGEST = 10_000, 250_000
COMMON = frozenset({"alt", "$.xgafv", "fields", "prettyPrint", "quotaUser", "key"})
__all__ = ["account", "fault_answer", "prepare", "routes"]


def prepare(store: Store, now_ms: int) -> None:
    """The property of the connection, and a key of its service account."""
    make_key(store, PLATFORM)
    store.set_setting("ga4.account", {"property_id": PROPERTY})


def account(store: Store, base_url: str) -> dict[str, str]:
    """What differs from place to place in the connection: the key file names where tokens are given out."""
    return {"token": key_file(store, PLATFORM, base_url)}


def fault_answer(kind: str, seconds: float) -> Response:
    """Google's words for a fault."""
    if kind == "throttle":
        return _exhausted("concurrent requests quota", retry_seconds=seconds or None)
    if kind == "expired_token":
        return _bad_token()
    return Refused(503, "UNAVAILABLE", "The service is currently unavailable.").response(domain="googleapis.com")


def routes(context: Context) -> list[BaseRoute]:
    """The paths of the Data API that there are, and the token endpoint."""
    api = _Api(context)

    async def token(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(sign_in, context, PLATFORM, SCOPE, str(request.url).partition("?")[0], raw)

    async def report(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(api.report, request, raw)

    return [
        Route("/token", token, methods=["POST"]),
        Route("/v1beta/properties/{property}:runReport", report, methods=["POST"]),
    ]


def _bad_token() -> Response:
    text = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return Refused(401, "ACCESS_TOKEN_EXPIRED", text).response(domain="googleapis.com")


def _exhausted(what: str, *, retry_seconds: float | None = None) -> Response:
    """In the words that others recorded; of a day's tokens they speak of hours too."""
    text = f"Exhausted {what}."
    return Refused(429, "RATE_LIMIT_EXCEEDED", text).response(retry_seconds=retry_seconds, domain="googleapis.com")


class _Api:
    """``runReport``, with the property's quotas counted in memory."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._windows = {"day": WindowLimit(1, 86_400, context.clock), "hour": WindowLimit(1, 3_600, context.clock)}
        self._windows["project"] = WindowLimit(1, 3_600, context.clock)
        self._errors = WindowLimit(SERVER_ERRORS, 3_600, context.clock)
        self._random = random.Random(7)  # noqa: S311 (an order that nobody may rely on)

    def report(self, request: Request, raw: bytes) -> Response:
        if not is_token(self._context.tokens[PLATFORM], token_of(request) or "", time.time()):
            return _bad_token()
        try:
            if request.path_params["property"] != PROPERTY:
                text = "User does not have sufficient permissions for this property."
                raise Refused(403, "PERMISSION_DENIED", text)
            for name in request.query_params:
                if name not in COMMON:
                    raise invalid(name, "INVALID_ARGUMENT", f"Unknown query parameter {name!r}: Cannot bind.")
            body = read(raw, "RunReportRequest", MESSAGES)
            _hold_to_rules(body)
            return self._within_quota(body)
        except Refused as refused:
            return refused.response(domain="analyticsdata.googleapis.com")

    def _within_quota(self, body: dict[str, Any]) -> Response:
        store = self._context.store
        failing = store.get_setting("ga4.fail_next", 0)
        if failing:
            store.set_setting("ga4.fail_next", failing - 1)
            if not self._errors.take(PLATFORM)[0]:
                return _exhausted("server errors quota for this project per hour")
            return Refused(500, "INTERNAL", "Internal error encountered.").response(domain="googleapis.com")
        cost = store.get_setting("ga4.cost", 1)
        left = {}
        for name, most in {**TOKENS, **store.get_setting("ga4.tokens", {})}.items():
            window = self._windows[name]
            window.most = most // cost
            admitted, remaining, _ = window.take(PLATFORM)
            if not admitted:
                return _exhausted(_TOKENS_OF[name])
            left[name] = remaining * cost
        return Json(self._answer(body, cost, left))

    def _answer(self, body: dict[str, Any], cost: int, left: dict[str, int]) -> dict[str, Any]:
        found = counted(self._context.store, self._context.now_ms(), body)
        rows = found.rows
        if not body.get("orderBys"):
            self._random.shuffle(rows)
        offset, limit = int(body.get("offset") or 0), min(LARGEST, int(body.get("limit") or PAGE))
        answer: dict[str, Any] = {
            "dimensionHeaders": [{"name": one["name"]} for one in body.get("dimensions", [])],
            "metricHeaders": [{"name": one["name"], "type": METRICS[one["name"]]} for one in body["metrics"]],
            "rows": rows[offset : offset + limit],
            "rowCount": len(rows),
            "metadata": found.metadata,
            "kind": "analyticsData#runReport",
        }
        if body.get("returnPropertyQuota"):
            answer["propertyQuota"] = _quota(cost, left)
        if not answer["rows"]:
            del answer["rows"]
        return {name: value for name, value in answer.items() if value != []}


def _quota(cost: int, left: dict[str, int]) -> dict[str, Any]:
    tokens = {"tokensPerDay": "day", "tokensPerHour": "hour", "tokensPerProjectPerHour": "project"}
    counts = {
        "concurrentRequests": CONNECTIONS_AT_ONCE,
        "serverErrorsPerProjectPerHour": SERVER_ERRORS,
        "potentiallyThresholdedRequestsPerHour": 120,
    }
    return {
        **{name: {"consumed": cost, "remaining": left[of]} for name, of in tokens.items()},
        **{name: {"consumed": 0, "remaining": most} for name, most in counts.items()},
    }


def _hold_to_rules(body: dict[str, Any]) -> None:
    """What the platform asks beyond the types of fields.

    :raises Refused: 400 INVALID_ARGUMENT.
    """
    dimensions = [one.get("name", "") for one in body.get("dimensions", [])]
    metrics = [one.get("name", "") for one in body.get("metrics", [])]
    for names, most, what in ((dimensions, 9, "dimensions"), (metrics, 10, "metrics")):
        if len(names) > most or len(set(names)) < len(names):
            raise invalid(what, "INVALID_ARGUMENT", f"Requests are limited to {most} different {what}.")
    if not metrics:
        raise invalid("metrics", "INVALID_ARGUMENT", "This request has no metrics.")
    for names, known, what in ((dimensions, DIMENSIONS, "dimension"), (metrics, METRICS, "metric")):
        for name in names:
            if name not in known:
                raise invalid(what, "INVALID_ARGUMENT", f"Field {name} is not a valid {what}.")
    if not 1 <= len(body.get("dateRanges", [])) <= 4:
        raise invalid("date_ranges", "INVALID_ARGUMENT", "A request needs from 1 to 4 date ranges.")
    if len(body["dateRanges"]) > 1 or any(body.get(key) for key in ("dimensionFilter", "metricFilter", "cohortSpec")):
        raise Refused(400, "INVALID_ARGUMENT", "This stand-in has one date range, and no filters or cohorts.")
    days_of(body["dateRanges"][0], "UTC", 0)
    if "limit" in body and int(body["limit"]) <= 0:
        raise invalid("limit", "INVALID_ARGUMENT", "limit must be positive.")
    if int(body.get("offset") or 0) < 0:
        raise invalid("offset", "INVALID_ARGUMENT", "offset must not be negative.")
    for order in body.get("orderBys", []):
        if order.get("dimension", {}).get("dimensionName", "") not in dimensions:
            raise invalid("order_bys", "INVALID_ARGUMENT", "Orders must be by a dimension of the request.")
