"""Klaviyo's profiles: found by address, made and changed field by field; consent is never touched here.

Kinds: ``profile`` (id → attributes and, under ``_subscriptions``, what the person agreed to), ``address`` (lower-cased
e-mail → the profile's id), ``list``, ``joined:<list id>`` (profile id → when it was put on the list), those of jobs.
Importing a profile changes neither its consent nor its suppressions: only the subscription and suppression jobs of the
platform do, and these this stand-in does not serve at all.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from include.standins.kit import Document, Store
from include.standins.klaviyo_core import PLATFORM, Call, chosen, stamp

TEXT_FIELDS = (
    "email",
    "phone_number",
    "external_id",
    "first_name",
    "last_name",
    "organization",
    "locale",
    "title",
    "image",
)
PLACE_FIELDS = (
    "address1",
    "address2",
    "city",
    "country",
    "latitude",
    "longitude",
    "region",
    "zip",
    "timezone",
    "ip",
)
COORDINATES = ("latitude", "longitude")  # are not shown when they are not known
TAKEN = frozenset({*TEXT_FIELDS, "_kx", "location", "properties"})
SHOWN = frozenset(
    {
        *TEXT_FIELDS,
        *(f"location.{name}" for name in PLACE_FIELDS),
        "id",
        "created",
        "updated",
        "joined_group_at",
        "last_event_date",
        "location",
        "properties",
        "subscriptions",
        "subscriptions.email",
        "subscriptions.email.marketing",
        "subscriptions.email.marketing.suppression",
        "subscriptions.email.marketing.list_suppressions",
        "predictive_analytics",
    }
)
_ADDRESS = re.compile(r"(?!.*\.\.)[^\s@,;<>\"]{1,64}@[^\s@,;<>\"]+\.[^\s@,;<>\".]{2,}")
_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
LONGEST_NAME = 255
NO_MAIL_THERE = (".invalid",)  # well-formed, and found out only when the import gets to it


def looks_like_address(text: Any) -> bool:
    return isinstance(text, str) and len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def faults(attributes: Any) -> Iterator[tuple[str, str]]:
    """What the platform finds wrong with a profile as soon as it is sent: path below the attributes, and why."""
    if not isinstance(attributes, dict):
        yield "", "attributes must be an object."
        return
    yield from (("/" + name, f"'{name}' is not a valid field.") for name in attributes if name not in TAKEN)
    if not any(attributes.get(name) for name in ("email", "phone_number", "external_id")):
        yield "", "One of email, phone_number or external_id is required."
    if attributes.get("email") is not None and not looks_like_address(attributes["email"]):
        yield "/email", "Invalid email address."
    if attributes.get("phone_number") is not None and not _PHONE.fullmatch(str(attributes["phone_number"])):
        yield "/phone_number", "Invalid phone number format (Example of a valid format: +12345678901)."
    for name in TEXT_FIELDS:
        if attributes.get(name) is not None and not isinstance(attributes[name], str):
            yield f"/{name}", f"'{name}' must be a string."
    place = attributes.get("location") or {}
    yield from ((f"/location/{name}", f"'{name}' is not a valid field.") for name in place if name not in PLACE_FIELDS)


def late_fault(attributes: Mapping[str, Any]) -> tuple[str, str] | None:
    """What the import finds wrong when it gets to the profile: the attribute, and why."""
    if (attributes.get("email") or "").lower().endswith(NO_MAIL_THERE):
        return "email", "Email address cannot receive mail."
    for name in ("first_name", "last_name"):
        if len(attributes.get(name) or "") > LONGEST_NAME:
            return name, f"'{name}' is too long."
    return None


def by_address(store: Store, addresses: list[str]) -> dict[str, Document]:
    """The profiles that have these addresses, by lower-cased address."""
    pointers = store.get_many(PLATFORM, "address", [one.lower() for one in addresses])
    found = store.get_many(PLATFORM, "profile", [one.body["profile"] for one in pointers.values()])
    return {address: found[one.body["profile"]] for address, one in pointers.items() if one.body["profile"] in found}


def upsert_many(store: Store, given: Sequence[Mapping[str, Any]], now_ms: int) -> list[str]:
    """Make or change the profiles of these addresses, in order: a null clears, what is absent stays. Their ids."""
    held = by_address(store, [one["email"] for one in given])
    for attributes in given:
        address = attributes["email"].lower()
        old = held.get(address) or Document("01" + secrets.token_hex(12).upper(), {}, now_ms, now_ms)
        changed = {name: value for name, value in attributes.items() if name != "_kx"}
        for name in ("location", "properties"):
            if changed.get(name):
                changed[name] = {**(old.body.get(name) or {}), **changed[name]}
        held[address] = replace(old, body={**old.body, **changed}, changed_at=now_ms)
    written = {attributes["email"].lower(): held[attributes["email"].lower()] for attributes in given}
    store.put_many(PLATFORM, "profile", written.values())
    pointers = (Document(address, {"profile": one.id}, now_ms, now_ms) for address, one in written.items())
    store.put_many(PLATFORM, "address", pointers)
    return [one.id for one in written.values()]


def join(store: Store, list_id: str, ids: Sequence[str], now_ms: int) -> None:
    """Put profiles on a list; who is on it already keeps the time of joining."""
    there = store.get_many(PLATFORM, f"joined:{list_id}", ids)
    store.put_many(PLATFORM, f"joined:{list_id}", (Document(id, {}, now_ms, now_ms) for id in ids if id not in there))


def shown(call: Call, one: Document, joined_ms: int | None = None) -> dict[str, Any]:
    """A profile as the platform tells it: its subscriptions only when asked for."""
    place = one.body.get("location") or {}
    attributes: dict[str, Any] = {
        **{name: one.body.get(name) for name in TEXT_FIELDS},
        "created": stamp(one.created_at),
        "updated": stamp(one.changed_at),
        "last_event_date": None,
        "location": {name: place.get(name) for name in PLACE_FIELDS if name in place or name not in COORDINATES},
        "properties": one.body.get("properties") or {},
    }
    if joined_ms is not None:
        attributes["joined_group_at"] = stamp(joined_ms)
    further = call.query.get("additional-fields[profile]", "").split(",")
    if "predictive_analytics" in further:
        attributes["predictive_analytics"] = {}
    if "subscriptions" in further:
        attributes["subscriptions"] = one.body.get("_subscriptions") or subscriptions("NEVER_SUBSCRIBED")
    return {
        "type": "profile",
        "id": one.id,
        "attributes": chosen(call, "profile", attributes),
        "links": call.links(f"profiles/{one.id}"),
    }


def subscriptions(
    consent: str, *, at: datetime | None = None, suppressed: str | None = None, left: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What a profile's ``_subscriptions`` hold.

    :param consent: SUBSCRIBED, UNSUBSCRIBED or NEVER_SUBSCRIBED. Whoever unsubscribed is suppressed for it, too.
    :param at: when they said so.
    :param suppressed: why nobody may write to the address: UNSUBSCRIBE, HARD_BOUNCE, SPAM_COMPLAINT, USER_SUPPRESSED.
    :param left: by list id, why the person may not be written to for this list.
    """
    told = (at or datetime(2026, 1, 1, tzinfo=UTC)).isoformat(timespec="seconds")
    why = suppressed or ("UNSUBSCRIBE" if consent == "UNSUBSCRIBED" else None)
    marketing = {
        "can_receive_email_marketing": why is None,
        "consent": consent,
        "consent_timestamp": None if consent == "NEVER_SUBSCRIBED" else told,
        "suppression": [{"reason": why, "timestamp": told}] if why else [],
        "list_suppressions": [
            {"list_id": list_id, "reason": reason, "timestamp": told} for list_id, reason in (left or {}).items()
        ],
    }
    return {"email": {"marketing": marketing}}
