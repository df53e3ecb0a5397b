"""Klaviyo's API, revision 2026-07-15: lists, their members, profiles, events and bulk imports.

Held to the vendor's OpenAPI file by tests. The key comes as ``Authorization: Klaviyo-API-Key …`` with a ``revision``
header. Limits are an endpoint's own, by second and by minute (setting ``klaviyo.limits`` multiplies them), told in
``RateLimit-…`` headers and, when they are used up, by 429 with ``Retry-After`` instead. Names of lists need not be
unique. The calls that subscribe, unsubscribe, suppress or unsuppress are not there: who uses this stand-in has no
business with them.
"""

import math
import re
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import klaviyo_events, klaviyo_jobs, klaviyo_listing, klaviyo_lists, klaviyo_profiles
from include.standins.kit import EVERYTHING, Context, Json, Store
from include.standins.klaviyo_core import (
    MEDIA_TYPE,
    MOST_OF_URL,
    PLATFORM,
    Answer,
    Call,
    Endpoint,
    Refused,
    invalid,
    read_filter,
)
from include.standins.limits import WindowLimit

LATEST, LIVES = date(2026, 7, 15), timedelta(days=730)
PAGING = ("page[size]", "page[cursor]")
FIELDS = {
    "fields[list]": klaviyo_lists.LIST_FIELDS,
    "fields[profile]": klaviyo_profiles.SHOWN,
    "fields[event]": klaviyo_events.EVENT_FIELDS,
    "fields[metric]": klaviyo_events.METRIC_FIELDS,
    "additional-fields[profile]": frozenset({"subscriptions", "predictive_analytics"}),
    "fields[profile-bulk-import-job]": klaviyo_jobs.ATTRIBUTES,
    "fields[import-error]": klaviyo_jobs.ERROR_ATTRIBUTES,
}
_JOBS = "/api/profile-bulk-import-jobs"
_MEMBERS = "/api/lists/{id}/relationships/profiles"
_PROFILES = ("filter", "sort", "fields[profile]", "additional-fields[profile]", *PAGING)
_EVENTS = ("filter", "sort", "include", "fields[event]", "fields[metric]", "fields[profile]", *PAGING)
_PREDICTED = Endpoint("GET", "/api/profiles?predictive_analytics", klaviyo_listing.profiles, (), 10, 150)


def _jobs(call: Call) -> Answer:
    return klaviyo_jobs.listing(call, read_filter(call, {"status": ("any", "equals")}))


ENDPOINTS = (
    Endpoint("GET", "/api/lists", klaviyo_lists.lists, ("filter", "sort", "fields[list]", *PAGING), 75, 750),
    Endpoint("POST", "/api/lists", klaviyo_lists.create, ("fields[list]",), 10, 150, 150),
    Endpoint("GET", "/api/lists/{id}", klaviyo_lists.one, ("fields[list]",), 75, 750),
    Endpoint("DELETE", "/api/lists/{id}", klaviyo_lists.delete),
    Endpoint("GET", "/api/lists/{id}/profiles", klaviyo_lists.members, _PROFILES, 75, 750),
    Endpoint("GET", _MEMBERS, klaviyo_lists.member_ids, ("filter", "sort", *PAGING), 75, 750),
    Endpoint("POST", _MEMBERS, klaviyo_lists.add),
    Endpoint("DELETE", _MEMBERS, klaviyo_lists.remove),
    Endpoint("GET", "/api/profiles", klaviyo_listing.profiles, _PROFILES, 75, 750),
    Endpoint("GET", "/api/events", klaviyo_events.events, _EVENTS, 350, 3500),
    Endpoint("GET", "/api/metrics", klaviyo_events.metrics, ("filter", "fields[metric]", *PAGING), 10, 150),
    Endpoint("GET", _JOBS, _jobs, ("filter", "sort", "fields[profile-bulk-import-job]", *PAGING)),
    Endpoint("POST", _JOBS, klaviyo_jobs.create, ("fields[profile-bulk-import-job]",)),
    Endpoint("GET", _JOBS + "/{id}", klaviyo_jobs.one, ("fields[profile-bulk-import-job]",)),
    Endpoint("GET", _JOBS + "/{id}/import-errors", klaviyo_jobs.errors, ("fields[import-error]", *PAGING)),
    Endpoint(
        "GET",
        _JOBS + "/{id}/profiles",
        klaviyo_jobs.profiles,
        ("fields[profile]", "additional-fields[profile]", *PAGING),
    ),
)


def prepare(store: Store, now_ms: int) -> None:
    """The connection needs no ids."""
    store.set_setting("klaviyo.account", {})


def fault_answer(kind: str, seconds: float) -> Response:
    """Klaviyo's words for a fault."""
    if kind == "throttle":
        return _throttled(seconds)
    if kind == "expired_token":
        return _no_key().response()
    return Refused(503, ("error", "Service unavailable.", "Please try again later.", "/data")).response()


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints; two with one path are one route."""
    limits = Limits(context)
    paths = dict.fromkeys(one.path for one in ENDPOINTS)
    return [_route(context, limits, path, [one for one in ENDPOINTS if one.path == path]) for path in paths]


def settle(context: Context) -> None:
    """What is due by now has happened."""
    klaviyo_jobs.work_off(context)


def audience_members(store: Store) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each list, by name, the lower-cased addresses of its members with their profiles' attributes."""
    held: dict[str, dict[str, dict[str, Any]]] = {}
    for one in store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1):
        found = store.listed(PLATFORM, "profile", f"joined:{one.id}")
        held.setdefault(one.body["name"], {}).update({member.body["email"].lower(): member.body for member in found})
    return held


