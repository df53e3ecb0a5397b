"""HubSpot's objects as they are read: listed, searched, in batches and one by one, archived; the same for each object.

What a record is associated with is told by a listing, and only when it is asked for; a search never tells it.
"""

from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.standins import hubspot_associations, hubspot_contacts, hubspot_merges, hubspot_search
from include.standins.hubspot_contacts import BATCH_MAXIMUM, by_email
from include.standins.hubspot_properties import COMPANIES, CONTACTS, DEALS, CrmObject, described, shown
from include.standins.kit import Context, Filter, Json, Store, json_body
from include.standins.merchant_renderings import iso_ms
from include.standins.store import FAR_FUTURE, Document

OBJECTS = (CONTACTS, COMPANIES, DEALS)
LISTING_MAXIMUM, LISTING_DEFAULT = 100, 10
Endpoint = Callable[[Request], Any]
Around = Callable[[Endpoint], Endpoint]


def routes(
    context: Context, thing: CrmObject, counted: Around, searched: Around, error: Callable[..., Response]
) -> list[Route]:
    """The paths of one object.

    :param counted: asks for the token and counts against the app's limits, ``searched`` against the account's searches;
        ``error`` writes the platform's error body.
    """
    reading, path = Reading(context, thing, error), f"/crm/v3/objects/{thing.name}"
    return [
        Route(f"{path}/search", searched(reading.search), methods=["POST"]),
        Route(f"{path}/merge", counted(reading.merge), methods=["POST"]),
        Route(f"{path}/batch/read", counted(reading.batch_read), methods=["POST"]),
        Route(f"{path}/{{id}}", counted(reading.one), methods=["GET"]),
        Route(f"{path}/{{id}}", counted(reading.archive), methods=["DELETE"]),
        Route(path, counted(reading.listing), methods=["GET"]),
        Route(f"/crm/v3/properties/{thing.name}", counted(reading.properties), methods=["GET"]),
    ]


def find(store: Store, thing: CrmObject, key: str, by: str | None, *, archived: bool | None) -> Document | None:
    """A record by its id, a contact also by e-mail; ``archived``: only deleted ones, only others, or both."""
    if by == "email" and thing is CONTACTS:
        found = by_email(store, [key], archived=archived).get(hubspot_contacts.normal(key))
    else:
        found = store.get("hubspot", thing.kind, key)
    return found if found and archived in (None, found.archived) else None


