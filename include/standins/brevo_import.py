"""Brevo: imports, which are taken at once and worked off later, and the processes that tell how far they are.

An import says of no row whether it was taken: addresses the platform does not like are passed over, as are attributes
that do not exist. A process has no state for failure either: an import that failed as a whole is ``completed``, too
(setting ``brevo.imports_fail``). It takes ``brevo.process_seconds``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from include.standins import brevo_contacts as contacts
from include.standins.brevo_core import PLATFORM, BrevoError, Call, invalid, is_address, missing, next_number, not_found
from include.standins.kit import Context, Document, Filter, Store

MOST_BYTES = 10 * 1024 * 1024
IMPORT_FIELDS = frozenset(
    {
        "fileUrl",
        "fileBody",
        "jsonBody",
        "listIds",
        "notifyUrl",
        "newList",
        "emailBlacklist",
        "disableNotification",
        "smsBlacklist",
        "updateExistingContacts",
        "emptyContactsAttributes",
    }
)
FLAGS = {
    "emailBlacklist": False,
    "smsBlacklist": False,
    "disableNotification": False,
    "updateExistingContacts": True,
    "emptyContactsAttributes": False,
}


def take(call: Call) -> tuple[int, Any]:
    """``POST /contacts/import``: 202 and a process."""
    call.known(body=IMPORT_FIELDS)
    rows = _rows(call.body)
    lists = call.body.get("listIds") or []
    if not lists:
        raise missing("listIds or newList is missing")  # newList: the stand-in makes none on the way
    if any(call.store.get(PLATFORM, "list", str(one)) is None for one in lists):
        raise invalid("List ID does not exist")
    if any(not isinstance(call.body.get(name, value), bool) for name, value in FLAGS.items()):
        raise invalid("A flag of the import is neither true nor false")
    flags = {name: call.body.get(name, value) for name, value in FLAGS.items()}
    process_id, now = next_number(call.store, "process"), call.context.now_ms()
    body = {"id": process_id, "name": "IMPORTUSER", "_rows": rows, "_lists": lists, "_flags": flags}
    call.store.put(PLATFORM, "process", str(process_id), body, changed_at=now)
    return 202, {"processId": process_id}


def _rows(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    given = [name for name in ("fileUrl", "fileBody", "jsonBody") if name in body]
    if given != ["jsonBody"]:
        raise missing("Exactly one of fileUrl, fileBody and jsonBody is needed; the stand-in reads jsonBody")
    rows = body["jsonBody"]
    if not isinstance(rows, list) or not rows:
        raise missing("jsonBody is empty")
    if len(orjson.dumps(rows)) > MOST_BYTES:
        raise BrevoError(400, "out_of_range", "The maximum allowed size of jsonBody is 10MB")
    for row in rows:
        if not isinstance(row, dict) or set(row) - {"email", "attributes"}:
            raise invalid("A row of jsonBody has email and attributes, and nothing else")
    return rows


def work_off(context: Context) -> None:
    """Apply every import whose time has come, in their order."""
    store, now = context.store, context.now_ms()
    for process in store.page(PLATFORM, "process", Filter(archived=False), order="id", limit=-1):
        if process.created_at + _took(store) <= now:
            if not store.get_setting("brevo.imports_fail", False):
                _apply(store, process.body, now)
            body = {name: process.body[name] for name in ("id", "name")}
            store.put(
                PLATFORM, "process", process.id, body, changed_at=now, created_at=process.created_at, archived=True
            )


def _took(store: Store) -> int:
    """How long an import takes, in milliseconds, as the setting says now."""
    return int(store.get_setting("brevo.process_seconds", 0.3) * 1000)


def _apply(store: Store, process: Mapping[str, Any], now: int) -> None:
    flags, lists = process["_flags"], process["_lists"]
    rows = [row for row in process["_rows"] if is_address(row.get("email"))]
    known = contacts.find_many(store, (row["email"] for row in rows))
    columns, types = _columns(process["_rows"]), contacts.attribute_types(store)
    clear = flags["emptyContactsAttributes"] and flags["updateExistingContacts"]
    made: list[Document] = []
    last = store.get_setting("brevo.last_contact", 0)
    for row in rows:
        address = row["email"].strip().lower()
        new = address not in known
        if new:
            made.append(contacts.blank(last + len(made) + 1, address, now))
            known[address] = made[-1]
        body = known[address].body
        if new or flags["updateExistingContacts"]:
            # The rows become a table: what a row leaves out is an empty cell of it.
            contacts.set_attributes(types, body, {**columns, **row.get("attributes", {})}, clear=clear)
            body["emailBlacklisted"] |= flags["emailBlacklist"]
            body["smsBlacklisted"] |= flags["smsBlacklist"]
        contacts.join(body, lists)
    store.set_setting("brevo.last_contact", last + len(made))
    contacts.keep_many(store, [known[row["email"].strip().lower()] for row in rows], made, lists, now)


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    return {name: "" for row in rows for name in row.get("attributes", {})}


def read(call: Call) -> tuple[int, Any]:
    """``GET /processes/{processId}``."""
    call.known()
    found = call.store.get(PLATFORM, "process", str(call.path["process_id"]))
    if found is None:
        raise not_found("Process ID does not exist")
    return 200, _shown(call, found)


def read_many(call: Call) -> tuple[int, Any]:
    """``GET /processes``."""
    call.known(query=("limit", "offset", "sort"))
    page = call.store.page(
        PLATFORM,
        "process",
        Filter(archived=None),
        order="id",
        descending=call.descending(),
        limit=call.number("limit", 10, 50),
        offset=call.number("offset", 0),
    )
    count = call.store.count(PLATFORM, "process", Filter(archived=None))
    return 200, {"processes": [_shown(call, one) for one in page], "count": count}


def _shown(call: Call, process: Document) -> dict[str, Any]:
    queued = call.context.now_ms() < process.created_at + _took(call.store) / 3
    status = "completed" if process.archived else "queued" if queued else "in_process"
    return {"id": process.body["id"], "status": status, "name": process.body["name"]}