class Limits:
    """The limits of each endpoint of the account, by second, minute and for some by day."""

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._windows = {
            (one.method, one.path): [
                WindowLimit(calls, seconds, context.clock)
                for calls, seconds in ((one.burst, 1), (one.steady, 60), (one.daily, 86_400))
                if calls is not None
            ]
            for one in (*ENDPOINTS, _PREDICTED)
        }

    def take(self, endpoint: Endpoint) -> tuple[float | None, dict[str, str]]:
        """Seconds to wait when a limit is used up, else None; and the headers of an answer that is let through."""
        times = self._store.get_setting("klaviyo.limits", 1)
        windows = self._windows[endpoint.method, endpoint.path]
        for one, calls in zip(windows, (endpoint.burst, endpoint.steady, endpoint.daily), strict=False):
            one.most = (calls or 0) * times
        taken = [(one, *one.take("account")) for one in windows]
        waits = [wait for _, admitted, _, wait in taken if not admitted]
        burst, (steady, _, left, reset) = taken[0][0], taken[1]
        headers = {
            "RateLimit-Limit": f"{steady.most}, {burst.most};w=1, {steady.most};w=60",
            "RateLimit-Remaining": str(max(0, left)),
            "RateLimit-Reset": str(math.ceil(reset)),
        }
        return (max(waits) if waits else None), headers


def _route(context: Context, limits: Limits, path: str, endpoints: list[Endpoint]) -> Route:
    by_method = {one.method: one for one in endpoints}

    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_answer, context, limits, by_method[request.method], request, raw)

    return Route(path, endpoint, methods=list(by_method))


def _answer(context: Context, limits: Limits, endpoint: Endpoint, request: Request, raw: bytes) -> Response:
    klaviyo_jobs.work_off(context)
    try:
        _check_key(context, request)
        predicts = "predictive_analytics" in request.query_params.get("additional-fields[profile]", "")
        wait, headers = limits.take(_PREDICTED if predicts else endpoint)
        if wait is not None:
            return _throttled(wait)
        call = _read(context, endpoint, request, raw)
        with context.store.transaction():
            answer = endpoint.answer(call)
    except Refused as refused:
        return refused.response()
    if answer.body is None:
        return Response(status_code=answer.status, headers=headers)
    return Json(answer.body, answer.status, headers=headers, media_type=MEDIA_TYPE)


def _check_key(context: Context, request: Request) -> None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme != "Klaviyo-API-Key" or key.strip() != context.tokens[PLATFORM]:
        raise _no_key()


def _no_key() -> Refused:
    words = "Missing or invalid private key."
    return Refused(401, ("authentication_failed", "Incorrect authentication credentials.", words, "/data"))


def _read(context: Context, endpoint: Endpoint, request: Request, raw: bytes) -> Call:
    """The request as a call.

    :raises Refused: no or no living revision, an unknown parameter, another content type than JSON:API's, no JSON.
    """
    revision = request.headers.get("revision", "")
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", revision):
        raise Refused(400, ("invalid", "Invalid input.", "A revision header is required.", "parameter=revision"))
    if not LATEST - LIVES <= date.fromisoformat(revision) <= LATEST:
        raise Refused(410, ("gone", "Revision retired.", f"There is no revision {revision}.", "parameter=revision"))
    if len(str(request.url)) > MOST_OF_URL:
        raise Refused(414, ("uri_too_long", "URI too long.", "The URI is too long.", "/data"))
    for name, value in request.query_params.items():
        if name not in endpoint.parameters or set(value.split(",")) - FIELDS.get(name, {*value.split(",")}):
            words = f"'{name}' is not a valid query parameter, or names a field that does not exist."
            raise Refused(400, ("invalid", "Invalid input.", words, f"parameter={name}"))
    if raw and request.headers.get("content-type", "").partition(";")[0] not in (MEDIA_TYPE, "application/json"):
        raise Refused(415, ("unsupported_media_type", "Unsupported media type.", f"Send {MEDIA_TYPE}.", "/data"))
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        raise invalid("The body is not JSON.") from None
    base = f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"
    return Call(context, request.path_params, dict(_single(request)), body, base, str(request.url), len(raw))


def _single(request: Request) -> Iterator[tuple[str, str]]:
    """Parameters, each of which may be given once."""
    for name, value in request.query_params.multi_items():
        if len(request.query_params.getlist(name)) > 1:
            raise Refused(400, ("invalid", "Invalid input.", f"'{name}' is given twice.", f"parameter={name}"))
        yield name, value


def _throttled(seconds: float) -> Response:
    words = f"Request was throttled. Expected available in {math.ceil(seconds)} seconds."
    refusal = Refused(429, ("throttled", "Request was throttled.", words, "/data"))
    return refusal.response(**{"Retry-After": str(math.ceil(seconds))})
