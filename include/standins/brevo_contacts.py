"""Brevo: contacts, their attributes, and who is on which list.

A contact that is on the blacklist stays there, whichever list it is put on: only ``emailBlacklisted: false`` takes it
off. Whoever is put on a list is on it, though they had unsubscribed from just this list: the platform does not ask.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.standins.brevo_core import (
    PLATFORM,
    BrevoError,
    Call,
    invalid,
    is_address,
    missing,
    next_number,
    not_found,
    shown_time,
)
from include.standins.kit import EVERYTHING, Document, Filter, Store
from include.standins.store import FAR_FUTURE

MOST_ON_A_LIST_CALL = 150
NONE_ADDED = "Contact already in list and/or does not exist"
NONE_REMOVED = "Contact already removed from list and/or does not exist"
CONTACT_FIELDS = frozenset(
    {"ext_id", "attributes", "emailBlacklisted", "smsBlacklisted", "listIds", "unlinkListIds", "smtpBlacklistSender"}
)
_PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "text": str,
    "date": str,
    "float": (int, float),
    "boolean": bool,
}


def members_kind(list_id: int | str) -> str:
    """The kind of document that says who is on a list; its ids are contacts' ids."""
    return f"members:{list_id}"


def find(store: Store, address: str) -> Document | None:
    """The contact with this e-mail address."""
    entry = store.get(PLATFORM, "address", address.strip().lower())
    return None if entry is None else store.get(PLATFORM, "contact", str(entry.body["contact"]))


def find_many(store: Store, addresses: Iterable[str]) -> dict[str, Document]:
    """The contacts with these e-mail addresses, by address in lower case."""
    entries = store.get_many(PLATFORM, "address", (one.strip().lower() for one in addresses))
    found = store.get_many(PLATFORM, "contact", (str(one.body["contact"]) for one in entries.values()))
    return {address: found[str(entry.body["contact"])] for address, entry in entries.items()}


def blank(number: int, address: str, now: int) -> Document:
    """A new contact without attributes, not yet written."""
    body = {
        "id": number,
        "email": address.strip().lower(),
        "emailBlacklisted": False,
        "smsBlacklisted": False,
        "attributes": {},
        "listIds": [],
        "_left": [],
    }
    return Document(str(number), body, now, now)


def make(store: Store, address: str, now: int) -> Document:
    """A new contact without attributes."""
    contact = blank(next_number(store, "contact"), address, now)
    keep_many(store, [contact], [contact], [], now)
    return contact


def keep_many(
    store: Store, changed: Iterable[Document], new: Iterable[Document], lists: Iterable[int], now: int
) -> None:
    """Write contacts whose bodies were changed, all of them on these lists, and the addresses of the new ones."""
    written = {one.id: Document(one.id, one.body, one.created_at, now) for one in changed}
    store.put_many(PLATFORM, "contact", written.values())
    store.put_many(
        PLATFORM, "address", (Document(one.body["email"], {"contact": one.body["id"]}, now, now) for one in new)
    )
    for number in lists:
        store.put_many(PLATFORM, members_kind(number), (Document(id, {}, now, now) for id in written))


def join(body: dict[str, Any], lists: Iterable[int]) -> list[int]:
    """Put a contact's body on lists; on which it was not before."""
    new = [one for one in lists if one not in body["listIds"]]
    body["listIds"].extend(new)
    body["_left"] = [left for left in body["_left"] if left not in new]
    return new


def keep(store: Store, contact: Document, now: int) -> None:
    """Write a contact whose body was changed."""
    store.put(PLATFORM, "contact", contact.id, contact.body, changed_at=now, created_at=contact.created_at)


def put_on(store: Store, contact: Document, lists: Iterable[int], now: int) -> bool:
    """Put on lists; whether anything changed."""
    new = join(contact.body, lists)
    if new:
        keep_many(store, [contact], [], new, now)
    return bool(new)


def take_off(store: Store, contact: Document, lists: Iterable[int], now: int) -> bool:
    """Take off lists; whether anything changed."""
    gone = [one for one in lists if one in contact.body["listIds"]]
    for one in gone:
        contact.body["listIds"].remove(one)
        store.delete(PLATFORM, members_kind(one), contact.id)
    if gone:
        keep(store, contact, now)
    return bool(gone)


def attribute_types(store: Store) -> dict[str, str]:
    """The type of each attribute of the account."""
    every = store.page(PLATFORM, "attribute", EVERYTHING, limit=-1)
    return {one.id: one.body.get("type", "text") for one in every}


