"""Somebody's receiver of our webhooks: verifies signatures, keeps audiences, refuses rows, knows a repeated batch.

Signatures are verified by the specification's own library (``standardwebhooks``), so that sender and receiver cannot
share one error. What it answers is docs/webhook.md; events and fields it does not know are refused.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import alerts
from include.standins.kit import EVERYTHING, Context, Document, Json, Store

PLATFORM = "webhook"
MOST_BYTES = 512 * 1024
MOST_MEMBERS = 1_000
MEMBER_KEYS = frozenset({"row", "identifiers", "fields", "cleared"})
ALERTS = ("alert.opened", "alert.reminded", "alert.recovered")
ALERT_KEYS = {"subject", "owner", "summary", "airflow_url", "results_url"}
IDENTIFIERS = frozenset({"email", "phone"})
REFUSED = re.compile(r"@refused\.example$")  # addresses of this domain are refused for good
Errors = list[dict[str, Any]]


def prepare(store: Store, now_ms: int) -> None:
    """The receiver's name, as it tells it."""
    store.set_setting("webhook.account", {"account": "warehouse of the merchant"})


def audience_members(store: Store) -> dict[str, dict[str, Any]]:
    """Of each audience, by name, the fields it holds for each address and number."""
    return {
        audience.body["name"]: {one.id.partition(":")[2]: one.body for one in _everybody(store, audience.body["name"])}
        for audience in store.page(PLATFORM, "audience", EVERYTHING, limit=-1)
    }


def routes(context: Context) -> list[BaseRoute]:
    """``POST /events`` tells, ``GET`` asks, ``POST /alerts`` alerts, all signed; ``DELETE /audiences/{name}`` is for
    the receiver's people."""

    async def receive(request: Request) -> Response:
        headers, body = dict(request.headers), await request.body()
        if request.method == "GET":
            return await run_in_threadpool(_asked, context, headers, request.query_params)
        return await run_in_threadpool(_receive, context, headers, body)

    async def alerted(request: Request) -> Response:
        headers, body = dict(request.headers), await request.body()
        return await run_in_threadpool(_alerted, context, headers, body)

    def forget(request: Request) -> Response:
        name = request.path_params["name"]
        context.store.delete(PLATFORM, "audience", name)
        context.store.delete_many(PLATFORM, _kind(name), [one.id for one in _everybody(context.store, name)])
        return Response(status_code=204)

    return [
        Route("/events", receive, methods=["GET", "POST"]),
        Route("/alerts", alerted, methods=["POST"]),
        Route("/audiences/{name}", forget, methods=["DELETE"]),
    ]


def _alerted(context: Context, headers: Mapping[str, str], body: bytes) -> Response:
    """An alert is kept once, by its id; a type or a field it does not know is refused."""
    if not _verified(context, headers, body):
        return Json({"error": "signature"}, 401)
    told, id = orjson.loads(body), headers["webhook-id"]
    if set(told) != {"type", "timestamp", "data"} or told["type"] not in ALERTS or set(told["data"]) != ALERT_KEYS:
        return Json({"error": "envelope"}, 422)
    if context.store.get(PLATFORM, "alert", id) is None:
        now = context.now_ms()
        context.store.put_many(PLATFORM, "alert", [Document(id, {}, now, now)])
        alerts.keep(context, "webhook", told)
    return Response(status_code=204)


def _receive(context: Context, headers: Mapping[str, str], body: bytes) -> Response:
    if len(body) > MOST_BYTES:
        return Json({"error": "too_large"}, 413)
    if not _verified(context, headers, body):
        return Json({"error": "signature"}, 401)
    store, id = context.store, headers["webhook-id"]
    before = store.get(PLATFORM, "event", id)
    if before is None:
        problem, answer = _handled(context, orjson.loads(body))
        if problem:
            return Json({"error": problem}, 422)
        answer = {**answer, "request_id": id, **(store.get_setting("webhook.answers") or {})}
        now = context.now_ms()
        store.put_many(PLATFORM, "event", [Document(id, answer, now, now)])
        return Json(answer)
    return Json(before.body)  # the same batch again: answered as before, and nothing is done twice


