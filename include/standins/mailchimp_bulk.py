"""Mailchimp: up to 500 members of a list in one call. A 200 says nothing about a single one of them."""

from collections.abc import Iterator, Mapping
from typing import Any

from include.standins.kit import Document
from include.standins.mailchimp_core import PLATFORM, Answer, Call, Problem, invalid
from include.standins.mailchimp_members import change, kind, write
from include.standins.mailchimp_segments import brief, retag
from include.standins.mailchimp_shapes import member_id

MOST_MEMBERS = 500
QUERY = frozenset({"skip_merge_validation", "skip_duplicate_check"})


def subscribe_many(call: Call) -> Answer:
    """``POST /lists/{list_id}``: adds new members; changes existing ones, **status included**, with update_existing.

    Whoever cannot be taken is in ``errors``, the others are applied. Of an address that comes twice the first is
    applied; the second is an error unless ``skip_duplicate_check``.
    """
    list_id, sent = call.list_id(), call.sent("members")
    members = sent["members"]
    if not isinstance(members, list) or not all(isinstance(one, dict) for one in members):
        raise invalid("members", "Schema describes array of objects, something else found instead")
    if len(members) > MOST_MEMBERS:
        raise invalid("members", f"The maximum of {MOST_MEMBERS} members was exceeded.")
    created, updated, errors = [], [], []
    with call.store.transaction():
        for one, before, problem in _first_of_each(call, list_id, members):
            try:
                if problem is not None:
                    raise problem
                after = _apply(call, list_id, one, before, sent)
            except Problem as refused:
                errors.append(_error(one, refused))
            else:
                (created if before is None else updated).append(after)
    return Answer(
        200,
        {
            "new_members": [brief(one) for one in created],
            "updated_members": [brief(one) for one in updated],
            "errors": errors,
            "total_created": len(created),
            "total_updated": len(updated),
            "error_count": len(errors),
            "_links": [],
        },
    )


def _first_of_each(
    call: Call,
    list_id: str,
    members: list[dict[str, Any]],
) -> Iterator[tuple[dict[str, Any], Document | None, Problem | None]]:
    seen = set()
    for one in members:
        id = member_id(str(one.get("email_address", "")))
        if id in seen:
            if not call.flag("skip_duplicate_check"):
                yield (
                    one,
                    None,
                    Problem(400, "Invalid Resource", "Duplicate address in this request; the first is kept."),
                )
            continue
        seen.add(id)
        yield one, call.store.get(PLATFORM, kind(list_id), id), None


def _apply(
    call: Call, list_id: str, one: Mapping[str, Any], before: Document | None, sent: Mapping[str, Any]
) -> Document:
    if before is not None and not sent.get("update_existing"):
        raise Problem(400, "Member Exists", f"{one['email_address']} is already a list member, do you want to update?")
    after = write(call, list_id, change(call, list_id, before, one, one.get("status")), before)
    if "tags" in one or sent.get("sync_tags"):
        after = retag(call, list_id, after, one.get("tags", []), replace=bool(sent.get("sync_tags")))
    return after


def _error(one: Mapping[str, Any], problem: Problem) -> dict[str, str]:
    field, message = problem.errors[0] if problem.errors else ("", "")
    code = "ERROR_CONTACT_EXISTS" if problem.title == "Member Exists" else "ERROR_GENERIC"
    return {
        "email_address": str(one.get("email_address", "")),
        "error": problem.detail,
        "error_code": code,
        "field": field,
        "field_message": message,
    }