def set_attributes(
    types: Mapping[str, str], body: dict[str, Any], values: Mapping[str, Any], *, clear: bool = False
) -> None:
    """Take over the attributes that exist and whose values are of their type; the others are passed over in silence.

    :param clear: an empty value erases.
    """
    for name, value in values.items():
        if name.upper() not in types:
            continue
        if value in ("", None):
            if clear:
                body["attributes"].pop(name.upper(), None)
        elif isinstance(value, _PYTHON_TYPES.get(types[name.upper()], str)):
            body["attributes"][name.upper()] = value


def shown(contact: Document) -> dict[str, Any]:
    """A contact as lists of contacts show it."""
    body = {name: value for name, value in contact.body.items() if not name.startswith("_")}
    left = {"listUnsubscribed": contact.body["_left"]} if contact.body["_left"] else {}
    return {**body, **left, "createdAt": shown_time(contact.created_at), "modifiedAt": shown_time(contact.changed_at)}


def create(call: Call) -> tuple[int, Any]:
    """``POST /contacts``."""
    call.known(body=(CONTACT_FIELDS - {"unlinkListIds"}) | {"email", "updateEnabled"})
    address = call.body.get("email")
    if address is None:
        raise missing("email is missing")  # by ext_id or SMS alone: the stand-in does not
    if not is_address(address):
        raise invalid("Invalid email address")
    now, contact = call.context.now_ms(), find(call.store, address)
    if contact is None:
        contact = make(call.store, address, now)
        _change(call, contact)
        return 201, {"id": contact.body["id"]}
    if not call.body.get("updateEnabled", False):
        raise BrevoError(400, "duplicate_parameter", "Contact already exist")
    _change(call, contact)
    return 204, None


def update(call: Call) -> tuple[int, Any]:
    """``PUT /contacts/{identifier}``."""
    call.known(body=CONTACT_FIELDS, query=("identifierType",))
    _change(call, _named(call))
    return 204, None


def _change(call: Call, contact: Document) -> None:
    now = call.context.now_ms()
    lists, off = _lists(call, "listIds"), _lists(call, "unlinkListIds")
    set_attributes(attribute_types(call.store), contact.body, call.body.get("attributes", {}), clear=True)
    for name in ("emailBlacklisted", "smsBlacklisted"):
        if name in call.body:
            contact.body[name] = bool(call.body[name])
    keep(call.store, contact, now)
    put_on(call.store, contact, lists, now)
    take_off(call.store, contact, off, now)


def _lists(call: Call, name: str) -> list[int]:
    lists = call.body.get(name, [])
    if not isinstance(lists, list) or any(call.store.get(PLATFORM, "list", str(one)) is None for one in lists):
        raise invalid("List ID does not exist")
    return lists


def read(call: Call) -> tuple[int, Any]:
    """``GET /contacts/{identifier}``."""
    call.known(query=("identifierType", "startDate", "endDate"))
    return 200, {**shown(_named(call)), "statistics": {}}


def delete(call: Call) -> tuple[int, Any]:
    """``DELETE /contacts/{identifier}``: gone for good, from all lists too."""
    call.known(query=("identifierType",))
    contact = _named(call)
    take_off(call.store, contact, list(contact.body["listIds"]), call.context.now_ms())
    call.store.delete(PLATFORM, "address", contact.body["email"])
    call.store.delete(PLATFORM, "contact", contact.id)
    return 204, None


def _named(call: Call) -> Document:
    name = call.path["identifier"]
    if name.isdigit():
        contact = call.store.get(PLATFORM, "contact", name)
    elif is_address(name):
        contact = find(call.store, name)
    else:
        raise invalid("Invalid email/id/ext_id provided")
    if contact is None:
        raise not_found("Contact does not exist")
    return contact


def read_many(call: Call) -> tuple[int, Any]:
    """``GET /contacts``: the newest first, unless asked otherwise."""
    call.known(query=("limit", "offset", "modifiedSince", "createdSince", "sort"))
    limit, offset = call.number("limit", 50, 1000), call.number("offset", 0)
    modified = call.since("modifiedSince")
    matching = Filter(archived=None, since=-FAR_FUTURE if modified is None else modified + 1)  # after it
    created = call.since("createdSince")
    if created is not None:
        every = call.store.page(PLATFORM, "contact", matching, order="id", descending=call.descending(), limit=-1)
        found = [one for one in every if one.created_at >= created]
        return 200, {"contacts": [shown(one) for one in found[offset : offset + limit]], "count": len(found)}
    page = call.store.page(
        PLATFORM, "contact", matching, order="id", descending=call.descending(), limit=limit, offset=offset
    )
    return 200, {"contacts": [shown(one) for one in page], "count": call.store.count(PLATFORM, "contact", matching)}


