"""Meta's Graph API: custom audiences of an ad account, filled and emptied by hashed identifiers.

Held to the vendor's SDK specification by tests. Any version ``/vNN.0``. A throttled call is HTTP 400 with code 80003
and the header ``X-Business-Use-Case-Usage`` (minutes to wait), or code 4 without a word about the time; the code
decides, not the status. Rows, their identity and sessions are in ``meta_users``. Names of audiences need not be unique.
"""

import secrets
from collections.abc import Callable
from typing import Any

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins.kit import EVERYTHING, Context, Document, Json, Store, token_of
from include.standins.meta_core import PLATFORM, TERMS_NOT_ACCEPTED, Call, GraphError, invalid, no_object, read_params
from include.standins.meta_users import Users, read_payload, show_session, take_batch

ACCOUNT_ID = "1204567890123456"
DEFAULT_A_PAGE = 25
MOST_A_PAGE = 100
FILE_SOURCES = frozenset({"USER_PROVIDED_ONLY", "PARTNER_PROVIDED_ONLY", "BOTH_USER_AND_PARTNER_PROVIDED"})
FIELDS = frozenset(
    {
        "account_id",
        "approximate_count_lower_bound",
        "approximate_count_upper_bound",
        "customer_file_source",
        "data_source",
        "delete_time",
        "delivery_status",
        "description",
        "id",
        "is_value_based",
        "lookalike_spec",
        "name",
        "operation_status",
        "opt_out_link",
        "permission_for_actions",
        "pixel_id",
        "retention_days",
        "rule",
        "sharing_status",
        "subtype",
        "time_content_updated",
        "time_created",
        "time_updated",
    }
)
Handler = Callable[[Call], Any]


def prepare(store: Store, now_ms: int) -> None:
    """The ad account of the connection."""
    store.set_setting("meta.account", {"account_id": ACCOUNT_ID})


def fault_answer(kind: str, seconds: float) -> Response:
    """Meta's words for a fault; a throttle of 0 seconds is one that does not say how long."""
    if kind == "throttle" and seconds == 0:
        return GraphError("(#4) Application request limit reached", 4, transient=True).response()
    if kind == "throttle":
        usage = {
            ACCOUNT_ID: [
                {
                    "type": "custom_audience",
                    "call_count": 100,
                    "total_cputime": 25,
                    "total_time": 25,
                    "estimated_time_to_regain_access": round(seconds / 60),
                }
            ]
        }
        text = (
            "(#80003) There have been too many calls to this ad-account. Wait a bit and try again. For more info, "
            "please refer to https://developers.facebook.com/docs/graph-api/overview/rate-limiting#custom-audience."
        )
        refusal = GraphError(text, 80003, subcode=2446079)
        return refusal.response(**{"X-Business-Use-Case-Usage": orjson.dumps(usage).decode()})
    if kind == "expired_token":
        return _bad_token("Error validating access token: Session has expired.", 463)
    return GraphError("An unknown error occurred", 1, status=500, transient=True).response()


def routes(context: Context) -> list[BaseRoute]:
    """All endpoints below any version."""
    account, audience = "/{version}/act_{account_id}", "/{version}/{id:int}"
    return [
        _route(context, account + "/customaudiences", GET=_audiences, POST=_create),
        _route(context, account + "/customaudiencestos", GET=_terms),
        _route(context, account + "/usersofanyaudience", DELETE=_remove_everywhere),
        _route(context, audience + "/users", POST=_users("add"), DELETE=_users("remove")),
        _route(context, audience + "/usersreplace", POST=_users("replace")),
        _route(context, audience + "/sessions", GET=_sessions),
        _route(context, audience, GET=_read, POST=_update, DELETE=_delete),
        _route(context, "/{version}/{id:path}", GET=_nothing, POST=_nothing, DELETE=_nothing),
    ]


def audience_members(store: Store) -> dict[str, list[dict[str, str]]]:
    """Of each audience, by name, the users it holds as identifiers by key; audiences of one name are put together."""
    held: dict[str, list[dict[str, str]]] = {}
    for one in store.page(PLATFORM, "audience", EVERYTHING, order="created", limit=-1):
        held.setdefault(one.body["name"], []).extend(user.body for user in Users(store, one.id).all())
    return held


