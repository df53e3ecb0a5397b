"""HubSpot's contacts, found by e-mail and written in batches.

An address is one contact's: letter case and white space around it do not count. A batch whose inputs all carry an
``objectWriteTraceId`` is taken row by row (207 tells the bad ones); without, one bad row refuses the whole batch.
Deleted contacts are not found and not brought back: writing to their address makes a new contact. An address that was
deleted for good can never be used again. What is made through the interface says by which app
(``hs_object_source_id``), is a lead (``lifecyclestage``) and no marketing contact.
"""

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from include.standins.hubspot_properties import PROPERTIES, READ_ONLY
from include.standins.kit import Context, Document, Store
from include.standins.merchant_renderings import iso_ms

APP_ID, PORTAL_ID = "3205577", "48211337"
BATCH_MAXIMUM = 100
FIRST_ID = 700_000_000_001  # far above what the merchant's people get
INDEX = """
create index if not exists hubspot_contact_by_email on document (lower(trim(json_extract(body, '$.properties.email'))))
where platform = 'hubspot' and kind = 'contact'
"""
# The oldest first: should two contacts have one address, it is always the same one that is found.
_BY_EMAIL = """
select id, created_at, changed_at, archived, body from document
where platform = 'hubspot' and kind = 'contact'
    and lower(trim(json_extract(body, '$.properties.email'))) in (select value from json_each(:emails))
order by created_at, length(id), id
"""
_ADDRESS = re.compile(r"(?!.*\.\.)[^\s@,;<>\"]+@[^\s@,;<>\"]+\.[^\s@,;<>\".]{2,}")


class BadBatch(ValueError):
    """The platform refuses the whole request; the text is its message."""

    def __init__(self, message: str, category: str = "VALIDATION_ERROR") -> None:
        super().__init__(message)
        self.category = category


def normal(email: str) -> str:
    return email.strip().lower()


def by_email(store: Store, emails: Iterable[str], *, archived: bool | None = False) -> dict[str, Document]:
    """The contacts that have these addresses, by normal form; ``archived``: only deleted ones, only others, or both."""
    wanted = sorted({normal(one) for one in emails})
    found: dict[str, Document] = {}
    for one in store.found(_BY_EMAIL, {"emails": wanted}):
        if archived in (None, one.archived):
            found.setdefault(normal(one.body["properties"]["email"]), one)
    return found


def upsert(context: Context, body: Any) -> tuple[int, dict[str, Any]]:
    """``POST /crm/v3/objects/contacts/batch/upsert``: status and body.

    :raises BadBatch: nothing was written.
    """
    inputs = _inputs(body)
    now, store = context.now(), context.store
    held = by_email(store, (one["id"] for one in inputs))
    blocked = store.get_many("hubspot", "blocked_email", [normal(one["id"]) for one in inputs])
    faults = {place: why for place, one in enumerate(inputs) if (why := _fault(one, blocked)) is not None}
    traced = all(one.get("objectWriteTraceId") for one in inputs)
    if faults and not traced:
        raise BadBatch(next(iter(faults.values())))
    results = [
        _write(context, one, held.get(normal(one["id"])), now)
        for place, one in enumerate(inputs)
        if place not in faults
    ]
    answer = {"status": "COMPLETE", "startedAt": iso_ms(now), "completedAt": iso_ms(now), "results": results}
    if not faults:
        return 200, answer
    told = [_error(inputs[place], message) for place, message in faults.items()]
    return 207, {**answer, "numErrors": len(told), "errors": told}


def _inputs(body: Any) -> list[dict[str, Any]]:
    inputs = body.get("inputs") if isinstance(body, dict) and body.keys() == {"inputs"} else None
    if not isinstance(inputs, list) or not inputs:
        raise BadBatch("Invalid input JSON: inputs is required")
    if len(inputs) > BATCH_MAXIMUM:
        raise BadBatch(f"The batch has {len(inputs)} inputs; the maximum is {BATCH_MAXIMUM}")
    for one in inputs:
        known = {"id", "idProperty", "objectWriteTraceId", "properties"}
        if not isinstance(one, dict) or one.keys() - known or not {"id", "properties"} <= one.keys():
            raise BadBatch("Invalid input JSON: an input has id, idProperty, objectWriteTraceId and properties")
        if one.get("idProperty") != "email":
            raise BadBatch("Unable to perform update/upsert by non-unique 0-1 property")
    if len({normal(str(one["id"])) for one in inputs}) < len(inputs):
        raise BadBatch("Duplicate IDs found in batch input. IDs must be unique")
    return inputs


def _fault(one: Mapping[str, Any], blocked: Collection[str]) -> str | None:
    if not _ADDRESS.fullmatch(normal(str(one["id"]))):
        return f"Property values were not valid: Email address {one['id']} is invalid"
    if normal(one["id"]) in blocked:
        return f"Email address {one['id']} belongs to a contact that was permanently deleted"
    for name, value in one["properties"].items():
        if name not in PROPERTIES:
            return f'Property values were not valid: Property "{name}" does not exist'
        if name in READ_ONLY:
            return f'Property values were not valid: "{name}" is a read only property'
        if value is not None and not isinstance(value, str):
            return f'Property values were not valid: "{name}" must be a string'
        if value and PROPERTIES[name].options and value not in PROPERTIES[name].options:
            return f'Property values were not valid: {value} was not one of the allowed options of "{name}"'
    return None


def _error(one: Mapping[str, Any], message: str) -> dict[str, Any]:
    return {
        "status": "error",
        "id": str(uuid.uuid4()),
        "category": "VALIDATION_ERROR",
        "message": message,
        "errors": [{"message": message}],
        "context": {"objectWriteTraceId": [one["objectWriteTraceId"]]},
        "links": {},
    }


def _write(context: Context, one: Mapping[str, Any], held: Document | None, now: datetime) -> dict[str, Any]:
    store, at = context.store, iso_ms(now)
    id = held.id if held else _next_id(store)
    old = held.body if held else {"createdAt": at, "archived": False, "properties": _born(id, one["id"], at)}
    given = {name: value or None for name, value in one["properties"].items()}
    body = {
        **old,
        "id": id,
        "updatedAt": at,
        "properties": {**old["properties"], **given, "lastmodifieddate": at},
    }
    now_ms = context.now_ms()
    store.put("hubspot", "contact", id, body, changed_at=now_ms, created_at=held.created_at if held else now_ms)
    shown = {name: body["properties"].get(name) for name in ("createdate", "email", "hs_object_id", *given)}
    answer = {
        "id": id,
        "properties": {name: value for name, value in {**shown, "lastmodifieddate": at}.items() if value is not None},
        "createdAt": body["createdAt"],
        "updatedAt": at,
        "archived": False,
        "new": held is None,
    }
    trace = one.get("objectWriteTraceId")
    return {**answer, "objectWriteTraceId": trace} if trace else answer


def _born(id: str, email: str, at: str) -> dict[str, str]:
    return {
        "hs_object_id": id,
        "createdate": at,
        "email": normal(email),
        "lifecyclestage": "lead",
        "hs_object_source": "INTEGRATION",
        "hs_object_source_id": APP_ID,
        "hs_marketable_status": "false",
    }


def _next_id(store: Store) -> str:
    id = store.get_setting("hubspot.next_id", FIRST_ID)
    store.set_setting("hubspot.next_id", id + 1)
    return str(id)