def read_list_members(call: Call) -> tuple[int, Any]:
    """``GET /contacts/lists/{listId}/contacts``, likewise."""
    call.known(query=("limit", "offset", "modifiedSince", "sort"))
    kind, since = members_kind(the_list(call).id), call.since("modifiedSince")
    limit, offset = call.number("limit", 50, 500), call.number("offset", 0)
    count = call.store.count_listed(PLATFORM, "contact", kind)
    if since is not None:
        every = [one for one in call.store.listed(PLATFORM, "contact", kind) if one.changed_at >= since]
        every = every[::-1] if call.descending() else every
        return 200, {"contacts": [shown(one) for one in every[offset : offset + limit]], "count": len(every)}
    if not call.descending():
        page = call.store.listed(PLATFORM, "contact", kind, limit=limit, offset=offset)
    else:
        size = max(0, min(limit, count - offset))
        first = max(0, count - offset - size)
        page = call.store.listed(PLATFORM, "contact", kind, limit=size, offset=first)[::-1]
    return 200, {"contacts": [shown(one) for one in page], "count": count}


def the_list(call: Call) -> Document:
    """The list of the path.

    :raises BrevoError: 404, there is none.
    """
    found = call.store.get(PLATFORM, "list", str(call.path["list_id"]))
    if found is None:
        raise not_found("List ID does not exist")
    return found


def add_to_list(call: Call) -> tuple[int, Any]:
    """``POST /contacts/lists/{listId}/contacts/add``: only contacts that exist and are not on it count as success."""
    return _on_list(call, put_on, NONE_ADDED)


def remove_from_list(call: Call) -> tuple[int, Any]:
    """``POST /contacts/lists/{listId}/contacts/remove``."""
    return _on_list(call, take_off, NONE_REMOVED)


def _on_list(call: Call, change: Any, none_text: str) -> tuple[int, Any]:
    call.known(body=("emails", "ids", "extIds", "all"))
    number = int(the_list(call).id)
    if call.body.get("all"):
        raise BrevoError(403, "permission_denied", "The stand-in empties no list")
    if len(call.body) != 1 or "extIds" in call.body:
        raise missing("Exactly one of emails and ids is needed")
    [(kind, named)] = call.body.items()
    if (
        not isinstance(named, list)
        or not named
        or not all(isinstance(one, str if kind == "emails" else int) for one in named)
    ):
        raise invalid(f"{kind} should be a list that is not empty")
    if len(named) > MOST_ON_A_LIST_CALL:
        raise BrevoError(400, "out_of_range", f"{kind} can have at most {MOST_ON_A_LIST_CALL} values")
    if kind == "emails" and any(not is_address(one) for one in named):
        raise invalid("Invalid email format")
    contacts = _contacts(call.store, kind, named)
    done = [
        one for one in named if one in contacts and change(call.store, contacts[one], [number], call.context.now_ms())
    ]
    if not done:
        raise invalid(none_text)
    return 201, {"contacts": {"success": done, "failure": [one for one in named if one not in done]}}


def _contacts(store: Store, kind: str, named: Sequence[Any]) -> dict[Any, Document]:
    if kind == "ids":
        found = store.get_many(PLATFORM, "contact", map(str, named))
        return {one: found[str(one)] for one in named if str(one) in found}
    entries = store.get_many(PLATFORM, "address", (one.strip().lower() for one in named))
    contacts = store.get_many(PLATFORM, "contact", (str(one.body["contact"]) for one in entries.values()))
    return {
        one: contacts[str(entries[one.strip().lower()].body["contact"])]
        for one in named
        if one.strip().lower() in entries
    }


def on_list(store: Store, list_id: str) -> list[str]:
    """The addresses on a list."""
    return [one.body["email"] for one in store.listed(PLATFORM, "contact", members_kind(list_id))]


def clear_list(store: Store, list_id: str, now: int) -> None:
    """Take everybody off, before the list goes."""
    for contact in store.listed(PLATFORM, "contact", members_kind(list_id)):
        take_off(store, contact, [int(list_id)], now)


def blacklisted_on(store: Store, list_id: str) -> int:
    """How many on a list are on the blacklist."""
    return sum(one.body["emailBlacklisted"] for one in store.listed(PLATFORM, "contact", members_kind(list_id)))


def all_lists(store: Store) -> list[Document]:
    """Every list, in the order they were made."""
    return store.page(PLATFORM, "list", EVERYTHING, order="id", limit=-1)
