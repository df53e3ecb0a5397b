"""HubSpot's CRM interface for contacts, v3, on this machine.

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

from include.standins import hubspot_contacts, hubspot_lists, hubspot_search
from include.standins.hubspot_contacts import BATCH_MAXIMUM, BadBatch, by_email
from include.standins.hubspot_lists import audience_members
from include.standins.hubspot_properties import described, shown
from include.standins.kit import Context, Filter, Json, Store, json_body, token_of
from include.standins.limits import WindowLimit
from include.standins.merchant_renderings import iso_ms
from include.standins.store import FAR_FUTURE, Document

__all__ = ["audience_members", "fault_answer", "prepare", "routes"]

CONTACTS = "/crm/v3/objects/contacts"
LISTING_MAXIMUM, LISTING_DEFAULT = 100, 10
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
        Route(f"{CONTACTS}/search", searched(api.search), methods=["POST"]),
        Route(f"{CONTACTS}/batch/read", counted(api.batch_read), methods=["POST"]),
        Route(f"{CONTACTS}/batch/upsert", counted(api.upsert), methods=["POST"]),
        Route(f"{CONTACTS}/gdpr-delete", counted(api.gdpr_delete), methods=["POST"]),
        Route(f"{CONTACTS}/{{id}}", counted(api.one), methods=["GET"]),
        Route(f"{CONTACTS}/{{id}}", counted(api.archive), methods=["DELETE"]),
        Route(CONTACTS, counted(api.listing), methods=["GET"]),
        Route("/crm/v3/properties/contacts", counted(api.properties), methods=["GET"]),
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

    async def listing(self, request: Request) -> Response:
        """All contacts by id; archived ones only when asked for, and then only they."""
        given = request.query_params
        limit = given.get("limit", str(LISTING_DEFAULT))
        if not limit.isdigit() or not 0 < int(limit) <= LISTING_MAXIMUM:
            return error(400, "VALIDATION_ERROR", f"The limit must be between 1 and {LISTING_MAXIMUM}")
        after = given.get("after", "0")
        if not after.isdigit():
            return error(400, "VALIDATION_ERROR", "The 'after' value is not a paging cursor of this listing")
        found = self._store.page(
            "hubspot",
            "contact",
            Filter(archived=given.get("archived") == "true"),
            order="id",
            after=(-FAR_FUTURE, str(int(after) - 1)) if int(after) else None,
            limit=int(limit) + 1,
        )
        wanted = _names(request)
        results = [shown(one, wanted) for one in found[: int(limit)]]
        return Json({"results": results, **_paging(request, found[int(limit)].id if len(found) > int(limit) else None)})

    async def search(self, request: Request) -> Response:
        """Search; see `hubspot_search` for what may be asked."""
        raw = await request.body()
        try:
            asked = hubspot_search.read(json_body(raw) or {}, len(raw.decode()))
            lag = self._store.get_setting("hubspot.index_lag_seconds", 0)
            indexed_before = self._context.now_ms() - int(lag * 1000) if lag else FAR_FUTURE
            found, total = hubspot_search.run(self._store, asked, indexed_before)
        except orjson.JSONDecodeError:
            return error(400, "VALIDATION_ERROR", "Invalid input JSON")
        except hubspot_search.BadSearch as refused:
            return error(400, "VALIDATION_ERROR", str(refused))
        end = asked.after + len(found)
        paging = {"paging": {"next": {"after": str(end)}}} if found and end < total else {}
        return Json({"total": total, "results": [shown(one, asked.properties) for one in found], **paging})

    async def batch_read(self, request: Request) -> Response:
        """Up to 100 contacts by id or by e-mail; those that are not there are told with status 207."""
        try:
            body = json_body(await request.body()) or {}
            keys = [str(one["id"]) for one in body["inputs"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return error(400, "VALIDATION_ERROR", "Invalid input JSON: inputs is required")
        if len(keys) > BATCH_MAXIMUM:
            return error(400, "VALIDATION_ERROR", f"The batch has {len(keys)} inputs; the maximum is {BATCH_MAXIMUM}")
        archived = request.query_params.get("archived") == "true"
        if body.get("idProperty") == "email":
            held = by_email(self._store, keys, archived=archived)
            found = {key: held.get(hubspot_contacts.normal(key)) for key in dict.fromkeys(keys)}
        else:
            found = {key: self._find(key, None, archived=archived) for key in dict.fromkeys(keys)}
        missing = [key for key, one in found.items() if one is None]
        now = iso_ms(self._context.now())
        answer = {
            "status": "COMPLETE",
            "startedAt": now,
            "completedAt": now,
            "results": [shown(one, body.get("properties", ())) for one in found.values() if one],
        }
        if not missing:
            return Json(answer)
        told = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "context": {"ids": missing},
            "errors": [],
            "links": {},
            "message": "Could not get some CONTACT objects, they may be deleted or not exist. "
            "Check that ids are valid.",
        }
        return Json({**answer, "numErrors": 1, "errors": [told]}, 207)

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

    async def one(self, request: Request) -> Response:
        """One contact by id, or by e-mail with ``idProperty=email``."""
        found = self._find(
            request.path_params["id"],
            request.query_params.get("idProperty"),
            archived=request.query_params.get("archived") == "true",
        )
        return Json(shown(found, _names(request))) if found else error(404, "OBJECT_NOT_FOUND", "resource not found")

    async def archive(self, request: Request) -> Response:
        """Delete as people do: the contact is archived and can be brought back for 90 days. Repeating it is no
        error."""
        found = self._store.get("hubspot", "contact", request.path_params["id"])
        if found is not None and not found.archived:
            now = self._context.now()
            body = {**found.body, "archived": True, "archivedAt": iso_ms(now)}
            self._store.put(
                "hubspot",
                "contact",
                found.id,
                body,
                created_at=found.created_at,
                changed_at=found.changed_at,
                archived=True,
            )
        return Response(status_code=204)

    async def gdpr_delete(self, request: Request) -> Response:
        """Delete for good; the e-mail goes on a block list, also when nobody has it, and can never be used again."""
        try:
            body = json_body(await request.body()) or {}
            key, by = str(body["objectId"]), body.get("idProperty")
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return error(400, "VALIDATION_ERROR", "Invalid input JSON: objectId is required")
        found = self._find(key, by, archived=None)
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

    async def properties(self, request: Request) -> Response:
        """The contact properties of the account."""
        return Json({"results": described()})

    def _find(self, key: str, by: str | None, *, archived: bool | None) -> Document | None:
        if by == "email":
            found = by_email(self._store, [key], archived=archived).get(hubspot_contacts.normal(key))
        else:
            found = self._store.get("hubspot", "contact", key)
        return found if found and archived in (None, found.archived) else None


def _names(request: Request) -> list[str]:
    """The properties asked for: the parameter repeated, or names with commas between."""
    return [name for value in request.query_params.getlist("properties") for name in value.split(",") if name]


def _paging(request: Request, after: str | None) -> dict[str, Any]:
    if after is None:
        return {}
    link = f"https://api.hubapi.com{CONTACTS}?{request.url.include_query_params(after=after).query}"
    return {"paging": {"next": {"after": after, "link": link}}}
