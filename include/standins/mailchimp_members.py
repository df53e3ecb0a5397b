"""Mailchimp: members of a list, one by one, and the rules of who may be put there.

Source: members endpoints of the Marketing API 3.0. What no specification says is taken at its hardest:
``since_last_changed`` is "after", in whole seconds; a member who left or bounced cannot be subscribed by the API;
an archived member stays archived until a call carries ``status``; who was deleted for good can never come back;
a merge field the list does not have is dropped in silence.
"""

import re
from collections.abc import Mapping
from typing import Any

from include.standins.kit import Document, Filter
from include.standins.mailchimp_core import NOTHING, PAGING, PLATFORM, Answer, Call, Problem, invalid, not_found, shown
from include.standins.mailchimp_shapes import BY_ADMIN, member_body, member_id, stamp

STATUSES = frozenset({"subscribed", "unsubscribed", "cleaned", "pending", "transactional"})
LISTING = PAGING | {
    "status",
    "email_type",
    "since_last_changed",
    "before_last_changed",
    "since_timestamp_opt",
    "before_timestamp_opt",
    "unique_email_id",
    "sort_field",
    "sort_dir",
}
SKIP_MERGE = frozenset({"skip_merge_validation"})
FAKE_DOMAINS = frozenset({"example.com", "example.net", "example.org", "test.com"})
MERGE_TYPES = {"FNAME": "text", "LNAME": "text", "ADDRESS": "address", "PHONE": "phone", "BIRTHDAY": "birthday"}
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@(?:[^\W_](?:[\w-]*[^\W_])?\.)+[^\W\d_][\w-]*[^\W_]")
_PATTERNS = {
    "number": (re.compile(r"-?\d+(\.\d+)?"), "Please enter a number"),
    "birthday": (
        re.compile(r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])|"),
        "Please enter a month (01-12) and a day (01-31)",
    ),
    "date": (re.compile(r"\d{4}-\d\d-\d\d.*|\d\d/\d\d/\d{4}|"), "Please enter the date"),
    "zip": (re.compile(r"\d{5}|"), "Please enter a zip code (5 digits)"),
}
_PLAIN = ("language", "vip", "email_type", "ip_signup", "timestamp_signup", "ip_opt", "timestamp_opt")


def kind(list_id: str) -> str:
    """The kind of a list's members in the store."""
    return f"member:{list_id}"


def find(call: Call, list_id: str) -> Document | None:
    """The member the path means: by hash, by address or by contact id."""
    named = call.path["subscriber_hash"]
    return call.store.get(PLATFORM, kind(list_id), member_id(named) if "@" in named else named.lower())


def check_address(address: Any) -> str:
    """
    :raises Problem: 400, it cannot be an address, or looks like one nobody owns.
    """
    if (
        not isinstance(address, str)
        or not _ADDRESS.fullmatch(address)
        or ".." in address
        or len(address) > 254
        or address.startswith(".")
        or ".@" in address
    ):
        raise Problem(
            400,
            "Invalid Resource",
            "Please provide a valid email address.",
            (("email_address", "Please provide a valid email address."),),
        )
    if address.lower().partition("@")[2] in FAKE_DOMAINS:
        raise Problem(
            400,
            "Invalid Resource",
            f"{address} looks fake or invalid, please enter a real email address.",
            (("email_address", "This looks fake or invalid, please enter a real email address."),),
        )
    return address


def change(
    call: Call, list_id: str, before: Document | None, sent: Mapping[str, Any], status: str | None
) -> dict[str, Any]:
    """The member as it is after this call; nothing is written yet.

    :param status: what the member's status is to become; None keeps it.
    :raises Problem: 400, the platform refuses.
    """
    store, now = call.store, call.context.now_ms()
    address = check_address(sent.get("email_address", before.body["email_address"] if before else None))
    if status is not None and status not in STATUSES:
        raise invalid("status", "Value must be one of " + ", ".join(sorted(STATUSES)))
    if before is None and store.get(PLATFORM, f"forgotten:{list_id}", member_id(address)) is not None:
        detail = (
            f"{address} was permanently deleted and cannot be re-imported. The contact must re-subscribe to get "
            "back on the list."
        )
        raise Problem(400, "Forgotten Email Not Subscribed", detail)
    body = dict(before.body) if before else _new(call, list_id, address, status, now)
    _set_status(body, status, address)
    body |= {name: sent[name] for name in _PLAIN if name in sent}
    body["merge_fields"] = {**body["merge_fields"], **_merge_fields(call, list_id, sent)}
    body["full_name"] = f"{body['merge_fields'].get('FNAME', '')} {body['merge_fields'].get('LNAME', '')}".strip()
    body["location"] = {**body["location"], **sent.get("location", {})}
    wanted = {one["marketing_permission_id"]: one.get("enabled") for one in sent.get("marketing_permissions", [])}
    body["marketing_permissions"] = [
        {**one, "enabled": bool(wanted.get(one["marketing_permission_id"], one["enabled"]))}
        for one in body["marketing_permissions"]
    ]
    return _with_address(body, address) | {"last_changed": stamp(now)}


