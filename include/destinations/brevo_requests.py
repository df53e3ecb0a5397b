"""What goes to Brevo, as plain values: the rows of imports."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from include.destinations.base import Member
from include.destinations.brevo_attributes import ATTRIBUTES

MAX_BYTES = 8_000_000  # the vendor's advice; beyond 10 MB an import is refused


def imports(members: Sequence[Member]) -> Iterator[tuple[bool, list[dict[str, Any]]]]:
    """Imports, each with whether its empty values clear. A cell a row leaves out would be an empty one of the table the
    platform makes of the rows, so rows of one clearing import all have the same columns."""
    groups: dict[tuple[bool, tuple[str, ...]], list[dict[str, Any]]] = {}
    for member in members:
        attributes = {name: str(member.fields[one]) for one, name in ATTRIBUTES.items() if member.fields.get(one)}
        cleared = {ATTRIBUTES[one]: "" for one in member.cleared if one in ATTRIBUTES}
        columns = tuple(sorted({**attributes, **cleared})) if cleared else ()
        row = {"email": member.identifiers["email"], "attributes": {**attributes, **cleared}}
        groups.setdefault((bool(cleared), columns), []).append(row)
    for (clears, _), rows in groups.items():
        yield from ((clears, part) for part in _parts(rows))


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    if len(rows) > 1 and len(orjson.dumps(rows)) > MAX_BYTES:
        yield from _parts(rows[: len(rows) // 2])
        yield from _parts(rows[len(rows) // 2 :])
    else:
        yield rows
