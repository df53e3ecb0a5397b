"""Klaviyo's lists and their members. A list holds profiles by id; being on it is no consent, leaving no withdrawal."""

import secrets
import string
from typing import Any

from include.standins.kit import EVERYTHING, Document
from include.standins.klaviyo_core import (
    PLATFORM,
    Answer,
    Call,
    chosen,
    invalid,
    not_found,
    page,
    read_filter,
    stamp,
)
from include.standins.klaviyo_profiles import join, shown

MOST_MEMBERS = 1_000  # of one call
LIST_FIELDS = frozenset({"created", "id", "name", "opt_in_process", "updated"})
_BY_LIST = {"name": ("any", "equals"), "id": ("any", "equals")}


def _list(call: Call) -> Document:
    found = call.store.get(PLATFORM, "list", str(call.path["id"]))
    if found is None:
        raise not_found("list", str(call.path["id"]))
    return found


def _shown_list(call: Call, one: Document) -> dict[str, Any]:
    attributes = {
        "name": one.body["name"],
        "created": stamp(one.created_at),
        "updated": stamp(one.changed_at),
        "opt_in_process": one.body["opt_in_process"],
    }
    where = f"lists/{one.id}"
    names = ("profiles", "tags", "flow-triggers")
    related = {
        name: {"links": {"self": call.link(f"{where}/relationships/{name}"), "related": call.link(f"{where}/{name}")}}
        for name in names
    }
    return {
        "type": "list",
        "id": one.id,
        "attributes": chosen(call, "list", attributes),
        "relationships": related,
        "links": call.links(where),
    }


def _matches(wanted: tuple[str, str, Any] | None, values: dict[str, Any]) -> bool:
    if wanted is None:
        return True
    field, operator, value = wanted
    return values[field] in value if operator == "any" else values[field] == value


def lists(call: Call) -> Answer:
    """``GET /api/lists``: ten a page."""
    wanted = read_filter(call, _BY_LIST)
    field, reverse = call.query.get("sort", "created").lstrip("-"), call.query.get("sort", "").startswith("-")
    if field not in ("created", "id", "name", "updated"):
        raise invalid("Invalid sort.", "parameter=sort")
    found = [
        one
        for one in call.store.page(PLATFORM, "list", EVERYTHING, order="created", limit=-1)
        if _matches(wanted, {"name": one.body["name"], "id": one.id})
    ]
    key = {"created": lambda one: one.created_at, "updated": lambda one: one.changed_at, "id": lambda one: one.id}
    found.sort(key=key.get(field, lambda one: one.body["name"]), reverse=reverse)
    rows, links = page(call, found, 10, 10)
    return Answer(200, {"data": [_shown_list(call, one) for one in rows], "links": links})


def create(call: Call) -> Answer:
    """``POST /api/lists``. Two may have one name."""
    data = (call.body or {}).get("data") if isinstance(call.body, dict) else None
    if not isinstance(data, dict) or data.keys() != {"type", "attributes"} or data["type"] != "list":
        raise invalid("'data' must be a list's type and attributes.")
    attributes = data["attributes"]
    if not isinstance(attributes, dict) or attributes.keys() - {"name", "opt_in_process"}:
        raise invalid("Attributes are name and opt_in_process.", "/data/attributes")
    if not isinstance(attributes.get("name"), str) or not attributes["name"].strip():
        raise invalid("'name' is a required field.", "/data/attributes/name")
    process = attributes.get("opt_in_process") or "double_opt_in"
    if process not in ("double_opt_in", "single_opt_in"):
        raise invalid("'opt_in_process' is double_opt_in or single_opt_in.", "/data/attributes/opt_in_process")
    id = "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(6))
    now = call.context.now_ms()
    call.store.put(PLATFORM, "list", id, {"name": attributes["name"], "opt_in_process": process}, changed_at=now)
    made = call.store.get(PLATFORM, "list", id)
    return Answer(201, {"data": _shown_list(call, made), "links": call.links(f"lists/{id}")})


def one(call: Call) -> Answer:
    """``GET /api/lists/{id}``."""
    return Answer(200, {"data": _shown_list(call, _list(call)), "links": {"self": call.here}})


def delete(call: Call) -> Answer:
    """``DELETE /api/lists/{id}``: its members stay profiles."""
    found = _list(call)
    call.store.delete_many(PLATFORM, f"joined:{found.id}", _joined(call, found))
    call.store.delete(PLATFORM, "list", found.id)
    return Answer(204)


def _joined(call: Call, one: Document) -> dict[str, int]:
    """When each member joined, by profile id, the first first."""
    entries = call.store.page(PLATFORM, f"joined:{one.id}", EVERYTHING, order="created", limit=-1)
    return {entry.id: entry.created_at for entry in entries}


def _members(call: Call) -> tuple[list[Document], dict[str, int]]:
    found, wanted = _list(call), read_filter(call, {"email": ("any", "equals")})
    joined = _joined(call, found)
    profiles = call.store.get_many(PLATFORM, "profile", joined)
    return [one for one in profiles.values() if _matches(wanted, {"email": one.body.get("email")})], joined


def members(call: Call) -> Answer:
    """``GET /api/lists/{id}/profiles``."""
    found, joined = _members(call)
    rows, links = page(call, found, 20, 100)
    return Answer(200, {"data": [shown(call, one, joined[one.id]) for one in rows], "links": links})


def member_ids(call: Call) -> Answer:
    """``GET /api/lists/{id}/relationships/profiles``."""
    rows, links = page(call, _members(call)[0], 20, 100)
    return Answer(200, {"data": [{"type": "profile", "id": one.id} for one in rows], "links": links})


def _given(call: Call) -> list[str]:
    """The profiles a change of members names; all must exist."""
    data = call.body.get("data") if isinstance(call.body, dict) else None
    if not isinstance(data, list) or not 0 < len(data) <= MOST_MEMBERS:
        raise invalid(f"From 1 to {MOST_MEMBERS} profiles are accepted per request.")
    for place, one in enumerate(data):
        if not isinstance(one, dict) or one.keys() != {"type", "id"} or one["type"] != "profile":
            raise invalid("This is not the identifier of a profile.", f"/data/{place}")
    ids = [one["id"] for one in data]
    there = call.store.get_many(PLATFORM, "profile", ids)
    for place, id in enumerate(ids):
        if id not in there:
            raise not_found("profile", id, f"/data/{place}/id")
    return ids


def add(call: Call) -> Answer:
    """``POST /api/lists/{id}/relationships/profiles``: who is a member already stays one."""
    found, now = _list(call), call.context.now_ms()
    join(call.store, found.id, _given(call), now)
    return Answer(204)


def remove(call: Call) -> Answer:
    """``DELETE /api/lists/{id}/relationships/profiles``: consent and suppressions stay as they are."""
    found = _list(call)
    call.store.delete_many(PLATFORM, f"joined:{found.id}", _given(call))
    return Answer(204)