def write(call: Call, list_id: str, body: dict[str, Any], before: Document | None) -> Document:
    """Store a changed member. One whose address changed leaves the old id."""
    now = call.context.now_ms()
    after = Document(body["id"], body, before.created_at if before else now, now, body["status"] == "archived")
    if before is not None and before.id != after.id:
        if call.store.get(PLATFORM, kind(list_id), after.id) is not None:
            raise exists(body["email_address"])
        call.store.delete(PLATFORM, kind(list_id), before.id)
    call.store.put_many(PLATFORM, kind(list_id), [after])
    return after


def exists(address: str) -> Problem:
    """400: somebody with this address is on the list."""
    return Problem(
        400, "Member Exists", f"{address} is already a list member. Use PUT to insert or update list members."
    )


def listing(call: Call) -> Answer:
    """``GET /lists/{list_id}/members``: archived members only when asked for by status."""
    list_id = call.list_id()
    count, offset = call.page()
    matching = _matching(call)
    sort = call.query.get("sort_field", "timestamp_signup")
    if sort not in ("last_changed", "timestamp_opt", "timestamp_signup"):
        raise invalid("sort_field", "Value must be one of timestamp_opt, timestamp_signup, last_changed")
    page = call.store.page(
        PLATFORM,
        kind(list_id),
        matching,
        order="changed" if sort == "last_changed" else "created",
        descending=call.query.get("sort_dir") == "DESC",
        limit=count,
        offset=offset,
    )
    return Answer(
        200,
        {
            "members": [shown(one) for one in page],
            "list_id": list_id,
            "total_items": call.store.count(PLATFORM, kind(list_id), matching),
            "_links": [],
        },
    )


def _matching(call: Call) -> Filter:
    if "before_timestamp_opt" in call.query or "since_timestamp_opt" in call.query:
        raise invalid("since_timestamp_opt", "The stand-in keeps no index of opt-in times.")
    equal = [
        (f"$.{name}", call.query[name]) for name in ("status", "email_type", "unique_email_id") if name in call.query
    ]
    if len(equal) > 1:
        raise invalid(equal[1][0][2:], "The stand-in filters by one of status, email_type, unique_email_id.")
    if call.query.get("status", "archived") not in STATUSES | {"archived"}:
        raise invalid("status", "Value must be one of " + ", ".join(sorted(STATUSES | {"archived"})))
    since, before = call.moment("since_last_changed"), call.moment("before_last_changed")
    matching = Filter(archived=call.query.get("status") == "archived", where=equal[0] if equal else None)
    if since is not None:
        matching = Filter(since=(since + 1) * 1000, archived=matching.archived, where=matching.where)
    if before is not None:
        matching = Filter(matching.since, before * 1000, matching.archived, matching.where)
    return matching


def read(call: Call) -> Answer:
    """``GET …/members/{subscriber_hash}``, archived ones too."""
    member = find(call, call.list_id())
    if member is None:
        raise not_found()
    return Answer(200, shown(member))


def add(call: Call) -> Answer:
    """``POST /lists/{list_id}/members``."""
    list_id, sent = call.list_id(), call.sent("email_address", "status")
    with call.store.transaction():
        before = call.store.get(PLATFORM, kind(list_id), member_id(check_address(sent["email_address"])))
        if before is not None:
            raise exists(sent["email_address"])
        return Answer(200, shown(write(call, list_id, change(call, list_id, None, sent, sent["status"]), None)))


