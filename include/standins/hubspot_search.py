"""HubSpot's search: what a request may ask for, and which records answer it.

Rules: https://developers.hubspot.com/docs/api-reference/search/guide (read 2026-11-21). Archived records never
appear, a change appears when the index has it (setting ``hubspot.index_lag_seconds``), and nothing beyond the
10,000th result can be had.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.standins.hubspot_properties import CrmObject
from include.standins.store import FAR_FUTURE, Document, Filter, Store

PAGE_MAXIMUM, DEFAULT_PAGE, CAP = 200, 10, 10_000
BODY_MAXIMUM = 3_000  # characters
GROUPS, FILTERS_A_GROUP, FILTERS = 5, 6, 18
_ALL_OF_BODY = {"filterGroups", "sorts", "query", "properties", "limit", "after"}
Value = str | float
Found = tuple[list[Document], int]


class BadSearch(ValueError):
    """The platform refuses the request with 400; the text is its message."""


@dataclass(frozen=True)
class Search:
    """A request that was read and found lawful."""

    thing: CrmObject
    groups: tuple[tuple[Mapping[str, Any], ...], ...]
    order: str | None
    descending: bool
    query: str
    properties: tuple[str, ...]
    limit: int
    after: int


def read(thing: CrmObject, body: Mapping[str, Any], raw_length: int) -> Search:
    """Read a request body.

    :raises BadSearch: over a limit, or it names what does not exist.
    """
    _require(raw_length <= BODY_MAXIMUM, f"The request body is larger than {BODY_MAXIMUM} characters")
    _require(isinstance(body, dict) and not set(body) - _ALL_OF_BODY, "Invalid input JSON: unrecognised field")
    groups = tuple(tuple(group.get("filters", ())) for group in body.get("filterGroups", ()))
    _require(len(groups) <= GROUPS, f"A maximum of {GROUPS} filterGroups is supported")
    _require(
        all(len(group) <= FILTERS_A_GROUP for group in groups),
        f"A maximum of {FILTERS_A_GROUP} filters is supported per filterGroup",
    )
    _require(sum(map(len, groups)) <= FILTERS, f"A maximum of {FILTERS} filters is supported")
    for one in (one for group in groups for one in group):
        _check_filter(thing, one)
    limit, after = body.get("limit", DEFAULT_PAGE), str(body.get("after", "0") or "0")
    _require(isinstance(limit, int) and 0 <= limit <= PAGE_MAXIMUM, f"limit must be between 0 and {PAGE_MAXIMUM}")
    _require(after.isdigit(), "after is not a cursor of this search")
    _require(int(after) + limit <= CAP, f"Paging beyond {CAP} results is not supported")
    order, descending = _sort(thing, body.get("sorts") or [])
    return Search(
        thing,
        groups,
        order,
        descending,
        str(body.get("query", "")).lower(),
        tuple(body.get("properties", ())),
        limit,
        int(after),
    )


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise BadSearch(message)


def _sort(thing: CrmObject, sorts: list[Any]) -> tuple[str | None, bool]:
    """The spec types sorts as strings, the guide shows objects: both are taken. Only one rule may be given."""
    _require(len(sorts) <= 1, "Only one sorting rule can be applied to any search")
    if not sorts:
        return None, False
    one = (
        sorts[0]
        if isinstance(sorts[0], dict)
        else {
            "propertyName": str(sorts[0]).lstrip("-"),
            "direction": "DESCENDING" if str(sorts[0])[:1] == "-" else "ASCENDING",
        }
    )
    _require(
        one.get("propertyName") in thing.properties, f"There is no property {one.get('propertyName')!r} to sort by"
    )
    _require(one.get("direction", "ASCENDING") in ("ASCENDING", "DESCENDING"), "direction is ASCENDING or DESCENDING")
    return one["propertyName"], one.get("direction") == "DESCENDING"


def _check_filter(thing: CrmObject, one: Mapping[str, Any]) -> None:
    name, operator = one.get("propertyName"), one.get("operator")
    _require(name in thing.properties, f"There is no property {name!r}")
    _require(operator in _OPERATORS, f"operator {operator!r} does not exist")
    needs = {
        "BETWEEN": ("value", "highValue"),
        "IN": ("values",),
        "NOT_IN": ("values",),
        "HAS_PROPERTY": (),
        "NOT_HAS_PROPERTY": (),
    }.get(str(operator), ("value",))
    _require(all(one.get(part) is not None for part in needs), f"operator {operator} needs {' and '.join(needs)}")
    for part in (part for part in needs if part != "values"):
        comparable(thing, str(name), str(one[part]))


def run(store: Store, search: Search, indexed_before: int) -> Found:
    """The page of records, and how many there are in all.

    :param indexed_before: epoch ms; records changed at or after it are not in the index yet.
    """
    within, rest = _window(search.thing, search.groups, indexed_before)
    if not rest and not search.query and search.order in (None, search.thing.modified):
        page = store.page(
            "hubspot",
            search.thing.kind,
            within,
            order="changed",
            descending=search.descending,
            limit=search.limit,
            offset=search.after,
        )
        return page, store.count("hubspot", search.thing.kind, within)
    groups = rest or ((),)
    matching = [
        one
        for one in store.page("hubspot", search.thing.kind, within, order="changed", limit=-1)
        if any(all(_holds(search.thing, part, one.body["properties"]) for part in group) for group in groups)
        and _mentions(search.thing, one.body["properties"], search.query)
    ]
    if search.order:
        matching.sort(key=lambda one: _sort_key(search.thing, search.order or "", one), reverse=search.descending)
    return matching[search.after : search.after + search.limit], len(matching)


def _window(
    thing: CrmObject, groups: tuple[tuple[Mapping[str, Any], ...], ...], indexed_before: int
) -> tuple[Filter, tuple]:
    """What of a single group is a span of change times, which the store answers from an index; the rest is left
    over."""
    since, before, rest = -FAR_FUTURE, indexed_before, []
    if len(groups) != 1:
        return Filter(before=before), groups
    for one in groups[0]:
        if one["propertyName"] != thing.modified or one["operator"] not in ("GT", "GTE", "LT", "LTE"):
            rest.append(one)
            continue
        at = int(comparable(thing, thing.modified, str(one["value"])))
        match one["operator"]:
            case "GT" | "GTE":
                since = max(since, at + (one["operator"] == "GT"))
            case _:
                before = min(before, at + (one["operator"] == "LTE"))
    return Filter(since=since, before=before), (tuple(rest),) if rest else ()


def comparable(thing: CrmObject, name: str, text: str) -> Value:
    """A value as it is compared: times as epoch ms (given so or in ISO 8601), numbers as such, text without case.

    :raises BadSearch: it cannot be read as the property's type.
    """
    kind = thing.properties[name].type
    try:
        if kind in ("datetime", "date"):
            return float(text) if text.lstrip("-").isdigit() else _epoch_ms(text)
        return float(text) if kind == "number" else text.lower()
    except ValueError as error:
        raise BadSearch(f"The value of {name} is not a {kind}") from error


def _epoch_ms(text: str) -> float:
    at = datetime.fromisoformat(text)
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda mine, value: mine == value,
    "LT": lambda mine, value: mine < value,
    "LTE": lambda mine, value: mine <= value,
    "GT": lambda mine, value: mine > value,
    "GTE": lambda mine, value: mine >= value,
}
_OPERATORS = {
    *_COMPARE,
    "NEQ",
    "BETWEEN",
    "IN",
    "NOT_IN",
    "HAS_PROPERTY",
    "NOT_HAS_PROPERTY",
    "CONTAINS_TOKEN",
    "NOT_CONTAINS_TOKEN",
}


def _holds(thing: CrmObject, one: Mapping[str, Any], properties: Mapping[str, str | None]) -> bool:
    name, operator = one["propertyName"], one["operator"]
    text = properties.get(name)
    if operator.startswith("NOT_") or operator == "NEQ":
        positive = {"NEQ": "EQ"}.get(operator, operator.removeprefix("NOT_"))
        return not _holds(thing, {**one, "operator": positive}, properties)
    if text is None or text == "":
        return False
    if operator == "HAS_PROPERTY":
        return True
    mine = comparable(thing, name, text)
    if operator == "IN":
        return mine in {comparable(thing, name, str(value)) for value in one["values"]}
    if operator == "BETWEEN":
        return comparable(thing, name, one["value"]) <= mine <= comparable(thing, name, one["highValue"])
    if operator == "CONTAINS_TOKEN":
        return str(one["value"]).strip("*").lower() in text.lower()
    return _COMPARE[operator](mine, comparable(thing, name, str(one["value"])))


def _mentions(thing: CrmObject, properties: Mapping[str, str | None], query: str) -> bool:
    return not query or any(query in (properties.get(name) or "").lower() for name in thing.searched)


def _sort_key(thing: CrmObject, name: str, one: Document) -> tuple[bool, Value, int]:
    text = one.body["properties"].get(name)
    return (
        text is None,
        comparable(thing, name, text) if text else "" if thing.properties[name].type == "string" else 0.0,
        int(one.id),
    )
