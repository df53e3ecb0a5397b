"""HubSpot's CRM interface, v3, on this machine: contacts, companies, deals, what belongs to what, lists.

Held to the vendor's paths and shapes by `tests/include/standins/test_hubspot_standin.py`; limits from
https://developers.hubspot.com/docs/guides/apps/api-usage/usage-details and .../api-reference/search/guide (read
2026-11-21): 190 requests in 10 s for a private app of a Professional account, 5 searches a second for the account,
told in headers, but not on searches.

Settings of the store: ``hubspot.limit`` (requests and seconds, ``[190, 10]``: other plans have other figures),
``hubspot.index_lag_seconds`` (how late the search knows a change).
"""

import uuid
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from include.standins import hubspot_associations, hubspot_contacts, hubspot_lists, hubspot_objects
from include.standins.hubspot_contacts import BadBatch
from include.standins.hubspot_lists import audience_members
from include.standins.hubspot_objects import find
from include.standins.hubspot_properties import CONTACTS as CONTACTS_OBJECT
from include.standins.kit import Context, Json, Store, json_body, token_of
from include.standins.limits import WindowLimit

__all__ = ["audience_members", "fault_answer", "prepare", "routes"]

CONTACTS = "/crm/v3/objects/contacts"
REQUESTS_AND_SECONDS, SEARCHES_PER_SECOND, REQUESTS_PER_DAY = (190, 10), 5, 650_000
Endpoint = Callable[[Request], Any]


def prepare(store: Store, now_ms: int) -> None:
    """The account of the connection, and a quick way from an address to its contact."""
    store.set_setting("hubspot.account", {"portal_id": hubspot_contacts.PORTAL_ID, "app_id": hubspot_contacts.APP_ID})
    store.extend(hubspot_contacts.INDEX)


def routes(context: Context) -> list[BaseRoute]:
    """The paths that the stand-in serves."""
    api = HubSpot(context)
    counted, searched = api.counted, api.searched
    return [
        Route(f"{CONTACTS}/batch/upsert", counted(api.upsert), methods=["POST"]),
        Route(f"{CONTACTS}/gdpr-delete", counted(api.gdpr_delete), methods=["POST"]),
        *(
            route
            for thing in hubspot_objects.OBJECTS
            for route in hubspot_objects.routes(context, thing, counted, searched, error)
        ),
        hubspot_associations.route(context, counted, error),
        *hubspot_lists.routes(context, counted, error),
    ]


def fault_answer(kind: str, seconds: float) -> Response:
    """HubSpot's words for a fault."""
    if kind == "throttle":
        return _limited("TEN_SECONDLY_ROLLING" if seconds > 1 else "SECONDLY")
    if kind == "expired_token":
        return error(401, "EXPIRED_AUTHENTICATION", "The OAuth token used to make this call expired.")
    return error(500, "INTERNAL_ERROR", "internal error")


def error(status: int, category: str, message: str, **more: Any) -> Response:
    """HubSpot's error body."""
    return Json(
        {"status": "error", "message": message, "correlationId": str(uuid.uuid4()), "category": category, **more},
        status,
    )


def _limited(policy: str) -> Response:
    words = {"SECONDLY": "secondly", "TEN_SECONDLY_ROLLING": "ten_secondly_rolling", "DAILY": "daily"}[policy]
    return error(429, "RATE_LIMITS", f"You have reached your {words} limit.", errorType="RATE_LIMIT", policyName=policy)


class HubSpot:
    """The endpoints. Each answers for the one account there is."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._store = context.store
        self._requests = WindowLimit(*REQUESTS_AND_SECONDS, context.clock)
        self._searches = WindowLimit(SEARCHES_PER_SECOND, 1, context.clock)
        self._today = WindowLimit(REQUESTS_PER_DAY, 86_400, context.clock)

    def counted(self, endpoint: Endpoint) -> Endpoint:
        """Ask for the token, count against the app's limits and tell them in headers."""

        async def answer(request: Request) -> Response:
            if (refusal := self._refusal(request)) is not None:
                return refusal
            limit = self._limit()
            admitted, left, _ = limit.take("app")
            admitted_today, left_today, _ = self._today.take("app")
            response = (
                await endpoint(request)
                if admitted and admitted_today
                else _limited("TEN_SECONDLY_ROLLING" if admitted_today else "DAILY")
            )
            response.headers.update(
                {
                    "X-HubSpot-RateLimit-Daily": str(REQUESTS_PER_DAY),
                    "X-HubSpot-RateLimit-Daily-Remaining": str(left_today),
                    "X-HubSpot-RateLimit-Interval-Milliseconds": str(int(limit.seconds * 1000)),
                    "X-HubSpot-RateLimit-Max": str(limit.most),
                    "X-HubSpot-RateLimit-Remaining": str(max(0, left)),
                }
            )
            return response

        return answer

    def _limit(self) -> WindowLimit:
        """The account's limit; a new one, with nothing used, when the plan was changed."""
        most, seconds = self._store.get_setting("hubspot.limit", REQUESTS_AND_SECONDS)
        if (most, seconds) != (self._requests.most, self._requests.seconds):
            self._requests = WindowLimit(most, seconds, self._context.clock)
        return self._requests

    def searched(self, endpoint: Endpoint) -> Endpoint:
        """Ask for the token and count against the account's searches; searches carry no headers about it."""

        async def answer(request: Request) -> Response:
            if (refusal := self._refusal(request)) is not None:
                return refusal
            return await endpoint(request) if self._searches.take("account")[0] else _limited("SECONDLY")

        return answer

    def _refusal(self, request: Request) -> Response | None:
        if (
            request.headers.get("authorization", "").startswith("Bearer ")
            and token_of(request) == self._context.tokens["hubspot"]
        ):
            return None
        return error(
            401,
            "INVALID_AUTHENTICATION",
            "Authentication credentials not found. This API supports OAuth 2.0 "
            "authentication and you can find more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview",
        )

    async def upsert(self, request: Request) -> Response:
        """Up to 100 contacts made or changed by e-mail; see `hubspot_contacts`."""
        try:
            body = json_body(await request.body())
            with self._store.transaction():
                status, answer = hubspot_contacts.upsert(self._context, body)
        except orjson.JSONDecodeError:
            return error(400, "VALIDATION_ERROR", "Invalid input JSON")
        except BadBatch as refused:
            return error(400, refused.category, str(refused))
        return Json(answer, status)

    async def gdpr_delete(self, request: Request) -> Response:
        """Delete for good; the e-mail goes on a block list, also when nobody has it, and can never be used again."""
        try:
            body = json_body(await request.body()) or {}
            key, by = str(body["objectId"]), body.get("idProperty")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return error(400, "VALIDATION_ERROR", "Invalid input JSON: objectId is required")
        found = find(self._store, CONTACTS_OBJECT, key, by, archived=None)
        email = found.body["properties"].get("email") if found else key if by == "email" else None
        if found is None and email is None:
            return error(404, "OBJECT_NOT_FOUND", "resource not found")
        with self._store.transaction():
            if found:
                self._store.delete("hubspot", "contact", found.id)
            if email:
                self._store.put(
                    "hubspot", "blocked_email", email.strip().lower(), {}, changed_at=self._context.now_ms()
                )
        return Response(status_code=204)
