"""TikTok's Business API v1.3: custom audiences of an advertiser, made and changed by files of hashes.

Held to what the official SDK declares by tests. ``update`` replaces everybody when ``action`` is left out, as at the
platform. Files and what becomes of them are in ``tiktok_files``.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import tiktok_files as files
from include.standins.kit import EVERYTHING, Context, Document, Store
from include.standins.tiktok_core import (
    NOT_FOUND,
    PLATFORM,
    SYSTEM_ERROR,
    TOKEN_EMPTY,
    TOKEN_WRONG,
    TOO_MANY,
    Call,
    Limits,
    TikTokError,
    envelope,
    invalid,
    no_audience,
)

ADVERTISER_ID = "7101234567890123456"
ROOT = "/open_api/v1.3/dmp/custom_audience"
MOST_FILES = 50
LONGEST_NAME = 128
MOST_DAYS = 365
DEMO_MINIMUM = 5  # of the generated merchant's account: an audience of a thousand needs more customers than it has
Handler = Callable[[Call], Any]


def prepare(store: Store, now_ms: int) -> None:
    """The advertiser of the connection."""
    store.set_setting("tiktok.account", {"advertiser_id": ADVERTISER_ID})
    if store.get("merchant", "truth", "meta") is not None:
        store.set_setting("tiktok.minimum_size", DEMO_MINIMUM)


def fault_answer(kind: str, seconds: float) -> Response:
    """TikTok's words for a fault: HTTP 200, and a throttle never says how long."""
    if kind == "throttle":
        return TikTokError(TOO_MANY, "Too many requests. Please retry in some time.").response()
    if kind == "expired_token":
        return TikTokError(TOKEN_WRONG, "Access token is incorrect or has been revoked.").response()
    return TikTokError(SYSTEM_ERROR, "System error").response()


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints below ``/open_api/v1.3``."""
    limits = Limits(context.clock)
    table: dict[str, tuple[str, Handler]] = {
        "/file/upload/": ("POST", files.upload),
        "/create/": ("POST", _create),
        "/update/": ("POST", _update),
        "/get/": ("GET", _get),
        "/list/": ("GET", _list),
        "/delete/": ("POST", _delete),
        "/apply/log/": ("GET", _apply_log),
    }
    known = [_route(context, limits, ROOT + path, *one) for path, one in table.items()]
    return [*known, _route(context, limits, "/{nothing:path}", "", _nothing)]


def settle(context: Context) -> None:
    """Do what is due by now."""
    files.work_off(context)


def audience_members(store: Store) -> dict[str, list[dict[str, str]]]:
    """Of each audience, by name, the identifiers it holds, each as ``{"EMAIL": hash}``."""
    told: dict[str, list[dict[str, str]]] = {}
    for one in _every(store):
        entries = (entry.partition(":") for entry in files.held(store, one.id))
        told.setdefault(one.body["name"], []).extend({kind: value} for kind, _, value in entries)
    return told


def _every(store: Store) -> list[Document]:
    return store.page(PLATFORM, "audience", EVERYTHING, order="created", limit=-1)


def _route(context: Context, limits: Limits, path: str, method: str, handler: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        try:
            params, file = await _read(request)
        except TikTokError as refused:
            return refused.response()
        return await run_in_threadpool(_answer, context, limits, request, handler, method, params, file)

    return Route(path, endpoint, methods=["GET", "POST", "PUT", "DELETE"])


async def _read(request: Request) -> tuple[dict[str, Any], tuple[str, bytes] | None]:
    """Parameters of the query, the JSON body or the form, and the form's file."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    if request.method == "GET":
        return dict(request.query_params), None
    if kind == "multipart/form-data":
        async with request.form() as form:
            file, fields = form.get("file"), {name: one for name, one in form.items() if isinstance(one, str)}
            return fields, None if file is None or isinstance(file, str) else (file.filename or "", await file.read())
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    if kind != "application/json" or not isinstance(body, dict):
        raise invalid("The body must be a JSON object, with Content-Type application/json.")
    return body, None


def _answer(
    context: Context,
    limits: Limits,
    request: Request,
    handler: Handler,
    method: str,
    params: Mapping[str, Any],
    file: tuple[str, bytes] | None,
) -> Response:
    token = request.headers.get("access-token", "")
    try:
        if not token:
            raise TikTokError(TOKEN_EMPTY, "Access token is empty.")
        if token != context.tokens[PLATFORM]:
            raise TikTokError(TOKEN_WRONG, "Access token is incorrect or has been revoked.")
        limits.take()
        if method not in ("", request.method):
            raise invalid(f"{request.method} is not allowed on this path.")
        with context.store.transaction():
            files.work_off(context)
            return envelope(handler(Call(context, params, file)))
    except TikTokError as refused:
        return refused.response()