def _verified(context: Context, headers: Mapping[str, str], body: bytes) -> bool:
    secrets = context.store.get_setting("webhook.secrets") or [context.tokens[PLATFORM]]
    for secret in secrets:
        try:
            Webhook(secret).verify(body, dict(headers), json_parse=False)
        except WebhookVerificationError:
            continue
        return True
    return False


def _handled(context: Context, event: Any) -> tuple[str | None, dict[str, Any]]:
    """What is wrong with the event as a whole, or the answer."""
    if not isinstance(event, dict) or set(event) != {"type", "timestamp", "data"}:
        return "envelope", {}
    kind, data = event["type"], event["data"]
    handlers: dict[str, Callable[[Context, dict[str, Any]], dict[str, Any]]] = {
        "audience.opened": _opened,
        **{f"audience.members.{verb}": _MEMBERS[verb] for verb in _MEMBERS},
    }
    if kind not in handlers or not isinstance(data, dict):
        return "type", {}
    problem = _wrong(data) if "members" in data or ".members." in kind else None
    return (problem, {}) if problem else (None, handlers[kind](context, data))


def _wrong(data: Mapping[str, Any]) -> str | None:
    members = data.get("members")
    if set(data) - {"quiet"} != {"audience", "audience_id", "members"} or not isinstance(members, list):
        return "data"
    if not 0 < len(members) <= MOST_MEMBERS:
        return "members"
    if any(not isinstance(one, dict) or not {"row", "identifiers"} <= set(one) <= MEMBER_KEYS for one in members):
        return "member"
    if any(not one["identifiers"] or not set(one["identifiers"]) <= IDENTIFIERS for one in members):
        return "identifiers"
    return None


def _opened(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    now = context.now_ms()
    context.store.put(
        PLATFORM, "audience", data["audience"], {"name": data["audience"]}, changed_at=now, created_at=now
    )
    return {"audience_id": f"own-{data['audience']}"}


def _asked(context: Context, headers: Mapping[str, str], asked: Mapping[str, str]) -> Response:
    """Who this is, and whether it still holds an audience."""
    if not _verified(context, headers, b""):
        return Json({"error": "signature"}, 401)
    if set(asked) != {"audience"}:
        return Json({"error": "query"}, 422)
    told = {"account": context.store.get_setting("webhook.account")["account"]}
    if asked["audience"]:
        told["held"] = context.store.get(PLATFORM, "audience", asked["audience"]) is not None
    return Json(told)


def _added(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    store, now, errors = context.store, context.now_ms(), []
    held = store.get_many(PLATFORM, _kind(data["audience"]), [name for one in data["members"] for name in _names(one)])
    written: dict[str, dict[str, Any]] = {}
    for one in data["members"]:
        if any(REFUSED.search(value) for value in one["identifiers"].values()):
            errors.append({"row": one["row"], "code": "refused_domain"})
            continue
        for name in _names(one):
            before = written.get(name) or (held[name].body if name in held else {})
            kept = {key: value for key, value in before.items() if key not in one.get("cleared", ())}
            written[name] = {**kept, **one.get("fields", {})}
    store.put_many(
        PLATFORM, _kind(data["audience"]), [Document(name, body, now, now) for name, body in written.items()]
    )
    return {"errors": errors}


def _removed(context: Context, data: dict[str, Any]) -> dict[str, Any]:
    if context.store.get_setting("webhook.keeps", False):
        return {"errors": [{"row": one["row"], "code": "legal_hold"} for one in data["members"]]}
    context.store.delete_many(
        PLATFORM, _kind(data["audience"]), [name for one in data["members"] for name in _names(one)]
    )
    return {"errors": []}


_MEMBERS = {"added": _added, "updated": _added, "removed": _removed}


def _kind(audience: str) -> str:
    return f"member:{audience}"


def _names(member: Mapping[str, Any]) -> list[str]:
    return [f"{column}:{value}" for column, value in member["identifiers"].items()]


def _everybody(store: Store, audience: str) -> list[Document]:
    return store.page(PLATFORM, _kind(audience), EVERYTHING, order="id", limit=-1)
