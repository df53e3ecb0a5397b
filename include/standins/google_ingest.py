"""Google: requests that add members, remove them or tell conversions; checked at once, worked off later.

Fast fail: all records are checked before any is taken, and one bad one refuses the request. What passed is taken under
a request id; consent, age and duplicates are looked at while it is worked off, and ``requestStatus:retrieve`` tells.
A list holds identifiers, each by itself: the platform may find a user by any of them, so only those that a removal
names leave. Settings, for tests: ``google.request_seconds`` (how long work takes), ``google.fail_requests`` (a reason:
all records of coming requests fail), ``google.refused`` (identifier → reason), ``google.unnamed`` (failures are counted
and not named), ``google.terms_signed``, ``google.sensitive_lists`` (names of lists that take no change).
"""

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from include.standins.google_core import PLATFORM, Call, Refused, Violation, invalid, time_ms
from include.standins.kit import EVERYTHING, Document

MOST_MEMBERS = 10_000
MOST_EVENTS = 2_000
MOST_DESTINATIONS = 10
MOST_IDENTIFIERS = 10
MAX_AGE_DAYS = 63  # of a conversion that names its buyer and no click
DAY_MS = 86_400_000
HASH_OF_NOTHING = hashlib.sha256(b"").digest()
IDENTIFIERS = {"emailAddress": "EMAIL", "phoneNumber": "PHONE", "address": "ADDRESS"}
KINDS = ("userData", "pairData", "mobileData", "userIdData", "ppidData", "compositeData", "googleUserIdData",
         "partnerProvidedIdData")  # fmt: skip
REASON = "PROCESSING_ERROR_REASON_"
Problems = Iterator[tuple[str, str, str]]  # field below the record, reason, description


def ingest_members(call: Call) -> dict[str, Any]:
    """``audienceMembers:ingest``."""
    _check_members(call.body)
    if call.body.get("termsOfService", {}).get("customerMatchTermsOfServiceStatus") != "ACCEPTED":
        raise Refused(400, "TERMS_AND_CONDITIONS_NOT_SIGNED", "The Customer Match terms of service must be accepted.")
    return _take(call, "audienceMembers", "ingest")


def remove_members(call: Call) -> dict[str, Any]:
    """``audienceMembers:remove``."""
    _check_members(call.body)
    return _take(call, "audienceMembers", "remove")


def remove_all(call: Call) -> dict[str, Any]:
    """``audienceMembers:removeAll``: who was last added before a moment."""
    now = call.context.now_ms()
    before = time_ms(call.body["removeAsOfTime"]) if "removeAsOfTime" in call.body else now + 1
    if before > now + 1:
        raise invalid("remove_as_of_time", "INVALID_REMOVE_AS_OF_TIME", "The time must not be in the future.")
    lists = _lists(call)
    if call.body.get("validateOnly"):
        return {}
    for one in lists:
        held = call.store.page(PLATFORM, members_of(one), EVERYTHING, limit=-1)
        call.store.delete_many(PLATFORM, members_of(one), (each.id for each in held if each.changed_at < before))
    return {"requestId": _remember(call, "removeAll", lists, 0, 0, {})}


def ingest_events(call: Call) -> dict[str, Any]:
    """``events:ingest``: conversions of one action, told apart by their transaction id."""
    records = call.body.get("events", [])
    _check_count(records, "events", MOST_EVENTS, "TOO_MANY_EVENTS")
    now = call.context.now_ms()
    encoding = _encoding(call.body)
    _check_records("events", records, lambda one: _event_problems(one, encoding, now))
    return _take(call, "events", "events")


def _check_members(body: Mapping[str, Any]) -> None:
    records = body.get("audienceMembers", [])
    _check_count(records, "audience_members", MOST_MEMBERS, "TOO_MANY_AUDIENCE_MEMBERS")
    encoding = _encoding(body)
    _check_records("audience_members", records, lambda one: _member_problems(one, encoding))


def _check_count(records: Sequence[Any], name: str, most: int, reason: str) -> None:
    if not records:
        raise invalid(name, "REQUIRED_FIELD_MISSING", f"{name} must not be empty.")
    if len(records) > most:
        raise invalid(name, reason, f"Maximum number of {name} allowed per request is {most}.")