def _create(call: Call) -> dict[str, str]:
    call.known(
        ("advertiser_id", "calculate_type", "custom_audience_name", "file_paths"),
        ("audience_enhancement", "audience_sub_type", "retention_in_days"),
    )
    body = {
        "name": _name(call),
        "calculate_type": call.params["calculate_type"],
        "audience_sub_type": call.params.get("audience_sub_type", "NORMAL"),
        "_days": call.number("retention_in_days", MOST_DAYS, MOST_DAYS),
        "_history": [],
        "_error": "",
    }
    audience_id, now = str(7_200_000_000_000_000_000 + secrets.randbelow(10**15)), call.context.now_ms()
    files.begin(call, body, "CREATE", call.texts("file_paths", MOST_FILES))
    call.store.put(PLATFORM, "audience", audience_id, body, changed_at=now)
    return {"custom_audience_id": audience_id}


def _name(call: Call) -> str:
    name = call.params["custom_audience_name"]
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME:
        raise invalid(f"custom_audience_name: Length must be between 1 and {LONGEST_NAME}.")
    return name


def _update(call: Call) -> dict[str, str]:
    call.known(
        ("advertiser_id", "custom_audience_id"),
        ("action", "audience_enhancement", "audience_sub_type", "custom_audience_name", "file_paths"),
    )
    audience = _audience(call, call.params["custom_audience_id"])
    if "custom_audience_name" in call.params:
        audience.body["name"] = _name(call)
    if "file_paths" in call.params:
        action = call.params.get("action", "REPLACE")  # the platform's default
        if action not in ("APPEND", "REMOVE", "REPLACE"):
            raise invalid("action: Must be one of APPEND, REMOVE, REPLACE.")
        files.begin(call, audience.body, action, call.texts("file_paths", MOST_FILES))
    now = call.context.now_ms()
    call.store.put(PLATFORM, "audience", audience.id, audience.body, changed_at=now, created_at=audience.created_at)
    return {"custom_audience_id": audience.id}


def _audience(call: Call, audience_id: Any) -> Document:
    found = call.store.get(PLATFORM, "audience", str(audience_id))
    if found is None:
        raise no_audience(str(audience_id))
    return found


def _get(call: Call) -> dict[str, Any]:
    call.known(("advertiser_id", "custom_audience_ids"), ("history_size",))
    size = call.number("history_size", 10, 1000)
    found = [_audience(call, one) for one in call.texts("custom_audience_ids", 100)]
    return {
        "list": [
            {"audience_details": _shown(call, one), "audience_history": one.body["_history"][::-1][:size]}
            for one in found
        ]
    }


def _list(call: Call) -> dict[str, Any]:
    call.known(("advertiser_id",), ("custom_audience_ids", "page", "page_size"))
    page, size = call.number("page", 1, 10**6), call.number("page_size", 10, 100)
    every = _every(call.store)
    if "custom_audience_ids" in call.params:
        wanted = call.texts("custom_audience_ids", 100)
        every = [one for one in every if one.id in wanted]
    shown = [_shown(call, one) for one in every[(page - 1) * size : page * size]]
    return {"list": shown, "page_info": _page_info(page, size, len(every))}


def _page_info(page: int, size: int, total: int) -> dict[str, int]:
    return {"page": page, "page_size": size, "total_number": total, "total_page": -(-total // size)}


def _shown(call: Call, one: Document) -> dict[str, Any]:
    working = bool(one.body.get("_doing"))
    covered = files.cover_num(files.held(call.store, one.id))
    return {
        "audience_id": one.id,
        "name": one.body["name"],
        "audience_type": "Customer File Audience",
        "audience_sub_type": one.body["audience_sub_type"],
        "calculate_type": one.body["calculate_type"],
        "cover_num": covered,
        "is_valid": not working and covered >= call.store.get_setting("tiktok.minimum_size", files.MINIMUM_SIZE),
        "is_creator": True,
        "is_expiring": False,
        "shared": False,
        "owner_id": call.params["advertiser_id"],
        "msg": "The audience is being calculated" if working else "",
        "error_msg": one.body["_error"],
        "create_time": files.shown_time(one.created_at),
        "expired_time": files.shown_time(one.created_at + one.body["_days"] * 86_400_000),
    }


def _delete(call: Call) -> dict[str, Any]:
    call.known(("advertiser_id", "custom_audience_ids"))
    for one in [_audience(call, each) for each in call.texts("custom_audience_ids", 100)]:
        kind = files.entries_kind(one.id)
        every = call.store.page(PLATFORM, kind, EVERYTHING, limit=-1)
        call.store.delete_many(PLATFORM, kind, (entry.id for entry in every))
        call.store.delete(PLATFORM, "audience", one.id)
    return {}


def _apply_log(call: Call) -> dict[str, Any]:
    """Ad groups an audience was applied to: none, and nothing about files."""
    call.known(("advertiser_id", "custom_audience_ids"), ("page", "page_size", "timezone"))
    for one in call.texts("custom_audience_ids", 100):
        _audience(call, one)
    page, size = call.number("page", 1, 10**6), call.number("page_size", 10, 100)
    return {"advertiser_id": call.params["advertiser_id"], "list": [], "page_info": _page_info(page, size, 0)}


def _nothing(call: Call) -> Any:
    raise TikTokError(NOT_FOUND, "The stand-in has no such path.")