def _route(context: Context, path: str, **handlers: Handler) -> Route:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_answer, context, request, raw, handlers)

    return Route(path, endpoint, methods=["GET", "POST", "DELETE"])


def _answer(context: Context, request: Request, raw: bytes, handlers: dict[str, Handler]) -> Response:
    try:
        params = read_params(request, raw)
        token = token_of(request) or params.pop("access_token", None)
        if not token:
            return GraphError("An access token is required to request this resource.", 104).response()
        if token != context.tokens["meta"]:
            return _bad_token("Invalid OAuth access token - Cannot parse access token", None)
        method = str(params.pop("method", request.method)).upper()
        params.pop("access_token", None)
        call = Call(context, method, request.path_params, params, str(request.url).partition("?")[0])
        _check_version(call)
        if method not in handlers:
            raise no_object(str(call.path.get("id", "")), method)
        with context.store.transaction():
            answer = handlers[method](call)
    except GraphError as refused:
        return refused.response()
    usage = {
        ACCOUNT_ID: [
            {
                "type": "custom_audience",
                "call_count": 1,
                "total_cputime": 1,
                "total_time": 1,
                "estimated_time_to_regain_access": 0,
            }
        ]
    }
    return Json(answer, headers={"X-Business-Use-Case-Usage": orjson.dumps(usage).decode()})


def _bad_token(message: str, subcode: int | None) -> Response:
    challenge = f'OAuth "Facebook Platform" "invalid_token" "{message}"'
    return GraphError(message, 190, subcode=subcode, status=401).response(**{"WWW-Authenticate": challenge})


def _check_version(call: Call) -> None:
    version = call.path["version"]
    if not (version.startswith("v") and version[1:].replace(".0", "", 1).isdigit()):
        raise GraphError("Unknown path components: /" + version, 2500)


def _account(call: Call) -> str:
    if call.path["account_id"] != call.store.get_setting("meta.account")["account_id"]:
        raise no_object("act_" + call.path["account_id"], call.method)
    return call.path["account_id"]


def _check_terms(call: Call) -> None:
    if not call.store.get_setting("meta.terms_accepted", True):
        raise GraphError(
            "Permissions error",
            200,
            subcode=TERMS_NOT_ACCEPTED,
            status=403,
            title="Custom Audience Terms Not Accepted",
            text="Please agree to the Custom Audience terms at https://www.facebook.com/customaudiences/app/tos.",
        )


def _audience(call: Call) -> Document:
    found = call.store.get(PLATFORM, "audience", str(call.path["id"]))
    if found is None:
        raise no_object(str(call.path["id"]), call.method)
    return found


def _audiences(call: Call) -> dict[str, Any]:
    """A page of audiences; nothing but their ids unless ``fields`` asks for more."""
    _account(call)
    limit = min(int(call.params.get("limit", DEFAULT_A_PAGE)), MOST_A_PAGE)
    every = call.store.page(PLATFORM, "audience", EVERYTHING, order="id", limit=-1)
    start = next((place + 1 for place, one in enumerate(every) if one.id == call.params.get("after")), 0)
    page = every[start : start + limit]
    answer: dict[str, Any] = {"data": [_shown(call, one) for one in page]}
    if page:
        answer["paging"] = {"cursors": {"before": page[0].id, "after": page[-1].id}}
        if start + limit < len(every):
            answer["paging"]["next"] = (
                f"{call.base_url}?limit={limit}&after={page[-1].id}&fields={call.params.get('fields', '')}"
            )
    return answer


def _create(call: Call) -> dict[str, str]:
    account = _account(call)
    _check_terms(call)
    sent = call.params
    if not sent.get("name"):
        raise invalid("The parameter name is required.")
    if sent.get("subtype", "CUSTOM") != "CUSTOM":
        raise invalid("The stand-in makes audiences of subtype CUSTOM only.")
    if sent.get("customer_file_source") not in FILE_SOURCES:
        raise invalid("param customer_file_source must be one of " + ", ".join(sorted(FILE_SOURCES)))
    now = call.context.now_ms()
    id = str(120_210_000_000_000_000 + secrets.randbelow(10**12))
    body = {
        "id": id,
        "account_id": account,
        "name": sent["name"],
        "description": sent.get("description", ""),
        "subtype": "CUSTOM",
        "customer_file_source": sent["customer_file_source"],
        "retention_days": 0,
        "time_created": now // 1000,
        "time_updated": now // 1000,
        "is_value_based": False,
    }
    call.store.put(PLATFORM, "audience", id, body, changed_at=now)
    return {"id": id}