def _encoding(body: Mapping[str, Any]) -> str:
    if body.get("encryptionInfo"):
        raise invalid("encryption_info", "INVALID_ARGUMENT", "The stand-in takes hashed data that is not encrypted.")
    if body.get("encoding") not in ("HEX", "BASE64"):
        raise invalid("encoding", "REQUIRED_FIELD_MISSING", "Encoding is required for user data.")
    return body["encoding"]


def _check_records(name: str, records: Sequence[Any], problems_of: Any) -> None:
    """
    :raises Refused: 400 with every wrong field of every record, up to a hundred.
    """
    wrong = [
        Violation(f"{name}[{place}].{field}", reason, text)
        for place, one in enumerate(records)
        for field, reason, text in problems_of(one)
    ]
    if wrong:
        raise Refused(400, wrong[0].reason, "There was a problem with the request.", wrong[:100])


def _member_problems(member: Mapping[str, Any], encoding: str) -> Problems:
    kinds = [kind for kind in KINDS if kind in member]
    if len(kinds) != 1:
        yield "data", "INVALID_AUDIENCE_MEMBER", "Exactly one kind of data must be set."
    elif kinds != ["userData"]:
        yield "data", "INVALID_USER_LIST_TYPE", "The user lists of this account take user data."
    else:
        yield from _user_problems(member["userData"], encoding)


def _user_problems(user: Mapping[str, Any], encoding: str) -> Problems:
    identifiers = user.get("userIdentifiers", [])
    path = "user_data.user_identifiers"
    if not identifiers:
        yield path, "REQUIRED_FIELD_MISSING", "At least one user identifier is required."
    if len(identifiers) > MOST_IDENTIFIERS:
        yield path, "TOO_MANY_USER_IDENTIFIERS", f"Maximum number of user identifiers is {MOST_IDENTIFIERS}."
    for place, one in enumerate(identifiers):
        for field, reason, text in _identifier_problems(one, encoding):
            yield f"{path}[{place}].{field}", reason, text


def _identifier_problems(one: Mapping[str, Any], encoding: str) -> Problems:
    if len(one) != 1:
        yield "identifier", "INVALID_ARGUMENT", "Exactly one identifier must be set."
    for name, value in one.items():
        if name == "address":
            yield from _address_problems(value, encoding)
        elif reason := _hash_problem(value, encoding):
            yield "email_address" if name == "emailAddress" else "phone_number", reason, "The hash is malformed."


def _address_problems(address: Mapping[str, Any], encoding: str) -> Problems:
    for name, field in (("givenName", "given_name"), ("familyName", "family_name")):
        if not address.get(name):
            yield f"address.{field}", "REQUIRED_FIELD_MISSING", "Required field is missing."
        elif reason := _hash_problem(address[name], encoding):
            yield f"address.{field}", reason, "The hash is malformed."
    if not re.fullmatch("[A-Z]{2}", address.get("regionCode", "")):
        yield "address.region_code", "INVALID_REGION_CODE", "The region code is not valid."
    if not address.get("postalCode", "").strip():
        yield "address.postal_code", "INVALID_POSTAL_CODE", "Postal code is not valid."


def _hash_problem(value: str, encoding: str) -> str | None:
    try:
        digest = bytes.fromhex(value) if encoding == "HEX" else base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        return f"INVALID_{encoding}_ENCODING"
    return None if len(digest) == 32 and digest != HASH_OF_NOTHING else "INVALID_SHA256_FORMAT"


def _event_problems(event: Mapping[str, Any], encoding: str, now: int) -> Problems:
    if "eventTimestamp" not in event:
        yield "event_timestamp", "REQUIRED_FIELD_MISSING", "Required field is missing."
    elif time_ms(event["eventTimestamp"]) > now + 60_000:
        yield "event_timestamp", "EVENT_TIME_INVALID", "The event lies in the future."
    if event.get("eventSource") in (None, "EVENT_SOURCE_UNSPECIFIED"):
        yield "event_source", "REQUIRED_FIELD_MISSING", "Required field is missing."
    if not event.get("userData") and not event.get("adIdentifiers"):
        yield "user_data", "NO_IDENTIFIERS_PROVIDED", "The event has neither user data nor ad identifiers."
    if event.get("userData"):
        yield from _user_problems(event["userData"], encoding)
    if "conversionValue" in event and not re.fullmatch("[A-Z]{3}", event.get("currency", "")):
        yield "currency", "INVALID_CURRENCY_CODE", "The currency code is not supported."
    if event.get("conversionValue", 0) < 0:
        yield "conversion_value", "INVALID_NUMBER_FORMAT", "The conversion value is negative."


