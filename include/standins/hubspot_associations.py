"""What belongs to what at HubSpot: associations v4 in batches, and as a listing tells them.

A document of kind ``association`` has a record's name as its id, ``contact:1``, and in its body by object the ids it is
associated with, its primary company first: ``{"companies": ["9", "12"]}``. Setting ``hubspot.associations_page``: how
many of them an answer gives for one record.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from include.standins.hubspot_properties import COMPANIES, CONTACTS, DEALS
from include.standins.kit import Context, Document, Json, Store, json_body
from include.standins.merchant_renderings import iso_ms

PATH = "/crm/v4/associations/{one}/{other}/batch/read"
KIND, MOST_INPUTS, PAGE = "association", 1_000, 500
OBJECTS = {one.name: one for one in (CONTACTS, COMPANIES, DEALS)}
# (from, to) → the type of the primary one, of any: https://developers.hubspot.com/docs/api-reference/crm-associations-v4
TYPES = {
    ("contact", "companies"): (1, 279),
    ("deal", "companies"): (5, 341),
    ("deal", "contacts"): (None, 3),
    ("contact", "deals"): (None, 4),
    ("company", "contacts"): (2, 280),
    ("company", "deals"): (6, 342),
}


def associated(kind: str, id: str, **others: Iterable[str]) -> Document:
    """The document that says what a record is associated with: ``associated("deal", "7", contacts=["1"])``."""
    return Document(f"{kind}:{id}", {name: list(ids) for name, ids in others.items()}, 0, 0)


def add(store: Store, kind: str, results: list[dict[str, Any]], others: list[str]) -> None:
    """Write into the records of a listing what they are associated with, those asked for."""
    if not others:
        return
    held = _held(store, kind, [one["id"] for one in results])
    page = store.get_setting("hubspot.associations_page", PAGE)
    for one in results:
        told = {
            name: {"results": _typed(kind, name, ids[:page]), **_more(ids, page)}
            for name in others
            if name in OBJECTS and (ids := held.get(one["id"], {}).get(name))
        }
        if told:
            one["associations"] = told


def _held(store: Store, kind: str, ids: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """What records are associated with, without what was archived since."""
    found = store.get_many("hubspot", KIND, [f"{kind}:{id}" for id in ids])
    return {
        key.partition(":")[2]: {name: _living(store, name, listed) for name, listed in one.body.items()}
        for key, one in found.items()
    }


def _living(store: Store, name: str, ids: list[str]) -> list[str]:
    found = store.get_many("hubspot", OBJECTS[name].kind, ids)
    return [id for id in ids if id in found and not found[id].archived]


def _typed(kind: str, name: str, ids: list[str]) -> list[dict[str, str]]:
    """The primary one stands there twice: as such, and as any."""
    word = f"{kind}_to_{OBJECTS[name].kind}"
    if TYPES[kind, name][0] is None:
        return [{"id": id, "type": word} for id in ids]
    primary = [{"id": id, "type": word} for id in ids[:1]]
    return [*primary, *({"id": id, "type": f"{word}_unlabeled"} for id in ids)]


def _more(ids: list[str], page: int, start: int = 0) -> dict[str, Any]:
    end = start + page
    return {"paging": {"next": {"after": str(end), "link": ""}}} if end < len(ids) else {}


def route(context: Context, counted: Callable[[Any], Any], error: Callable[..., Response]) -> Route:
    """The path of the batch.

    :param counted: asks for the token and counts against the app's limits; ``error`` writes the platform's error body.
    """

    async def endpoint(request: Request) -> Response:
        one, other = (request.path_params[name] for name in ("one", "other"))
        try:
            inputs = [(str(one["id"]), one.get("after", "0")) for one in json_body(await request.body())["inputs"]]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return error(400, "VALIDATION_ERROR", "Invalid input JSON: inputs is required")
        if one not in OBJECTS or (OBJECTS[one].kind, other) not in TYPES:
            return error(400, "VALIDATION_ERROR", "Unable to infer object type from one of the two")
        if not 0 < len(inputs) <= MOST_INPUTS or not all(after.isdigit() for _, after in inputs):
            return error(400, "VALIDATION_ERROR", f"The batch takes 1 to {MOST_INPUTS} inputs")
        return _answer(context, OBJECTS[one].kind, other, inputs)

    return Route(PATH, counted(endpoint), methods=["POST"])


def _answer(context: Context, kind: str, other: str, inputs: list[tuple[str, str]]) -> Response:
    """Records without associations are told as errors, with status 207."""
    held, now = _held(context.store, kind, [id for id, _ in inputs]), iso_ms(context.now())
    page = context.store.get_setting("hubspot.associations_page", PAGE)
    results, none = [], []
    for id, after in inputs:
        ids, start = held.get(id, {}).get(other, []), int(after)
        if not ids:
            none.append(_none(kind, id))
            continue
        to = [_to(kind, other, one, primary=ids.index(one) == 0) for one in ids[start : start + page]]
        results.append({"from": {"id": id}, "to": to, **_more(ids, page, start)})
    answer = {"status": "COMPLETE", "results": results, "startedAt": now, "completedAt": now}
    return Json({**answer, "numErrors": len(none), "errors": none}, 207) if none else Json(answer)


def _to(kind: str, other: str, id: str, *, primary: bool) -> dict[str, Any]:
    first, any_ = TYPES[kind, other]
    types = [{"category": "HUBSPOT_DEFINED", "typeId": any_}]
    if primary and first is not None:
        types.insert(0, {"category": "HUBSPOT_DEFINED", "typeId": first, "label": "Primary"})
    return {"toObjectId": id, "associationTypes": types}


def _none(kind: str, id: str) -> dict[str, Any]:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
        "message": f"No company is associated with {kind} {id}.",
        "context": {"fromObjectId": [id]},
        "errors": [],
        "links": {},
    }
