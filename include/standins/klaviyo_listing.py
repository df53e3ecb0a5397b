"""Klaviyo: ``GET /api/profiles``, by address or id, by change, or by the time somebody was suppressed."""

from collections.abc import Sequence
from typing import Any

from include.standins.kit import EVERYTHING, Document, Filter
from include.standins.klaviyo_core import PLATFORM, Answer, Call, invalid, page
from include.standins.klaviyo_profiles import by_address, shown
from include.standins.klaviyo_reading import Place, behind, between, conditions, holds, links, moment, size, sorted_by
from include.standins.store import FAR_FUTURE

_RANGE = ("greater-than", "less-than")
_EVERY_RANGE = (*_RANGE, "greater-or-equal", "less-or-equal")
_SUPPRESSIONS = {
    f"subscriptions.email.marketing.{name}.timestamp": name for name in ("suppression", "list_suppressions")
}
_ALLOWED = {
    "email": ("any", "equals"),
    "id": ("any", "equals"),
    "created": _RANGE,
    "updated": _RANGE,
    **dict.fromkeys(_SUPPRESSIONS, _EVERY_RANGE),
}
_DEFAULT, _MOST = 20, 100


def profiles(call: Call) -> Answer:
    """A page of profiles."""
    found = conditions(call, _ALLOWED)
    named = [one for one in found if one[0] in ("email", "id")]
    if named:
        if len(found) > 1:
            raise invalid("The stand-in takes an address or id as the only condition.", "parameter=filter")
        rows, told = page(call, _named(call, *named[0]), _DEFAULT, _MOST)
        return Answer(200, {"data": [shown(call, one) for one in rows], "links": told})
    field, descending = sorted_by(call, ("created", "updated", *_SUPPRESSIONS), "created")
    limit = size(call, _DEFAULT, _MOST)
    if field in _SUPPRESSIONS or descending or any(name != field for name, _, _ in found):
        rows = _scanned(call, found, field, descending, limit)
    else:
        rows = _indexed(call, found, field, limit)
    last = rows[limit - 1][0] if len(rows) > limit else None
    return Answer(200, {"data": [shown(call, one) for _, one in rows[:limit]], "links": links(call, last)})


def _named(call: Call, field: str, operator: str, value: Any) -> list[Document]:
    if (operator == "any") != isinstance(value, list):
        raise invalid("The filter's value has the wrong type.", "parameter=filter")
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= _MOST:
        raise invalid(f"A filter takes from 1 to {_MOST} values.", "parameter=filter")
    by_id = call.store.get_many(PLATFORM, "profile", values) if field == "id" else by_address(call.store, values)
    return list({one.id: one for one in by_id.values()}.values())


def _indexed(call: Call, found: Sequence[tuple[str, str, Any]], field: str, limit: int) -> list[tuple[Place, Document]]:
    """One more than asked for, of an account of any size."""
    since, before = between(found, field)
    after = behind(call)
    if field == "updated":
        matching = Filter(
            archived=None,
            since=-FAR_FUTURE if since is None else since,
            before=FAR_FUTURE if before is None else before,
        )
        page = call.store.page(PLATFORM, "profile", matching, order="changed", after=after, limit=limit + 1)
        return [((one.changed_at, one.id), one) for one in page]
    start = after if since is None else max(after or (since, ""), (since, ""))
    page = call.store.page(PLATFORM, "profile", EVERYTHING, order="created", after=start, limit=limit + 1)
    return [((one.created_at, one.id), one) for one in page if before is None or one.created_at < before]


def _scanned(
    call: Call, found: Sequence[tuple[str, str, Any]], field: str, descending: bool, limit: int
) -> list[tuple[Place, Document]]:
    """Everybody is looked at: for questions that few profiles answer."""
    every = call.store.page(PLATFORM, "profile", EVERYTHING, order="created", limit=-1)
    fitting = []
    for one in every:
        if all(holds(_at(one, name, found), operator, value) for name, operator, value in found):
            at = _at(one, field, found)
            if at is not None:
                fitting.append(((at, one.id), one))
    fitting.sort(key=lambda entry: entry[0], reverse=descending)
    after = behind(call)
    if after is not None:
        fitting = [one for one in fitting if (one[0] < after if descending else one[0] > after)]
    return fitting[: limit + 1]


def _at(one: Document, field: str, found: Sequence[tuple[str, str, Any]]) -> int | None:
    """The record's time of that name; of several suppressions the newest."""
    if field not in _SUPPRESSIONS:
        return one.created_at if field == "created" else one.changed_at
    marketing = ((one.body.get("_subscriptions") or {}).get("email") or {}).get("marketing") or {}
    return max((moment(told["timestamp"]) for told in marketing.get(_SUPPRESSIONS[field]) or ()), default=None)