class Reading:
    """The endpoints of one object."""

    def __init__(self, context: Context, thing: CrmObject, error: Callable[..., Response]) -> None:
        self._context = context
        self._store = context.store
        self._thing = thing
        self._error = error

    async def listing(self, request: Request) -> Response:
        """All records by id; archived ones only when asked for, and then only they."""
        given = request.query_params
        limit = given.get("limit", str(LISTING_DEFAULT))
        if not limit.isdigit() or not 0 < int(limit) <= LISTING_MAXIMUM:
            return self._error(400, "VALIDATION_ERROR", f"The limit must be between 1 and {LISTING_MAXIMUM}")
        after = given.get("after", "0")
        if not after.isdigit():
            return self._error(400, "VALIDATION_ERROR", "The 'after' value is not a paging cursor of this listing")
        found = self._store.page(
            "hubspot",
            self._thing.kind,
            Filter(archived=given.get("archived") == "true"),
            order="id",
            after=(-FAR_FUTURE, str(int(after) - 1)) if int(after) else None,
            limit=int(limit) + 1,
        )
        wanted = _names(request)
        results = [shown(one, wanted, self._thing) for one in found[: int(limit)]]
        others = _names(request, "associations")
        hubspot_associations.add(self._store, self._thing.kind, results, others)
        return Json(
            {
                "results": results,
                **_paging(request, self._thing, found[int(limit)].id if len(found) > int(limit) else None),
            }
        )

    async def search(self, request: Request) -> Response:
        """Search; see `hubspot_search` for what may be asked."""
        raw = await request.body()
        try:
            asked = hubspot_search.read(self._thing, json_body(raw) or {}, len(raw.decode()))
            lag = self._store.get_setting("hubspot.index_lag_seconds", 0)
            indexed_before = self._context.now_ms() - int(lag * 1000) if lag else FAR_FUTURE
            found, total = hubspot_search.run(self._store, asked, indexed_before)
        except orjson.JSONDecodeError:
            return self._error(400, "VALIDATION_ERROR", "Invalid input JSON")
        except hubspot_search.BadSearch as refused:
            return self._error(400, "VALIDATION_ERROR", str(refused))
        end = asked.after + len(found)
        paging = {"paging": {"next": {"after": str(end)}}} if found and end < total else {}
        return Json({"total": total, "results": [shown(one, asked.properties, self._thing) for one in found], **paging})

    async def batch_read(self, request: Request) -> Response:
        """Up to 100 records by id, contacts also by e-mail; those that are not there are told with status 207."""
        try:
            body = json_body(await request.body()) or {}
            keys = [str(one["id"]) for one in body["inputs"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return self._error(400, "VALIDATION_ERROR", "Invalid input JSON: inputs is required")
        if len(keys) > BATCH_MAXIMUM:
            return self._error(
                400, "VALIDATION_ERROR", f"The batch has {len(keys)} inputs; the maximum is {BATCH_MAXIMUM}"
            )
        archived = request.query_params.get("archived") == "true"
        if body.get("idProperty") == "email" and self._thing is CONTACTS:
            held = by_email(self._store, keys, archived=archived)
            found = {key: held.get(hubspot_contacts.normal(key)) for key in dict.fromkeys(keys)}
        else:
            found = {key: find(self._store, self._thing, key, None, archived=archived) for key in dict.fromkeys(keys)}
        missing = [key for key, one in found.items() if one is None]
        now = iso_ms(self._context.now())
        answer = {
            "status": "COMPLETE",
            "startedAt": now,
            "completedAt": now,
            "results": [shown(one, body.get("properties", ()), self._thing) for one in found.values() if one],
        }
        if not missing:
            return Json(answer)
        told = {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "context": {"ids": missing},
            "errors": [],
            "links": {},
            "message": f"Could not get some {self._thing.kind.upper()} objects, they may be deleted or not exist. "
            "Check that ids are valid.",
        }
        return Json({**answer, "numErrors": 1, "errors": [told]}, 207)

    async def one(self, request: Request) -> Response:
        """One record by id, a contact also by e-mail with ``idProperty=email``."""
        found = find(
            self._store,
            self._thing,
            request.path_params["id"],
            request.query_params.get("idProperty"),
            archived=request.query_params.get("archived") == "true",
        )
        return (
            Json(shown(found, _names(request), self._thing))
            if found
            else self._error(404, "OBJECT_NOT_FOUND", "resource not found")
        )

    async def archive(self, request: Request) -> Response:
        """Delete as people do: the record is archived and can be brought back for 90 days. Repeating it is no
        error."""
        found = self._store.get("hubspot", self._thing.kind, request.path_params["id"])
        if found is not None and not found.archived:
            now = self._context.now()
            body = {**found.body, "archived": True, "archivedAt": iso_ms(now)}
            self._store.put(
                "hubspot",
                self._thing.kind,
                found.id,
                body,
                created_at=found.created_at,
                changed_at=found.changed_at,
                archived=True,
            )
        return Response(status_code=204)

    async def merge(self, request: Request) -> Response:
        """Make one record of two; see `hubspot_merges`."""
        try:
            left = hubspot_merges.merge(self._context, self._thing, json_body(await request.body()) or {})
        except orjson.JSONDecodeError:
            return self._error(400, "VALIDATION_ERROR", "Invalid input JSON")
        except hubspot_merges.NoMerge as refused:
            return self._error(400, "VALIDATION_ERROR", str(refused))
        return Json(shown(left, (), self._thing))

    async def properties(self, request: Request) -> Response:
        """The object's properties in the account."""
        return Json({"results": described(self._thing)})


def _names(request: Request, parameter: str = "properties") -> list[str]:
    """The names asked for: the parameter repeated, or names with commas between."""
    return [name for value in request.query_params.getlist(parameter) for name in value.split(",") if name]


def _paging(request: Request, thing: CrmObject, after: str | None) -> dict[str, Any]:
    if after is None:
        return {}
    link = f"https://api.hubapi.com/crm/v3/objects/{thing.name}?{request.url.include_query_params(after=after).query}"
    return {"paging": {"next": {"after": after, "link": link}}}