def _take(call: Call, key: str, kind: str) -> dict[str, Any]:
    """Take the records of a checked request; its id, or nothing when it was only validated."""
    targets = _actions(call) if kind == "events" else _lists(call)
    if call.body.get("validateOnly"):
        return {}
    records = call.body[key]
    errors = _errors(call, records, kind, targets[0])
    good = [one for place, one in enumerate(records) if place not in errors]
    for target in targets:
        if kind == "events":
            _write_events(call, target, good)
        else:
            _write_members(call, target, good, kind)
    identifiers = sum(len(one.get("userData", {}).get("userIdentifiers", ())) for one in records)
    return {"requestId": _remember(call, kind, targets, len(records), identifiers, errors)}


def _destinations(call: Call) -> list[Mapping[str, Any]]:
    given = call.body.get("destinations", [])
    if not given:
        raise invalid("destinations", "REQUIRED_FIELD_MISSING", "At least one destination is required.")
    if len(given) > MOST_DESTINATIONS:
        raise invalid("destinations", "TOO_MANY_DESTINATIONS", f"At most {MOST_DESTINATIONS} destinations.")
    references = [one["reference"] for one in given if one.get("reference")]
    if len(set(references)) < len(references):
        raise invalid("destinations", "DUPLICATE_DESTINATION_REFERENCE", "Two destinations have one reference.")
    for place, one in enumerate(given):
        check_account(call, one.get("operatingAccount", {}), f"destinations[{place}].operating_account")
        if "loginAccount" in one:
            check_account(call, one["loginAccount"], f"destinations[{place}].login_account", login=True)
        if not one.get("productDestinationId"):
            raise invalid(f"destinations[{place}]", "REQUIRED_FIELD_MISSING", "product_destination_id is required.")
    return given


def check_account(call: Call, account: Mapping[str, Any], field: str, *, login: bool = False) -> None:
    """
    :raises Refused: the account is incomplete, or these credentials may not use it.
    """
    if account.get("accountType") != "GOOGLE_ADS" or not account.get("accountId"):
        raise invalid(field, "INVALID_DESTINATION", "account_type and account_id are required.")
    own = call.store.get_setting("google.account")
    known = {own["account_id"], own["login_account_id"]} if login else {own["account_id"]}
    if account["accountId"] not in known:
        raise Refused(403, "PERMISSION_DENIED", "The user does not have permission or the resource is not found.")


def _lists(call: Call) -> list[str]:
    ids = [one["productDestinationId"] for one in _destinations(call)]
    for id in ids:
        found = call.store.get(PLATFORM, "list", id)
        if found is None:
            raise invalid("destinations[0].product_destination_id", "INVALID_USER_LIST_ID", "User list is not valid.")
        if "CONTACT_ID" not in found.body["ingestedUserListInfo"]["uploadKeyTypes"]:
            raise invalid("destinations[0]", "INVALID_USER_LIST_TYPE", "The list takes no contacts.")
        if found.body["displayName"] in call.store.get_setting("google.sensitive_lists", []):
            raise Refused(400, "SENSITIVE_USER_LIST_IMMUTABLE", "The user list cannot be mutated.")
    return ids


def _actions(call: Call) -> list[str]:
    ids = [one["productDestinationId"] for one in _destinations(call)]
    if set(ids) - {call.store.get_setting("google.account")["conversion_action_id"]}:
        raise invalid("destinations[0]", "INVALID_CONVERSION_ACTION_ID", "Conversion action ID is not valid.")
    if not call.store.get_setting("google.terms_signed", True):
        raise Refused(400, "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED", "Terms are not signed.")
    return ids


def members_of(list_id: str) -> str:
    """The kind of documents that are a list's identifiers."""
    return f"identifier:{list_id}"


