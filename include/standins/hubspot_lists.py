"""HubSpot's lists, v3: contacts put on and taken off manual lists by their record ids.

Names are unique in the account. Ids that are no contact come back as ``recordIdsMissing``; who is a member already, or
none, is passed over. A contact that was deleted is a member of nothing. Setting ``hubspot.most_lists``: how many manual
lists the account may have.
"""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.standins.hubspot_contacts import normal
from include.standins.kit import EVERYTHING, Context, Document, Json, Store, json_body
from include.standins.merchant_renderings import iso_ms

LISTS = "/crm/v3/lists"
CONTACTS = "0-1"
PARAMETERS = {"limit", "after", "before", "includeFilters"}
IDS_MAXIMUM, PAGE_MAXIMUM, PAGE_DEFAULT, LISTS_MAXIMUM = 100_000, 250, 100, 1_000
PROCESSING = ("MANUAL", "DYNAMIC", "SNAPSHOT")
CREATE = {"name", "objectTypeId", "processingType", "customProperties", "listFolderId", "filterBranch"}
SEARCH = {"listIds", "offset", "query", "count", "processingTypes", "additionalProperties", "sort"}


class BadList(ValueError):
    """The platform refuses the request; the text is its message."""

    def __init__(self, status: int, message: str, category: str = "VALIDATION_ERROR") -> None:
        super().__init__(message)
        self.status = status
        self.category = category


Act = Callable[[Request, Any], dict[str, Any] | None]


def routes(context: Context, counted: Callable[[Any], Any], error: Callable[..., Response]) -> list[Route]:
    """The paths of lists.

    :param counted: asks for the token and counts against the app's limits; ``error`` writes the platform's error body.
    """

    def route(method: str, path: str, act: Act) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                body = json_body(await request.body())
                if set(request.query_params) - PARAMETERS:
                    raise BadList(400, "Unknown query parameter")
                with context.store.transaction():
                    answer = act(request, body)
            except orjson.JSONDecodeError:
                return error(400, "VALIDATION_ERROR", "Invalid input JSON")
            except BadList as refused:
                return error(refused.status, refused.category, str(refused))
            return Response(status_code=204) if answer is None else Json(answer)

        return Route(LISTS + path, counted(endpoint), methods=[method])

    def id(request: Request) -> str:
        return request.path_params["id"]

    both = ("recordIdsToAdd", "recordIdsToRemove")
    return [
        route("POST", "", lambda _, body: create(context, body)),
        route("POST", "/search", lambda _, body: search(context, body)),
        route(
            "GET",
            "/object-type-id/{type}/name/{name:path}",
            lambda request, _: read_by_name(context, request.path_params["type"], request.path_params["name"]),
        ),
        route("GET", "/{id}", lambda request, _: read(context, id(request))),
        route("DELETE", "/{id}", lambda request, _: delete(context, id(request))),
        route("GET", "/{id}/memberships", lambda request, _: memberships(context, id(request), request.query_params)),
        route("PUT", "/{id}/memberships/add", lambda request, body: change(context, id(request), body, [])),
        route("PUT", "/{id}/memberships/remove", lambda request, body: change(context, id(request), [], body)),
        route(
            "PUT",
            "/{id}/memberships/add-and-remove",
            lambda request, body: change(context, id(request), *((body or {}).get(name) for name in both)),
        ),
    ]


def _at(context: Context, ms: int) -> str:
    return iso_ms(type(context.now()).fromtimestamp(ms / 1000, context.now().tzinfo))


def _shown(context: Context, one: Document) -> dict[str, Any]:
    return {
        "listId": one.id,
        "listVersion": 1,
        "name": one.body["name"],
        "objectTypeId": CONTACTS,
        "processingType": one.body["processingType"],
        "processingStatus": "COMPLETE",
        "createdAt": _at(context, one.created_at),
        "updatedAt": _at(context, one.changed_at),
    }


def _sized(context: Context, one: Document) -> dict[str, Any]:
    return {**_shown(context, one), "size": len(members(context.store, one.id))}


def _all(store: Store) -> list[Document]:
    return store.page("hubspot", "list", order="id", limit=-1)


def _find(store: Store, id: str) -> Document:
    found = store.get("hubspot", "list", id)
    if found is None or found.archived:
        raise BadList(404, f"List does not exist with ID {id}.", "OBJECT_NOT_FOUND")
    return found


def members(store: Store, id: str) -> list[Document]:
    """The contacts on a list, by record id."""
    return [one for one in store.listed("hubspot", "contact", f"joined:{id}") if not one.archived]


def create(context: Context, body: Any) -> dict[str, Any]:
    """``POST /crm/v3/lists``."""
    if (
        not isinstance(body, dict)
        or body.keys() - CREATE
        or not {"name", "objectTypeId", "processingType"} <= set(body)
    ):
        raise BadList(400, "Invalid input JSON: name, objectTypeId and processingType are required")
    if body["objectTypeId"] != CONTACTS or body["processingType"] not in PROCESSING or not str(body["name"]).strip():
        raise BadList(400, "objectTypeId is 0-1, processingType MANUAL, DYNAMIC or SNAPSHOT, name is not empty")
    lists = _all(context.store)
    if any(one.body["name"].casefold() == body["name"].casefold() for one in lists):
        raise BadList(400, "A list with this name already exists; names must be unique", "VALIDATION_ERROR")
    if len(lists) >= context.store.get_setting("hubspot.most_lists", LISTS_MAXIMUM):
        raise BadList(400, "The account has reached its limit of lists", "LIMIT_EXCEEDED")
    id = str(context.store.get_setting("hubspot.next_list", 1))
    context.store.set_setting("hubspot.next_list", int(id) + 1)
    kept = {"name": body["name"], "processingType": body["processingType"]}
    context.store.put("hubspot", "list", id, kept, changed_at=context.now_ms())
    return {"list": _sized(context, _find(context.store, id))}


