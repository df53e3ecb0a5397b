"""Brevo's API v3: contacts on lists in folders, imports that are worked off later, attributes, e-mail statistics.

Held to the vendor's OpenAPI file by tests. Ten calls a second below ``/contacts`` and 100 an hour elsewhere, with
the vendor's headers ``x-sib-ratelimit-*`` on every answer and no Retry-After. Lists of one name are allowed.
"""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import brevo_contacts as contacts
from include.standins import brevo_import, brevo_statistics
from include.standins.brevo_core import (
    PLATFORM,
    BrevoError,
    Call,
    Limits,
    TooManyError,
    invalid,
    limit_headers,
    missing,
    next_number,
    not_found,
    shown_time,
)
from include.standins.kit import EVERYTHING, Context, Document, Json, Store, json_body

Handler = Callable[[Call], tuple[int, Any]]
TYPES = ("text", "date", "float", "boolean", "id", "category", "multiple-choice", "user")


def prepare(store: Store, now_ms: int) -> None:
    """What a new account has: a folder and the usual attributes."""
    store.set_setting("brevo.account", {})
    number = next_number(store, "folder")
    store.put(PLATFORM, "folder", str(number), {"id": number, "name": "Your first folder"}, changed_at=now_ms)
    for name in ("LASTNAME", "FIRSTNAME", "SMS"):
        body = {"name": name, "category": "normal", "type": "text"}
        store.put(PLATFORM, "attribute", name, body, changed_at=now_ms)


