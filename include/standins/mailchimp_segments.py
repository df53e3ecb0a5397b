"""Mailchimp: tags and static segments, which are one thing. A member of a segment is a member with the tag.

Source: segments and member tags endpoints of the Marketing API 3.0. Addresses that are not on the list are ignored
without a word; counts and listings show subscribed members only, unless asked otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from include.standins.kit import EVERYTHING, Document, Store
from include.standins.mailchimp_core import NOTHING, PAGING, PLATFORM, Answer, Call, Problem, invalid, not_found, shown
from include.standins.mailchimp_members import find, kind
from include.standins.mailchimp_shapes import member_id, segment_body, stamp

MOST_MEMBERS = 500
LONGEST_NAME = 100
INCLUDING = frozenset({"include_cleaned", "include_transactional", "include_unsubscribed"})
LISTING = (
    PAGING | INCLUDING | {"type", "since_created_at", "before_created_at", "since_updated_at", "before_updated_at"}
)


def _tagged(list_id: str, segment_id: int | str) -> str:
    return f"tagged:{list_id}:{segment_id}"


def _segments(store: Store, list_id: str) -> list[Document]:
    return store.page(PLATFORM, f"segment:{list_id}", EVERYTHING, order="id", limit=-1)


def _by_name(store: Store, list_id: str, name: str) -> Document | None:
    wanted = name.strip().lower()
    return next((one for one in _segments(store, list_id) if one.body["name"].lower() == wanted), None)


def _make(call: Call, list_id: str, name: str) -> Document:
    if not name.strip() or len(name) > LONGEST_NAME:
        raise invalid("name", f"This value should have 1 to {LONGEST_NAME} characters.")
    number = call.store.get_setting("mailchimp.last_segment", 1_000_000) + 1
    call.store.set_setting("mailchimp.last_segment", number)
    now = call.context.now_ms()
    segment = Document(str(number), segment_body(list_id, number, name.strip(), created_ms=now), now, now)
    call.store.put_many(PLATFORM, f"segment:{list_id}", [segment])
    return segment


def _tag(call: Call, segment: Document, list_id: str, members: Iterable[Document], *, on: bool) -> list[Document]:
    """Give or take the tag; returns those whose tags changed."""
    changed, now, tag = [], call.context.now_ms(), {"id": segment.body["id"], "name": segment.body["name"]}
    for one in members:
        has = any(held["id"] == tag["id"] for held in one.body["tags"])
        if has == on:
            continue
        tags = [*one.body["tags"], tag] if on else [held for held in one.body["tags"] if held["id"] != tag["id"]]
        body = {**one.body, "tags": tags, "tags_count": len(tags), "last_changed": stamp(now)}
        changed.append(Document(one.id, body, one.created_at, now, one.archived))
        if not on:
            call.store.delete(PLATFORM, _tagged(list_id, segment.id), one.id)
    call.store.put_many(PLATFORM, kind(list_id), changed)
    if on:
        call.store.put_many(PLATFORM, _tagged(list_id, segment.id), (Document(one.id, {}, now, now) for one in changed))
    return changed


def retag(call: Call, list_id: str, member: Document, names: Sequence[str], *, replace: bool) -> Document:
    """Give a member these tags, made where they do not exist; with ``replace`` no others."""
    wanted = {name.strip().lower() for name in names}
    for held in member.body["tags"]:
        if replace and held["name"].lower() not in wanted:
            segment = call.store.get(PLATFORM, f"segment:{list_id}", str(held["id"]))
            member = next(iter(_tag(call, segment, list_id, [member], on=False)), member)
    for name in names:
        segment = _by_name(call.store, list_id, name) or _make(call, list_id, name)
        member = next(iter(_tag(call, segment, list_id, [member], on=True)), member)
    return member


def _on_list(call: Call, list_id: str, addresses: Any, name: str) -> list[Document]:
    """The members with these addresses; those that are not on the list, or archived, are passed over."""
    if not isinstance(addresses, list):
        raise invalid(name, "Schema describes array, something else found instead")
    if len(addresses) > MOST_MEMBERS:
        raise invalid(name, f"A maximum of {MOST_MEMBERS} members can be sent.")
    ids = dict.fromkeys(member_id(one) for one in addresses if isinstance(one, str))
    return [one for one in call.store.get_many(PLATFORM, kind(list_id), ids).values() if not one.archived]


def _find(call: Call, list_id: str) -> Document:
    segment = call.store.get(PLATFORM, f"segment:{list_id}", call.path["segment_id"])
    if segment is None:
        raise not_found()
    return segment


def _included(call: Call) -> tuple[str, list[str]]:
    return "$.status", ["subscribed", *(name.removeprefix("include_") for name in INCLUDING if call.flag(name))]


def _everybody(call: Call, list_id: str, segment: Document) -> list[Document]:
    return call.store.listed(PLATFORM, kind(list_id), _tagged(list_id, segment.id))


def _count(call: Call, list_id: str, segment: Document) -> int:
    return call.store.count_listed(PLATFORM, kind(list_id), _tagged(list_id, segment.id), among=_included(call))


def _with_count(call: Call, list_id: str, segment: Document) -> dict[str, Any]:
    return {**segment.body, "member_count": _count(call, list_id, segment), "_links": []}


def listing(call: Call) -> Answer:
    """``GET /lists/{list_id}/segments``: ten a page when not asked otherwise."""
    list_id = call.list_id()
    count, offset = call.page()
    found = [one for one in _segments(call.store, list_id) if _wanted(call, one)]
    page = [_with_count(call, list_id, one) for one in found[offset : offset + count]]
    return Answer(200, {"segments": page, "list_id": list_id, "total_items": len(found), "_links": []})


def _wanted(call: Call, segment: Document) -> bool:
    for name, at in (("created_at", segment.created_at), ("updated_at", segment.changed_at)):
        since, before = call.moment(f"since_{name}"), call.moment(f"before_{name}")
        if (since is not None and at // 1000 <= since) or (before is not None and at // 1000 >= before):
            return False
    return call.query.get("type", "static") == segment.body["type"]


def create(call: Call) -> Answer:
    """``POST /lists/{list_id}/segments``: static ones only."""
    list_id, sent = call.list_id(), call.sent("name")
    if "static_segment" not in sent:
        raise invalid("static_segment", "The stand-in makes static segments only; send static_segment, if empty.")
    with call.store.transaction():
        if _by_name(call.store, list_id, sent["name"]):
            raise Problem(400, "Bad Request", "Sorry, that tag already exists.")
        members = _on_list(call, list_id, sent["static_segment"], "static_segment")
        segment = _make(call, list_id, sent["name"])
        _tag(call, segment, list_id, members, on=True)
        return Answer(200, _with_count(call, list_id, segment))


def read(call: Call) -> Answer:
    """``GET …/segments/{segment_id}``."""
    list_id = call.list_id()
    return Answer(200, _with_count(call, list_id, _find(call, list_id)))


def change(call: Call) -> Answer:
    """``PATCH …/segments/{segment_id}``: rename; ``static_segment`` replaces all members."""
    list_id, sent = call.list_id(), call.sent("name")
    with call.store.transaction():
        before, now = _find(call, list_id), call.context.now_ms()
        members = _everybody(call, list_id, before)
        segment = Document(
            before.id, {**before.body, "name": sent["name"], "updated_at": stamp(now)}, before.created_at, now
        )
        call.store.put_many(PLATFORM, f"segment:{list_id}", [segment])
        if "static_segment" in sent or sent["name"] != before.body["name"]:
            kept = (
                _on_list(call, list_id, sent["static_segment"], "static_segment")
                if "static_segment" in sent
                else members
            )
            _tag(call, before, list_id, members, on=False)
            fresh = call.store.get_many(PLATFORM, kind(list_id), [one.id for one in kept])
            _tag(call, segment, list_id, fresh.values(), on=True)
        return Answer(200, _with_count(call, list_id, segment))


def delete(call: Call) -> Answer:
    """``DELETE …/segments/{segment_id}``: the tag is taken from everybody."""
    list_id = call.list_id()
    with call.store.transaction():
        segment = _find(call, list_id)
        _tag(call, segment, list_id, _everybody(call, list_id, segment), on=False)
        call.store.delete(PLATFORM, f"segment:{list_id}", segment.id)
    return NOTHING


def change_members(call: Call) -> Answer:
    """``POST …/segments/{segment_id}``: at most 500 to add and 500 to remove. Strangers are ignored."""
    list_id, sent = call.list_id(), call.sent()
    with call.store.transaction():
        segment = _find(call, list_id)
        adding = _on_list(call, list_id, sent.get("members_to_add", []), "members_to_add")
        removing = _on_list(call, list_id, sent.get("members_to_remove", []), "members_to_remove")
        added = _tag(call, segment, list_id, adding, on=True)
        removed = _tag(call, segment, list_id, removing, on=False)
    return Answer(
        200,
        {
            "members_added": [brief(one) for one in added],
            "members_removed": [brief(one) for one in removed],
            "errors": [],
            "total_added": len(added),
            "total_removed": len(removed),
            "error_count": 0,
            "_links": [],
        },
    )


def members(call: Call) -> Answer:
    """``GET …/segments/{segment_id}/members``."""
    list_id = call.list_id()
    count, offset = call.page()
    segment = _find(call, list_id)
    page = call.store.listed(
        PLATFORM, kind(list_id), _tagged(list_id, segment.id), among=_included(call), limit=count, offset=offset
    )
    return Answer(
        200, {"members": [_briefer(one) for one in page], "total_items": _count(call, list_id, segment), "_links": []}
    )


def add_member(call: Call) -> Answer:
    """``POST …/segments/{segment_id}/members``: one address, which must be on the list."""
    list_id, sent = call.list_id(), call.sent("email_address")
    with call.store.transaction():
        segment = _find(call, list_id)
        found = _on_list(call, list_id, [sent["email_address"]], "email_address")
        if not found:
            raise Problem(400, "Invalid Resource", "The contact must be on the list to be added to the segment.")
        _tag(call, segment, list_id, found, on=True)
    return Answer(200, _briefer(found[0]))


def remove_member(call: Call) -> Answer:
    """``DELETE …/segments/{segment_id}/members/{subscriber_hash}``."""
    list_id = call.list_id()
    with call.store.transaction():
        segment, member = _find(call, list_id), find(call, list_id)
        if member is None or not _tag(call, segment, list_id, [member], on=False):
            raise not_found()
    return NOTHING


def brief(member: Document) -> dict[str, Any]:
    """A member with the fewer fields that calls on many members show."""
    hidden = (
        "contact_id",
        "full_name",
        "web_id",
        "marketing_permissions",
        "source",
        "unsubscribe_reason",
        "consents_to_one_to_one_messaging",
    )
    body = {name: value for name, value in shown(member).items() if name not in hidden}
    return {**body, "location": {name: value for name, value in body["location"].items() if name != "region"}}


def _briefer(member: Document) -> dict[str, Any]:
    body = {**brief(member), "full_name": member.body["full_name"]}
    return {name: value for name, value in body.items() if name not in ("tags", "tags_count")}


def tags(call: Call) -> Answer:
    """``GET …/members/{subscriber_hash}/tags``."""
    list_id = call.list_id()
    member = find(call, list_id)
    if member is None:
        raise not_found()
    count, offset = call.page()
    held = [{**tag, "date_added": stamp(_tagged_at(call, list_id, tag, member))} for tag in member.body["tags"]]
    return Answer(200, {"tags": held[offset : offset + count], "total_items": len(held), "_links": []})


def _tagged_at(call: Call, list_id: str, tag: Mapping[str, Any], member: Document) -> int:
    entry = call.store.get(PLATFORM, _tagged(list_id, tag["id"]), member.id)
    return entry.changed_at if entry else member.created_at


def set_tags(call: Call) -> Answer:
    """``POST …/members/{subscriber_hash}/tags``: a tag that does not exist is made. 204, whatever was the case."""
    list_id, sent = call.list_id(), call.sent("tags")
    with call.store.transaction():
        member = find(call, list_id)
        if member is None:
            raise not_found()
        for one in sent["tags"]:
            if not isinstance(one, dict) or one.get("status") not in ("active", "inactive") or not one.get("name"):
                raise invalid("tags", "Required fields were not provided: name, status")
            segment = _by_name(call.store, list_id, one["name"])
            if segment is None and one["status"] == "active":
                segment = _make(call, list_id, one["name"])
            if segment is not None:
                member = next(iter(_tag(call, segment, list_id, [member], on=one["status"] == "active")), member)
    return NOTHING


def tag_search(call: Call) -> Answer:
    """``GET /lists/{list_id}/tag-search``: tags whose name begins with ``name``, or all."""
    list_id = call.list_id()
    start = call.query.get("name", "").lower()
    found = [
        {"id": one.body["id"], "name": one.body["name"]}
        for one in _segments(call.store, list_id)
        if one.body["name"].lower().startswith(start)
    ]
    return Answer(200, {"tags": found, "total_items": len(found)})


def audience_members(store: Store) -> dict[str, dict[str, str]]:
    """Of each tag, the lower-cased addresses that have it, with their status; who is archived is on no list."""
    held: dict[str, dict[str, str]] = {}
    for one in store.page(PLATFORM, "list", EVERYTHING, limit=-1):
        for segment in _segments(store, one.id):
            found = store.listed(PLATFORM, kind(one.id), _tagged(one.id, segment.id))
            held.setdefault(segment.body["name"], {}).update(
                {member.body["email_address"].lower(): member.body["status"] for member in found if not member.archived}
            )
    return held