def read(context: Context, id: str) -> dict[str, Any]:
    """``GET /crm/v3/lists/{listId}``."""
    return {"list": _sized(context, _find(context.store, id))}


def read_by_name(context: Context, type_id: str, name: str) -> dict[str, Any]:
    """``GET /crm/v3/lists/object-type-id/{objectTypeId}/name/{listName}``."""
    for one in _all(context.store):
        if type_id == CONTACTS and one.body["name"].casefold() == unquote(name).casefold():
            return {"list": _sized(context, one)}
    raise BadList(404, "List does not exist with that name.", "OBJECT_NOT_FOUND")


def delete(context: Context, id: str) -> None:
    """``DELETE /crm/v3/lists/{listId}``: its name is free again, its contacts stay."""
    found = _find(context.store, id)
    context.store.put(
        "hubspot",
        "list",
        id,
        found.body,
        changed_at=context.now_ms(),
        created_at=found.created_at,
        archived=True,
    )


def search(context: Context, body: Any) -> dict[str, Any]:
    """``POST /crm/v3/lists/search``: by a part of the name, or all."""
    if not isinstance(body, dict) or body.keys() - SEARCH:
        raise BadList(400, "Invalid input JSON: unrecognised field")
    words, offset, count = str(body.get("query") or "").casefold(), body.get("offset", 0), body.get("count", 20)
    if not isinstance(offset, int) or not isinstance(count, int) or not 0 < count <= 500:
        raise BadList(400, "offset and count are numbers, count at most 500")
    types = body.get("processingTypes") or PROCESSING
    found = [one for one in _all(context.store) if words in one.body["name"].casefold()]
    found = [one for one in found if one.body["processingType"] in types]
    page = found[offset : offset + count]
    return {
        "total": len(found),
        "offset": offset + len(page),
        "hasMore": offset + len(page) < len(found),
        "lists": [{**_shown(context, one), "additionalProperties": {}} for one in page],
    }


def change(context: Context, id: str, add: Any, remove: Any) -> dict[str, Any]:
    """Put contacts on the list and take others off; only what changes is told, and who does not exist."""
    found = _find(context.store, id)
    if found.body["processingType"] == "DYNAMIC":
        raise BadList(400, "Memberships of a DYNAMIC list cannot be changed by hand")
    adding, removing = _ids(add), _ids(remove)
    there = context.store.get_many("hubspot", "contact", [*adding, *removing])
    live = {one for one, contact in there.items() if not contact.archived}
    joined = context.store.get_many("hubspot", f"joined:{id}", [*adding, *removing])
    added = [one for one in adding if one in live and one not in joined]
    removed = [one for one in removing if one in joined]
    now = context.now_ms()
    context.store.put_many("hubspot", f"joined:{id}", (Document(one, {}, now, now) for one in added))
    context.store.delete_many("hubspot", f"joined:{id}", removed)
    missing = [one for one in dict.fromkeys((*adding, *removing)) if one not in live]
    return {"recordsIdsAdded": added, "recordIdsRemoved": removed, "recordIdsMissing": missing}


def _ids(given: Any) -> list[str]:
    if not isinstance(given, list) or len(given) > IDS_MAXIMUM:
        raise BadList(400, f"Record ids come as a list of at most {IDS_MAXIMUM}")
    if not all(isinstance(one, str) and one.isdigit() for one in given):
        raise BadList(400, "Invalid input JSON: a record id is a string of digits")
    return list(dict.fromkeys(given))


def memberships(context: Context, id: str, query: Mapping[str, str]) -> dict[str, Any]:
    """``GET /crm/v3/lists/{listId}/memberships``, by record id."""
    _find(context.store, id)
    limit, after = query.get("limit", str(PAGE_DEFAULT)), query.get("after", "0")
    if not limit.isdigit() or not 0 < int(limit) <= PAGE_MAXIMUM or not after.isdigit():
        raise BadList(400, f"limit is from 1 to {PAGE_MAXIMUM}, after a cursor of this listing")
    found = [one for one in members(context.store, id) if int(one.id) > int(after)]
    joined = {one.id: one.created_at for one in context.store.page("hubspot", f"joined:{id}", EVERYTHING, limit=-1)}
    page = found[: int(limit)]
    results = [{"recordId": one.id, "membershipTimestamp": _at(context, joined[one.id])} for one in page]
    more = len(found) > len(page)
    return {"results": results, "total": len(joined), **({"paging": {"next": {"after": page[-1].id}}} if more else {})}


def audience_members(store: Store) -> dict[str, dict[str, dict[str, Any]]]:
    """Of each list, by name, the addresses of its contacts with their properties."""
    return {
        one.body["name"]: {
            normal(contact.body["properties"].get("email") or ""): contact.body["properties"]
            for contact in members(store, one.id)
        }
        for one in _all(store)
    }
