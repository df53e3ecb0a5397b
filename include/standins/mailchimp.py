"""Mailchimp's Marketing API 3.0: members, tags, segments, batches, campaigns and reports.

Held to the vendor's OpenAPI file by tests. The credential is the API key, as password of Basic (any user) or as
Bearer token. Ten connections of one user at once; the eleventh gets 429 and no header that says how long.
``mailchimp_members`` has the rules of who may be put on a list.
"""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, compile_path

from include.standins import mailchimp_bulk as bulk
from include.standins import mailchimp_members as members
from include.standins import mailchimp_reports as reports
from include.standins import mailchimp_segments as segments
from include.standins.kit import Context, Json, Store, token_of
from include.standins.mailchimp_batches import Batches
from include.standins.mailchimp_core import CHOOSING, PAGING, Answer, Call, Endpoint, Problem, not_found
from include.standins.mailchimp_segments import audience_members
from include.standins.mailchimp_shapes import list_body

__all__ = ["CONNECTIONS_AT_ONCE", "audience_members", "fault_answer", "prepare", "routes"]

CONNECTIONS_AT_ONCE = 10  # of one user
VERSION = "/3.0"
_MEMBER = "/lists/{list_id}/members/{subscriber_hash}"
_SEGMENT = "/lists/{list_id}/segments/{segment_id}"

ENDPOINTS = (
    Endpoint("GET", "/ping", reports.ping),
    Endpoint("GET", "/lists", reports.lists, PAGING),
    Endpoint("GET", "/lists/{list_id}", reports.read_list, CHOOSING),
    Endpoint("POST", "/lists/{list_id}", bulk.subscribe_many, bulk.QUERY),
    Endpoint("GET", "/lists/{list_id}/members", members.listing, members.LISTING),
    Endpoint("POST", "/lists/{list_id}/members", members.add, members.SKIP_MERGE),
    Endpoint("GET", _MEMBER, members.read, CHOOSING),
    Endpoint("PUT", _MEMBER, members.put, members.SKIP_MERGE),
    Endpoint("PATCH", _MEMBER, members.patch, members.SKIP_MERGE),
    Endpoint("DELETE", _MEMBER, members.archive),
    Endpoint("POST", _MEMBER + "/actions/delete-permanent", members.forget),
    Endpoint("GET", _MEMBER + "/tags", segments.tags, PAGING),
    Endpoint("POST", _MEMBER + "/tags", segments.set_tags),
    Endpoint("GET", "/lists/{list_id}/merge-fields", reports.merge_fields, PAGING),
    Endpoint("POST", "/lists/{list_id}/merge-fields", reports.add_merge_field),
    Endpoint("GET", "/lists/{list_id}/tag-search", segments.tag_search, frozenset({"name"})),
    Endpoint("GET", "/lists/{list_id}/segments", segments.listing, segments.LISTING),
    Endpoint("POST", "/lists/{list_id}/segments", segments.create),
    Endpoint("GET", _SEGMENT, segments.read, CHOOSING | segments.INCLUDING),
    Endpoint("POST", _SEGMENT, segments.change_members),
    Endpoint("PATCH", _SEGMENT, segments.change),
    Endpoint("DELETE", _SEGMENT, segments.delete),
    Endpoint("GET", _SEGMENT + "/members", segments.members, PAGING | segments.INCLUDING),
    Endpoint("POST", _SEGMENT + "/members", segments.add_member),
    Endpoint("DELETE", _SEGMENT + "/members/{subscriber_hash}", segments.remove_member),
    Endpoint("GET", "/campaigns", reports.campaigns, reports.CAMPAIGNS),
    Endpoint("GET", "/campaigns/{campaign_id}", reports.read_campaign, CHOOSING),
    Endpoint("GET", "/reports", reports.reports, reports.REPORTS),
    Endpoint("GET", "/reports/{campaign_id}", reports.read_report, CHOOSING),
    Endpoint("GET", "/reports/{campaign_id}/email-activity", reports.email_activity, reports.ACTIVITY),
)