def put(call: Call) -> Answer:
    """``PUT …/members/{subscriber_hash}``: ``status_if_new`` counts for the new, ``status`` for everybody."""
    list_id, sent = call.list_id(), call.sent("email_address", "status_if_new")
    with call.store.transaction():
        before = find(call, list_id)
        if before is None and member_id(check_address(sent["email_address"])) != _named(call):
            raise invalid("email_address", "The address does not belong to the subscriber hash of the path.")
        status = sent.get("status") or (sent["status_if_new"] if before is None else None)
        return Answer(200, shown(write(call, list_id, change(call, list_id, before, sent, status), before)))


def patch(call: Call) -> Answer:
    """``PATCH …/members/{subscriber_hash}``."""
    list_id, sent = call.list_id(), call.sent()
    with call.store.transaction():
        before = find(call, list_id)
        if before is None:
            raise not_found()
        after = change(call, list_id, before, sent, sent.get("status"))
        return Answer(200, shown(write(call, list_id, after, before)))


def archive(call: Call) -> Answer:
    """``DELETE …/members/{subscriber_hash}``: 405 for those who bounced, wait for confirmation or are archived."""
    list_id = call.list_id()
    with call.store.transaction():
        member = find(call, list_id)
        if member is None:
            raise not_found()
        if member.body["status"] in ("archived", "cleaned", "pending"):
            raise Problem(405, "Method Not Allowed", "This list member cannot be removed. Please contact support.")
        body = {
            **member.body,
            "_left": left(member.body),
            "status": "archived",
            "last_changed": stamp(call.context.now_ms()),
        }
        write(call, list_id, body, member)
    return NOTHING


def forget(call: Call) -> Answer:
    """``POST …/actions/delete-permanent``: gone, and never to be imported again."""
    list_id = call.list_id()
    with call.store.transaction():
        member = find(call, list_id)
        if member is None:
            raise not_found()
        call.store.delete(PLATFORM, kind(list_id), member.id)
        for tag in member.body["tags"]:
            call.store.delete(PLATFORM, f"tagged:{list_id}:{tag['id']}", member.id)
        call.store.put(PLATFORM, f"forgotten:{list_id}", member.id, {}, changed_at=call.context.now_ms())
    return NOTHING


def left(body: Mapping[str, Any]) -> bool:
    """Whether the person unsubscribed themselves and has not come back themselves since."""
    by_person = body["status"] == "unsubscribed" and body.get("unsubscribe_reason") != BY_ADMIN
    return by_person or bool(body.get("_left"))


def _named(call: Call) -> str:
    named = call.path["subscriber_hash"]
    return member_id(named) if "@" in named else named.lower()


def _new(call: Call, list_id: str, address: str, status: str | None, now: int) -> dict[str, Any]:
    if status is None:
        raise invalid("status", "Required fields were not provided: status")
    permissions = call.store.get(PLATFORM, "list", list_id).body.get("_permissions", [])
    return member_body(
        list_id,
        address,
        status=status,
        changed_ms=now,
        unsubscribe_reason=BY_ADMIN,
        permissions=[{**one, "enabled": False} for one in permissions],
    )


def _set_status(body: dict[str, Any], status: str | None, address: str) -> None:
    if status is None or status == body["status"]:
        return
    if status in ("subscribed", "transactional") and (left(body) or body["status"] == "cleaned"):
        detail = (
            f"{address} is in a compliance state due to unsubscribe, bounce, or compliance review and cannot be "
            "subscribed."
        )
        raise Problem(400, "Member In Compliance State", detail)
    body["_left"] = left(body)
    if status == "unsubscribed":
        body["unsubscribe_reason"] = BY_ADMIN
    else:
        body.pop("unsubscribe_reason", None)
    body["status"] = status


def _with_address(body: dict[str, Any], address: str) -> dict[str, Any]:
    id = member_id(address)
    return {**body, "email_address": address, "id": id, "contact_id": id, "unique_email_id": id[:10]}


def _merge_fields(call: Call, list_id: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    values = sent.get("merge_fields") or {}
    if not isinstance(values, dict):
        raise invalid("merge_fields", "Schema describes object, something else found instead")
    fields = call.store.page(PLATFORM, f"merge_field:{list_id}", order="id", limit=-1) if values else []
    types = MERGE_TYPES | {one.body["tag"]: one.body["type"] for one in fields}
    for tag, value in values.items():
        pattern, message = _PATTERNS.get(types.get(tag, "text"), (None, ""))
        if pattern is not None and not pattern.fullmatch(str(value)):
            raise Problem(400, "Invalid Resource", "Your merge fields were invalid.", ((tag, message),))
    return {tag: value for tag, value in values.items() if tag in types}
