"""Google's Data Manager API v1: user lists, audience members, conversion events, the status of requests; and OAuth.

Built from the public discovery document (``google_core``, ``google_ingest``). A token comes from ``/token``, for a JWT
that a service account's key signed; the account's key is what ``/_control/accounts`` gives as the token of the
connection. 300 requests a minute a project, then 429 with google.rpc.RetryInfo; 100,000 a day (setting
``google.a_day``), then 429 without.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import google_lists
from include.standins.google_core import PLATFORM, Call, Refused, invalid, is_token, read
from include.standins.google_ingest import ingest_events, ingest_members, remove_all, remove_members
from include.standins.google_lists import audience_members
from include.standins.google_sign_in import key_file, make_key, sign_in
from include.standins.kit import Context, Json, Store, token_of
from include.standins.limits import WindowLimit

ACCOUNT_ID = "1234567890"
MANAGER_ID = "9876543210"
CONVERSION_ACTION_ID = "700100200"
SCOPE = "https://www.googleapis.com/auth/datamanager"
A_MINUTE, A_DAY = 300, 100_000  # requests a Cloud project
__all__ = ["account", "audience_members", "fault_answer", "prepare", "routes"]
COMMON = frozenset({"alt", "$.xgafv", "fields", "prettyPrint", "quotaUser", "key"})  # every Google API
Handler = Callable[[Call], Any]


def prepare(store: Store, now_ms: int) -> None:
    """The account of the connection, and a key of its service account."""
    make_key(store, PLATFORM)
    ids = {"account_id": ACCOUNT_ID, "login_account_id": MANAGER_ID, "conversion_action_id": CONVERSION_ACTION_ID}
    store.set_setting("google.account", {**ids, "customer_match_terms": "ACCEPTED"})


def account(store: Store, base_url: str) -> dict[str, str]:
    """What differs from place to place in the connection: the key file names where tokens are given out."""
    return {"token": key_file(store, PLATFORM, base_url)}


def fault_answer(kind: str, seconds: float) -> Response:
    """Google's words for a fault; a throttle of 0 seconds is one that does not say how long."""
    if kind == "throttle":
        return _quota().response(retry_seconds=seconds or None, domain="googleapis.com")
    if kind == "expired_token":
        return _bad_token().response(domain="googleapis.com")
    return Refused(503, "UNAVAILABLE", "The service is currently unavailable.").response()


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints that are played, and the token endpoint."""
    limits = (WindowLimit(A_DAY, 86_400.0, context.clock), WindowLimit(A_MINUTE, 60.0, context.clock))
    lists = "/v1/accountTypes/{account_type}/accounts/{account_id}/userLists"

    def route(path: str, *, queries: tuple[str, ...] = (), **handlers: tuple[Handler, str | None]) -> Route:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            return await run_in_threadpool(_answer, context, limits, request, raw, handlers, queries)

        return Route(path, endpoint, methods=["GET", "POST", "PATCH", "DELETE"])

    async def token(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(sign_in, context, PLATFORM, SCOPE, str(request.url).partition("?")[0], raw)

    return [
        Route("/token", token, methods=["POST"]),
        route("/v1/audienceMembers:ingest", POST=(ingest_members, "IngestAudienceMembersRequest")),
        route("/v1/audienceMembers:remove", POST=(remove_members, "RemoveAudienceMembersRequest")),
        route("/v1/audienceMembers:removeAll", POST=(remove_all, "RemoveAllAudienceMembersRequest")),
        route("/v1/events:ingest", POST=(ingest_events, "IngestEventsRequest")),
        route("/v1/requestStatus:retrieve", queries=("requestId",), GET=(_status, None)),
        route(
            lists,
            queries=("filter", "pageSize", "pageToken", "validateOnly"),
            GET=(google_lists.find, None),
            POST=(google_lists.create, "UserList"),
        ),
        route(
            lists + "/{list_id}",
            queries=("validateOnly",),
            GET=(google_lists.show, None),
            DELETE=(google_lists.delete, None),
        ),
    ]


def _answer(
    context: Context,
    limits: tuple[WindowLimit, WindowLimit],
    request: Request,
    raw: bytes,
    handlers: Mapping[str, tuple[Handler, str | None]],
    queries: tuple[str, ...],
) -> Response:
    if not is_token(context.tokens[PLATFORM], token_of(request) or "", time.time()):
        return _bad_token().response(domain="googleapis.com")
    day, minute = limits
    day.most = context.store.get_setting("google.a_day", A_DAY)
    if not day.take(PLATFORM)[0]:
        return _quota("Day", day.most).response(domain="googleapis.com")
    admitted, _, wait = minute.take(PLATFORM)
    if not admitted:
        return _quota().response(retry_seconds=round(wait, 3), domain="googleapis.com")
    if request.method not in handlers:
        return Refused(404, "NOT_FOUND", "The requested URL was not found on this server.").response()
    handler, message = handlers[request.method]
    try:
        for name in request.query_params:
            if name not in queries and name not in COMMON:
                raise invalid(name, "INVALID_ARGUMENT", f"Unknown query parameter {name!r}: Cannot bind.")
        body = read(raw, message) if message else {}
        call = Call(context, request.path_params, dict(request.query_params), body, request.headers)
        with context.store.transaction():
            return Json(handler(call))
    except Refused as refused:
        return refused.response()


def _bad_token() -> Refused:
    text = (
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential."
    )
    return Refused(401, "ACCESS_TOKEN_EXPIRED", text)


def _quota(span: str = "Minute", most: int = A_MINUTE) -> Refused:
    text = f"Quota exceeded for quota metric 'Ingestion requests' and limit 'Ingestion requests per {span.lower()}'."
    return Refused(
        429,
        "RATE_LIMIT_EXCEEDED",
        text,
        quota_limit=f"IngestionRequestsPer{span}PerProject",
        quota_limit_value=str(most),
        consumer="projects/standin",
    )


def _status(call: Call) -> dict[str, Any]:
    found = call.store.get(PLATFORM, "request", call.query.get("requestId", ""))
    if found is None:
        raise invalid("request_id", "INVALID_REQUEST_ID", "The request ID is not valid.")
    body = found.body
    seconds = call.store.get_setting("google.request_seconds", 0.3)
    ready = call.context.now_ms() >= body["taken_at"] + seconds * 1000
    named = not call.store.get_setting("google.unnamed", False)
    return {"requestStatusPerDestination": [_shown(one, body, ready, named) for one in body["destinations"]]}


def _shown(destination: Mapping[str, Any], body: Mapping[str, Any], ready: bool, named: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {"destination": destination, **_counted(body)}
    if not ready:
        return {**answer, "requestStatus": "PROCESSING"}
    by_reason: dict[str, list[int]] = {}
    for place, reason in body["errors"].items():
        by_reason.setdefault(reason, []).append(int(place))
    failed = sum(map(len, by_reason.values()))
    state = "SUCCESS" if not failed else "FAILED" if failed == body["records"] else "PARTIAL_SUCCESS"
    counts = [
        {"reason": reason, "recordCount": str(len(places)), **({"recordIndices": places} if named else {})}
        for reason, places in by_reason.items()
    ]
    return {**answer, "requestStatus": state, **({"errorInfo": {"errorCounts": counts}} if counts else {})}


def _counted(body: Mapping[str, Any]) -> dict[str, Any]:
    """How many records of which kind the request had."""
    records = {"recordCount": str(body["records"])}
    users = {**records, "userIdentifierCount": str(body["identifiers"])}
    if body["kind"] == "ingest":
        rate = "MATCH_RATE_RANGE_61_TO_70" if body["records"] >= 100 else "MATCH_RATE_RANGE_NOT_ELIGIBLE"
        return {"audienceMembersIngestionStatus": {"userDataIngestionStatus": {**users, "uploadMatchRateRange": rate}}}
    if body["kind"] == "remove":
        return {"audienceMembersRemovalStatus": {"userDataRemovalStatus": users}}
    return {"eventsIngestionStatus": records} if body["kind"] == "events" else {"removeAllAudienceMembersStatus": {}}
