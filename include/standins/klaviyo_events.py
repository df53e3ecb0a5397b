"""Klaviyo's events and metrics. An event names its metric and profile; their attributes come beside it when asked for.

Kinds: ``metric`` (id → name), ``event`` (id → metric, profile and its own properties; made at the time it happened).
"""

from collections.abc import Iterable, Iterator
from typing import Any

from include.standins.kit import EVERYTHING, Document, Filter
from include.standins.klaviyo_core import PLATFORM, Answer, Call, chosen, invalid, page, stamp
from include.standins.klaviyo_profiles import shown
from include.standins.klaviyo_reading import behind, between, conditions, links, size, sorted_by
from include.standins.store import FAR_FUTURE

EVENT_FIELDS = frozenset({"datetime", "event_properties", "id", "timestamp", "uuid"})
METRIC_FIELDS = frozenset({"created", "id", "integration", "name", "updated"})
_RANGE = ("greater-than", "less-than", "greater-or-equal", "less-or-equal")
_ALLOWED = {"datetime": _RANGE, "timestamp": _RANGE, "metric_id": ("equals",), "profile_id": ("equals",)}
_DEFAULT, _MOST = 200, 1000


def events(call: Call) -> Answer:
    """``GET /api/events``: a page, the oldest first unless asked otherwise."""
    found = conditions(call, _ALLOWED)
    field, descending = sorted_by(call, ("datetime", "timestamp"), "-datetime")
    if descending or any(name not in (field, "metric_id", "profile_id") for name, _, _ in found):
        raise invalid("The stand-in reads events oldest first, by one time.", "parameter=sort")
    limit, (since, before) = size(call, _DEFAULT, _MOST), between(found, field)
    matching = Filter(
        archived=None, since=-FAR_FUTURE if since is None else since, before=FAR_FUTURE if before is None else before
    )
    wanted = {name.removesuffix("_id"): value for name, _, value in found if name.endswith("_id")}
    every = call.store.page(
        PLATFORM, "event", matching, order="changed", after=behind(call), limit=-1 if wanted else limit + 1
    )
    rows = [one for one in every if all(one.body[name] == value for name, value in wanted.items())]
    last = (rows[limit - 1].changed_at, rows[limit - 1].id) if len(rows) > limit else None
    answer: dict[str, Any] = {"data": [_event(call, one) for one in rows[:limit]], "links": links(call, last)}
    if "include" in call.query:
        answer["included"] = list(_included(call, rows[:limit]))
    return Answer(200, answer)


def _event(call: Call, one: Document) -> dict[str, Any]:
    attributes = {
        "timestamp": one.changed_at // 1000,
        "event_properties": one.body["properties"],
        "datetime": stamp(one.changed_at),
        "uuid": one.id,
    }
    where = f"events/{one.id}"
    related = {
        name: {
            "data": {"type": name, "id": one.body[name]},
            "links": {"self": call.link(f"{where}/relationships/{name}"), "related": call.link(f"{where}/{name}")},
        }
        for name in ("profile", "metric")
    }
    return {
        "type": "event",
        "id": one.id,
        "attributes": chosen(call, "event", attributes),
        "relationships": related,
        "links": call.links(where),
    }


def _included(call: Call, rows: Iterable[Document]) -> Iterator[dict[str, Any]]:
    """Metrics and profiles of a page, each once; a profile that is gone is left out."""
    asked = call.query["include"].split(",")
    if set(asked) - {"metric", "profile"}:
        raise invalid("The stand-in includes metric and profile.", "parameter=include")
    rows = list(rows)
    for kind in asked:
        ids = dict.fromkeys(one.body[kind] for one in rows)
        found = call.store.get_many(PLATFORM, kind, ids).values()
        yield from (shown(call, one) if kind == "profile" else _metric(call, one) for one in found)


def _metric(call: Call, one: Document) -> dict[str, Any]:
    attributes = {
        "name": one.body["name"],
        "created": stamp(one.created_at),
        "updated": stamp(one.changed_at),
        "integration": one.body.get("integration"),
    }
    return {
        "type": "metric",
        "id": one.id,
        "attributes": chosen(call, "metric", attributes),
        "links": call.links(f"metrics/{one.id}"),
    }


def metrics(call: Call) -> Answer:
    """``GET /api/metrics``."""
    rows, told = page(call, call.store.page(PLATFORM, "metric", EVERYTHING, order="id", limit=-1), 200, 200)
    return Answer(200, {"data": [_metric(call, one) for one in rows], "links": told})