def prepare(store: Store, now_ms: int) -> None:
    """The account's list: the merchant's, or an empty one."""
    list_id = store.get_setting("mailchimp.list_id")
    if list_id is None:
        list_id = "b1234abcde"
        store.put("mailchimp", "list", list_id, list_body(list_id, "Newsletter", created_ms=now_ms), changed_at=now_ms)
    store.set_setting("mailchimp.account", {"list_id": list_id})


def fault_answer(kind: str, seconds: float) -> Response:
    """Mailchimp's words for a fault. It never says how long to wait."""
    if kind == "throttle":
        detail = "You have exceeded the limit of 10 simultaneous connections."
        return _problem(Problem(429, "Too Many Requests", detail))
    if kind == "expired_token":
        return _problem(_no_key())
    return _problem(Problem(500, "Internal Server Error", "An unexpected internal error has occurred."))


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints under ``/3.0``, and the results of batches (elsewhere on the real platform, without a key)."""
    batches = Batches(context, lambda *call: _run(context, *call))
    table = (
        *ENDPOINTS,
        Endpoint("GET", "/batches", batches.listing, PAGING),
        Endpoint("POST", "/batches", batches.create),
        Endpoint("GET", "/batches/{batch_id}", batches.read, CHOOSING),
        Endpoint("DELETE", "/batches/{batch_id}", batches.delete),
    )

    def result(request: Request) -> Response:
        packed = batches.result(request.path_params["id"], int(request.query_params.get("Expires", 0)))
        if packed is None:
            return PlainTextResponse("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return Response(packed, media_type="application/x-gzip")

    async def anything_else(request: Request) -> Response:
        return _problem(_no_key() if token_of(request) != context.tokens["mailchimp"] else not_found())

    every = [Route(VERSION + one.path, _endpoint(context, one), methods=[one.method]) for one in table]
    return [
        *every,
        Route("/results/{id}-response.tar.gz", result),
        Route("/{anything:path}", anything_else, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
    ]


def _endpoint(context: Context, endpoint: Endpoint) -> Any:
    async def answer(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_answer, context, endpoint, request, raw)

    return answer


def _answer(context: Context, endpoint: Endpoint, request: Request, raw: bytes) -> Response:
    if token_of(request) != context.tokens["mailchimp"]:
        return _problem(_no_key())
    try:
        body = orjson.loads(raw) if raw else None
    except orjson.JSONDecodeError:
        return _problem(Problem(400, "JSON Parse Error", "We encountered an unspecified JSON parsing error."))
    call = Call(context, request.path_params, dict(request.query_params), body, _prefix(request))
    try:
        return _response(endpoint.answer(call))
    except Problem as refused:
        return _problem(refused)


_PATHS = [(one, compile_path(one.path)[0]) for one in ENDPOINTS]


def _run(context: Context, method: str, path: str, query: Mapping[str, str], body: Any) -> Answer:
    """One operation of a batch.

    :raises Problem: what the endpoint answers, or 404 when there is none.
    """
    for endpoint, pattern in _PATHS:
        matched = pattern.match("/" + path.strip("/"))
        if matched and endpoint.method == method:
            return endpoint.answer(Call(context, matched.groupdict(), query, body))
    raise not_found()


def _prefix(request: Request) -> str:
    """Where the platform is mounted, as the caller sees it."""
    return f"{request.url.scheme}://{request.url.netloc}{request.scope.get('root_path', '')}"


def _response(answer: Answer) -> Response:
    return Response(status_code=204) if answer.body is None else Json(answer.body, answer.status)


def _problem(problem: Problem) -> Response:
    return Json(problem.body(), problem.status, media_type="application/problem+json; charset=utf-8")


def _no_key() -> Problem:
    detail = "Your API key may be invalid, or you've attempted to access the wrong datacenter."
    return Problem(401, "API Key Invalid", detail)