def fault_answer(kind: str, seconds: float) -> Response:
    """Brevo's words for a fault."""
    if kind == "throttle":
        return TooManyError(limit_headers(10, 0, seconds)).response()
    if kind == "expired_token":
        return BrevoError(401, "unauthorized", "Key not found").response()
    return BrevoError(500, "bad_request", "Internal server error").response()


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints below ``/v3``."""
    limits = Limits(context)
    table: dict[str, dict[str, Handler]] = {
        "/account": {"GET": _account},
        "/smtp/statistics/events": {"GET": brevo_statistics.events},
        "/processes": {"GET": brevo_import.read_many},
        "/processes/{process_id:int}": {"GET": brevo_import.read},
        "/contacts": {"GET": contacts.read_many, "POST": contacts.create},
        "/contacts/import": {"POST": brevo_import.take},
        "/contacts/attributes": {"GET": _attributes},
        "/contacts/attributes/{category}/{name}": {"POST": _make_attribute, "DELETE": _delete_attribute},
        "/contacts/folders": {"GET": _folders, "POST": _make_folder},
        "/contacts/folders/{folder_id:int}/lists": {"GET": _folder_lists},
        "/contacts/lists": {"GET": _lists, "POST": _make_list},
        "/contacts/lists/{list_id:int}": {"GET": _read_list, "PUT": _rename_list, "DELETE": _delete_list},
        "/contacts/lists/{list_id:int}/contacts": {"GET": contacts.read_list_members},
        "/contacts/lists/{list_id:int}/contacts/add": {"POST": contacts.add_to_list},
        "/contacts/lists/{list_id:int}/contacts/remove": {"POST": contacts.remove_from_list},
        "/contacts/{identifier}": {"GET": contacts.read, "PUT": contacts.update, "DELETE": contacts.delete},
        "/{nothing:path}": {},
    }
    return [_route(context, limits, "/v3" + path, handlers) for path, handlers in table.items()]


def settle(context: Context) -> None:
    """Do what is due by now."""
    brevo_import.work_off(context)


def audience_members(store: Store) -> dict[str, list[str]]:
    """Of each list, by name, the addresses on it; lists of one name are put together."""
    held: dict[str, list[str]] = {}
    for one in contacts.all_lists(store):
        held.setdefault(one.body["name"], []).extend(contacts.on_list(store, one.id))
    return held


def _route(context: Context, limits: Limits, path: str, handlers: dict[str, Handler]) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_answer, context, limits, request, raw, handlers)

    return Route(path, endpoint, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])


def _answer(context: Context, limits: Limits, request: Request, raw: bytes, handlers: dict[str, Handler]) -> Response:
    if request.headers.get("api-key") != context.tokens[PLATFORM]:
        return BrevoError(401, "unauthorized", "Key not found").response()
    try:
        headers = limits.take(request.url.path.removeprefix(request.scope.get("root_path", "")))
    except TooManyError as refused:
        return refused.response()
    try:
        with context.store.transaction():
            brevo_import.work_off(context)
            status, answer = _handler(request, handlers)(_call(context, request, raw))
    except BrevoError as refused:
        return refused.response(headers)
    return Response(status_code=status, headers=headers) if answer is None else Json(answer, status, headers=headers)


def _handler(request: Request, handlers: dict[str, Handler]) -> Handler:
    if not handlers:
        raise not_found("Resource not found")
    if request.method not in handlers:
        raise BrevoError(405, "method_not_allowed", f"{request.method} Method is not allowed on this path")
    return handlers[request.method]


def _call(context: Context, request: Request, raw: bytes) -> Call:
    try:
        body = json_body(raw) or {}
    except orjson.JSONDecodeError:
        raise BrevoError(400, "bad_request", "Input must be a valid JSON object") from None
    if not isinstance(body, dict):
        raise BrevoError(400, "bad_request", "Input must be a valid JSON object")
    return Call(context, request.path_params, dict(request.query_params), body)


def _account(call: Call) -> tuple[int, Any]:
    call.known()
    address = {"street": "1 Harbour Street", "city": "Berlin", "zipCode": "10115", "country": "Germany"}
    relay = {"userName": "shop@example.com", "relay": "smtp-relay.example.com", "port": 587}
    return 200, {
        "email": "shop@example.com",
        "firstName": "Shop",
        "lastName": "Owner",
        "companyName": "The merchant",
        "address": address,
        "plan": [{"type": "subscription", "credits": 10_000, "creditsType": "sendLimit"}],
        "relay": {"enabled": True, "data": relay},
    }


def _attributes(call: Call) -> tuple[int, Any]:
    call.known()
    every = call.store.page(PLATFORM, "attribute", EVERYTHING, order="created", limit=-1)
    return 200, {"attributes": [one.body for one in every]}


def _make_attribute(call: Call) -> tuple[int, Any]:
    call.known(body=("value", "isRecurring", "enumeration", "multiCategoryOptions", "type"))
    category, name = call.path["category"], call.path["name"].upper()
    if category != "normal" or call.body.get("type") not in TYPES:
        raise invalid("The stand-in makes attributes of category normal, with a type")
    if call.store.get(PLATFORM, "attribute", name) is not None:
        raise BrevoError(400, "duplicate_parameter", "Attribute name must be unique")
    body = {"name": name, "category": category, "type": call.body["type"]}
    call.store.put(PLATFORM, "attribute", name, body, changed_at=call.context.now_ms())
    return 201, None


def _delete_attribute(call: Call) -> tuple[int, Any]:
    call.known()
    if not call.store.delete(PLATFORM, "attribute", call.path["name"].upper()):
        raise not_found("Attribute name does not exist")
    return 204, None


def _folders(call: Call) -> tuple[int, Any]:
    every = call.store.page(PLATFORM, "folder", EVERYTHING, order="id", limit=-1)
    return 200, _page(call, "folders", [{**one.body, **_counts(call.store, [])} for one in every])


def _make_folder(call: Call) -> tuple[int, Any]:
    call.known(body=("name",))
    if not call.body.get("name"):
        raise missing("name is missing")
    number = next_number(call.store, "folder")
    body = {"id": number, "name": call.body["name"]}
    call.store.put(PLATFORM, "folder", str(number), body, changed_at=call.context.now_ms())
    return 201, {"id": number}


def _folder_lists(call: Call) -> tuple[int, Any]:
    folder = call.path["folder_id"]
    if call.store.get(PLATFORM, "folder", str(folder)) is None:
        raise not_found("Folder ID does not exist")
    lists = [one for one in contacts.all_lists(call.store) if one.body["folderId"] == folder]
    shown = [_shown_list(call.store, one) for one in lists]
    return 200, _page(call, "lists", [{k: v for k, v in one.items() if k != "folderId"} for one in shown])


def _lists(call: Call) -> tuple[int, Any]:
    return 200, _page(call, "lists", [_shown_list(call.store, one) for one in contacts.all_lists(call.store)])


def _page(call: Call, name: str, every: list[dict[str, Any]]) -> dict[str, Any]:
    call.known(query=("limit", "offset", "sort"))
    limit, offset = call.number("limit", 10, 50), call.number("offset", 0)
    ordered = every[::-1] if call.descending() else every
    return {name: ordered[offset : offset + limit], "count": len(every)}


def _make_list(call: Call) -> tuple[int, Any]:
    call.known(body=("name", "folderId"))
    if not call.body.get("name") or "folderId" not in call.body:
        raise missing("name or folderId is missing")
    if call.store.get(PLATFORM, "folder", str(call.body["folderId"])) is None:
        raise invalid("Folder ID does not exist")
    number, now = next_number(call.store, "list"), call.context.now_ms()
    body = {"id": number, "name": call.body["name"], "folderId": call.body["folderId"]}
    call.store.put(PLATFORM, "list", str(number), body, changed_at=now)
    return 201, {"id": number}


def _read_list(call: Call) -> tuple[int, Any]:
    call.known(query=("startDate", "endDate"))
    found = contacts.the_list(call)
    created = {"createdAt": shown_time(found.created_at), "dynamicList": False}
    return 200, {**_shown_list(call.store, found), **created}


def _rename_list(call: Call) -> tuple[int, Any]:
    call.known(body=("name", "folderId"))
    found = contacts.the_list(call)
    now = call.context.now_ms()
    call.store.put(PLATFORM, "list", found.id, {**found.body, **call.body}, changed_at=now, created_at=found.created_at)
    return 204, None


def _delete_list(call: Call) -> tuple[int, Any]:
    call.known()
    found = contacts.the_list(call)
    contacts.clear_list(call.store, found.id, call.context.now_ms())
    call.store.delete(PLATFORM, "list", found.id)
    return 204, None


def _shown_list(store: Store, found: Document) -> dict[str, Any]:
    return {**found.body, **_counts(store, [found.id])}


def _counts(store: Store, lists: list[str]) -> dict[str, int]:
    held = sum(store.count(PLATFORM, contacts.members_kind(one), EVERYTHING) for one in lists)
    black = sum(contacts.blacklisted_on(store, one) for one in lists)
    return {"totalBlacklisted": black, "totalSubscribers": held - black, "uniqueSubscribers": held}
