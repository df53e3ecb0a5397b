"""Slack's incoming webhooks: one URL, plain-text answers.

Source: api.slack.com/messaging/webhooks as known on 2026-11-21; 200 ``ok``, otherwise a word that names the error.
About one message a second is let through, as a short burst; beyond it 429 with Retry-After.
"""

from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from include.standins import alerts
from include.standins.kit import Context
from include.standins.limits import WindowLimit

MESSAGES_AT_ONCE = 20  # the platform lets short bursts through; its number is not published
MOST_CHARACTERS = 40_000  # of "text"; the platform cuts what is longer
MOST_BLOCKS = 50


def fault_answer(kind: str, seconds: float) -> Response:
    """Slack's words for a fault."""
    if kind == "throttle":
        return PlainTextResponse("rate_limited", 429, headers={"Retry-After": str(max(1, round(seconds)))})
    return PlainTextResponse(
        "no_active_hooks" if kind == "expired_token" else "rollup_error", 404 if kind == "expired_token" else 500
    )


def routes(context: Context) -> list[BaseRoute]:
    """``POST /services/T…/B…/…``."""
    limit = WindowLimit(MESSAGES_AT_ONCE, MESSAGES_AT_ONCE, context.clock)

    async def webhook(request: Request) -> Response:
        if request.path_params["hook"] != context.tokens["slack"]:
            return PlainTextResponse("no_service", 404)
        admitted, _, wait = limit.take("hook")
        if not admitted:
            return fault_answer("throttle", wait)
        message = await _message(request)
        problem = _problem(message)
        if problem:
            return PlainTextResponse(problem, 400)
        await run_in_threadpool(alerts.keep, context, "slack", message)
        return PlainTextResponse("ok")

    return [Route("/services/{hook:path}", webhook, methods=["POST"])]


async def _message(request: Request) -> Any:
    """The message, from a JSON body or the form field ``payload``; None when it is neither."""
    raw = await request.body()
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raw = dict(parse_qsl(raw.decode())).get("payload", "").encode()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _problem(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "invalid_payload"
    blocks = message.get("blocks", [])
    if not isinstance(blocks, list) or len(blocks) > MOST_BLOCKS or any("type" not in one for one in blocks):
        return "invalid_blocks"
    if not (message.get("text") or blocks or message.get("attachments")):
        return "no_text"
    return "msg_too_long" if len(message.get("text", "")) > MOST_CHARACTERS else None