def named(record: Mapping[str, Any], encoding: str) -> list[tuple[str, str]]:
    """The identifiers of a record: key and value, hashes in hex whatever they came in."""
    found = []
    for one in record.get("userData", {}).get("userIdentifiers", ()):
        [(name, value)] = one.items()
        if name == "address":
            names = [_hex(value[part], encoding) for part in ("givenName", "familyName")]
            found.append(("ADDRESS", "|".join([*names, value["regionCode"], value["postalCode"]])))
        else:
            found.append((IDENTIFIERS[name], _hex(value, encoding)))
    return found


def _hex(value: str, encoding: str) -> str:
    return value.lower() if encoding == "HEX" else base64.b64decode(value).hex()


def _write_members(call: Call, list_id: str, records: Sequence[Mapping[str, Any]], kind: str) -> None:
    now = call.context.now_ms()
    every = dict.fromkeys(pair for one in records for pair in named(one, call.body["encoding"]))
    documents = {f"{key}:{value}": {key: value} for key, value in every}
    if kind == "remove":
        call.store.delete_many(PLATFORM, members_of(list_id), documents)
    else:
        call.store.put_many(
            PLATFORM, members_of(list_id), (Document(id, body, now, now) for id, body in documents.items())
        )


def _write_events(call: Call, action_id: str, records: Sequence[Mapping[str, Any]]) -> None:
    now = call.context.now_ms()
    for one in records:
        id = one.get("transactionId") or uuid.uuid4().hex
        held = call.store.get(PLATFORM, f"conversion:{action_id}", id)
        body = {name: one.get(name) for name in ("eventTimestamp", "currency", "conversionValue", "eventSource")}
        people = [list(pair) for pair in named(one, call.body["encoding"])]
        times = held.body["told"] + 1 if held else 1
        call.store.put(
            PLATFORM,
            f"conversion:{action_id}",
            id,
            {**body, "identifiers": people, "told": times, "updated": one.get("lastUpdatedTimestamp")},
            changed_at=now,
        )


def _errors(call: Call, records: Sequence[Mapping[str, Any]], kind: str, target: str) -> dict[int, str]:
    """The reason of each record that fails while it is worked off, by its place."""
    store = call.store
    whole = store.get_setting("google.fail_requests")
    if whole:
        return dict.fromkeys(range(len(records)), whole)
    refused = store.get_setting("google.refused", {})
    found: dict[int, str] = {}
    for place, one in enumerate(records):
        told = next((refused[value] for _, value in named(one, call.body["encoding"]) if value in refused), None)
        reason = told or (None if kind == "remove" else _consent_problem(one.get("consent", call.body.get("consent"))))
        if reason is None and kind == "events":
            reason = _conversion_problem(call, one, target)
        if reason:
            found[place] = reason
    return found


def _consent_problem(consent: Mapping[str, str] | None) -> str | None:
    given = [(consent or {}).get(name) for name in ("adUserData", "adPersonalization")]
    if "CONSENT_DENIED" in given:
        return REASON + "DENIED_CONSENT"
    return None if given == ["CONSENT_GRANTED", "CONSENT_GRANTED"] else REASON + "UNKNOWN_CONSENT"


def _conversion_problem(call: Call, event: Mapping[str, Any], action_id: str) -> str | None:
    at = time_ms(event["eventTimestamp"])
    if at < call.context.now_ms() - MAX_AGE_DAYS * DAY_MS:
        return REASON + "EVENT_TOO_OLD"
    held = call.store.get(PLATFORM, f"conversion:{action_id}", event.get("transactionId", ""))
    same = held is not None and held.body["conversionValue"] == event.get("conversionValue")
    return REASON + "DUPLICATE_TRANSACTION_ID" if same else None


def _remember(
    call: Call, kind: str, targets: Sequence[str], records: int, identifiers: int, errors: Mapping[int, str]
) -> str:
    id = uuid.uuid4().hex
    now = call.context.now_ms()
    body = {
        "kind": kind,
        "destinations": call.body["destinations"][: len(targets)],
        "records": records,
        "identifiers": identifiers,
        "errors": {str(place): reason for place, reason in errors.items()},
        "taken_at": now,
    }
    call.store.put(PLATFORM, "request", id, body, changed_at=now)
    return id
