"""Klaviyo: how its long listings are read. Several conditions at once, an order, and a cursor that names a place.

A cursor says behind which record the next page begins, not how many came before: what changes meanwhile moves nobody
else to another page. It holds for the order it was given for.
"""

import base64
import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from include.standins.klaviyo_core import Call, Refused, filter_value, page_size

_VALUE = r"\[(?:[^\]\"]|\"(?:[^\"\\]|\\.)*\")*\]|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|[^()\",\[\]]+"
_CONDITION = re.compile(rf"\s*(?P<operator>[a-z-]+)\((?P<field>[\w.]+),\s*(?P<value>{_VALUE})\s*\)\s*")
Place = tuple[int, str]  # epoch milliseconds and id


def conditions(call: Call, allowed: Mapping[str, Collection[str]]) -> list[tuple[str, str, Any]]:
    """``(field, operator, value)`` of each condition of ``filter``, all of which must hold.

    :param allowed: operators by field, as the endpoint's documentation lists them.
    """
    text, found, at = call.query.get("filter", ""), [], 0
    while at < len(text):
        condition = _CONDITION.match(text, at)
        if condition is None or condition["operator"] not in allowed.get(condition["field"], ()):
            raise _refused("Invalid filter provided.", "filter")
        found.append((condition["field"], condition["operator"], filter_value(condition["value"].strip())))
        at = condition.end()
        if at < len(text):
            if text[at] != ",":
                raise _refused("Invalid filter provided.", "filter")
            at += 1
    return found


def moment(value: Any) -> int:
    """The time of a condition in epoch milliseconds."""
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        raise _refused("A time must be in ISO 8601 format.", "filter") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def holds(at: int | None, operator: str, value: Any) -> bool:
    """Whether a time meets a condition; one that is not there meets none."""
    if at is None:
        return False
    asked = moment(value)
    return {
        "greater-than": at > asked,
        "greater-or-equal": at >= asked,
        "less-than": at < asked,
        "less-or-equal": at <= asked,
    }[operator]


def between(found: Sequence[tuple[str, str, Any]], field: str) -> tuple[int | None, int | None]:
    """The half-open span of milliseconds that the conditions on one field leave."""
    since, before = None, None
    for name, operator, value in found:
        if name != field:
            continue
        at = moment(value) + (operator in ("greater-than", "less-or-equal"))
        if operator.startswith("greater"):
            since = at if since is None else max(since, at)
        else:
            before = at if before is None else min(before, at)
    return since, before


def sorted_by(call: Call, fields: Collection[str], default: str) -> tuple[str, bool]:
    """The field of ``sort`` and whether it descends."""
    given = call.query.get("sort", default)
    if given.removeprefix("-") not in fields:
        raise _refused("Invalid sort.", "sort")
    return given.removeprefix("-"), given.startswith("-")


def size(call: Call, default: int, most: int) -> int:
    return page_size(call, default, most)


def behind(call: Call) -> Place | None:
    """The place that the cursor names; None on the first page."""
    cursor = call.query.get("page[cursor]")
    if not cursor:
        return None
    try:
        at, id = orjson.loads(base64.urlsafe_b64decode(cursor))
    except ValueError:
        raise _refused("The cursor is invalid.", "page[cursor]") from None
    return at, id


def links(call: Call, last: Place | None) -> dict[str, str]:
    """Links of a page; ``last``: the place of its last record when others follow."""
    if last is None:
        return {"self": call.here}
    cursor = base64.urlsafe_b64encode(orjson.dumps(last)).decode()
    query = urlencode({**call.query, "page[cursor]": cursor})
    return {"self": call.here, "next": f"{call.here.partition('?')[0]}?{query}"}


def _refused(detail: str, parameter: str) -> Refused:
    return Refused(400, ("invalid", "Invalid input.", detail, f"parameter={parameter}"))