def _shown(call: Call, audience: Document) -> dict[str, Any]:
    asked = [one.strip() for one in str(call.params.get("fields", "")).split(",") if one.strip()]
    unknown = [one for one in asked if one.partition("{")[0] not in FIELDS]
    if unknown:
        raise invalid(f"Tried accessing nonexisting field ({unknown[0]}) on node type (CustomAudience)")
    size = Users(call.store, audience.id).count()
    # The platform never tells a size below 1,000, and above only a range.
    low, high = (-1, -1) if size == 0 else (1000, 1000) if size < 1000 else (size * 6 // 10, size)
    flagged = audience.body.get("_flagged")
    body = {
        **audience.body,
        "approximate_count_lower_bound": low,
        "approximate_count_upper_bound": high,
        "time_content_updated": audience.changed_at // 1000,
        "operation_status": {"code": 471, "description": "This audience was flagged."}
        if flagged
        else {"code": 200, "description": "Normal"},
        "delivery_status": {
            "code": 200 if size >= 1000 else 300,
            "description": "This audience is ready for use." if size >= 1000 else "Audience is too small.",
        },
        "data_source": {"type": "FILE_IMPORTED", "sub_type": audience.body.get("_source", "HASHES")},
        "permission_for_actions": {"can_edit": True, "can_see_insight": "True", "can_share": "True"},
    }
    return {"id": audience.id, **{name: body[name] for name in asked if name in body}}


def _read(call: Call) -> dict[str, Any]:
    return _shown(call, _audience(call))


def _update(call: Call) -> dict[str, bool]:
    audience, now = _audience(call), call.context.now_ms()
    changed = {name: call.params[name] for name in ("name", "description", "opt_out_link") if name in call.params}
    call.store.put(
        PLATFORM,
        "audience",
        audience.id,
        {**audience.body, **changed, "time_updated": now // 1000},
        changed_at=now,
        created_at=audience.created_at,
    )
    return {"success": True}


def _delete(call: Call) -> dict[str, bool]:
    audience = _audience(call)
    Users(call.store, audience.id).clear()
    call.store.delete(PLATFORM, "audience", audience.id)
    return {"success": True}


def _users(operation: str) -> Handler:
    def take(call: Call) -> dict[str, Any]:
        audience = _audience(call)
        _check_terms(call)
        return take_batch(call, audience, operation)

    return take


def _remove_everywhere(call: Call) -> dict[str, Any]:
    _account(call)
    payload = read_payload(call.object("payload"))
    for one in call.store.page(PLATFORM, "audience", EVERYTHING, limit=-1):
        Users(call.store, one.id).remove(payload.rows, call.context.now_ms())
    return {"num_received": payload.received, "num_invalid_entries": payload.invalid, "invalid_entry_samples": {}}


def _sessions(call: Call) -> dict[str, Any]:
    audience, wanted = _audience(call), call.params.get("session_id")
    every = call.store.page(PLATFORM, "session", EVERYTHING, order="created", limit=-1)
    seconds = call.store.get_setting("meta.session_seconds", 0.3)
    return {
        "data": [
            show_session(one, call.context.now_ms(), seconds)
            for one in every
            if one.body["_audience"] == audience.id and wanted in (None, one.id)
        ]
    }


def _terms(call: Call) -> dict[str, Any]:
    _account(call)
    accepted = call.store.get_setting("meta.terms_accepted", True)
    return {"data": [{"id": "1", "type": "USER_PROVIDED", "content": "Custom Audience Terms"}] if accepted else []}


def _nothing(call: Call) -> Any:
    raise no_object(str(call.path.get("id", "")), call.method)
