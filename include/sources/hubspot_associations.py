"""What HubSpot's records belong to: the companies of a contact, the companies and contacts of a deal.

Source: https://developers.hubspot.com/docs/api-reference/crm-associations-v4 (read 2026-11-21). A listing tells the
first of them with each record; a search tells none, then they are asked for in batches. Both are landed in the
listing's shape, each id once, the primary company first: ``{"associations": {"companies": {"results": [{"id": "9",
"type": "contact_to_company"}]}}}``, so that a record reads the same whichever way it came.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from include.errors import FatalError
from include.http_client import JsonClient
from include.sources.pages import Row

BATCH = 1_000  # ids in a call, the vendor's maximum
SINGULAR = {"contacts": "contact", "companies": "company", "deals": "deal"}
NONE_FOUND = "NO_ASSOCIATIONS_FOUND"


class _Other(NamedTuple):
    id: str
    primary: bool


def joined(client: JsonClient, name: str, belongs_to: Sequence[str], rows: list[Row]) -> list[Row]:
    """Rows of a search with what they belong to, asked for here."""
    if not belongs_to or not rows:
        return rows
    found = {other: _read(client, name, other, [row.key for row in rows]) for other in belongs_to}
    return [_with(row, name, {other: others.get(row.key, []) for other, others in found.items()}) for row in rows]


def completed(client: JsonClient, name: str, belongs_to: Sequence[str], rows: list[Row]) -> list[Row]:
    """Rows of a listing, each with all it belongs to: one with more than the listing tells is asked about."""
    return [_completed(client, name, belongs_to, row) if b'"associations"' in row.payload else row for row in rows]


def _completed(client: JsonClient, name: str, belongs_to: Sequence[str], row: Row) -> Row:
    told: Mapping[str, Any] = orjson.loads(row.payload).get("associations") or {}
    found: dict[str, list[_Other]] = {}
    for other in belongs_to:
        listed = told.get(other, {})
        if "paging" in listed:
            found[other] = _read(client, name, other, [row.key]).get(row.key, [])
        else:
            primary = _word(name, other) if other == "companies" else None
            found[other] = [_Other(str(one["id"]), one.get("type") == primary) for one in listed.get("results", ())]
    return _with(row, name, found)


def _word(name: str, other: str) -> str:
    return f"{SINGULAR[name]}_to_{SINGULAR[other]}"


def _with(row: Row, name: str, found: Mapping[str, Iterable[_Other]]) -> Row:
    told = {other: {"results": listed} for other in found if (listed := _once(name, other, found[other]))}
    if not told and b'"associations"' not in row.payload:
        return row
    record = orjson.loads(row.payload)
    record.pop("associations", None)
    return Row(row.key, orjson.dumps({**record, **({"associations": told} if told else {})}))


def _once(name: str, other: str, found: Iterable[_Other]) -> list[dict[str, str]]:
    """Each id once (a label makes a second association of the same two): the primary one, then in the order of ids."""
    primary: dict[str, bool] = {}
    for one in found:
        primary[one.id] = primary.get(one.id, False) or one.primary
    ordered = sorted(primary, key=lambda id: (not primary[id], len(id), id))
    any_word = f"{_word(name, other)}_unlabeled" if other == "companies" else _word(name, other)
    return [{"id": id, "type": _word(name, other) if primary[id] else any_word} for id in ordered]


def _read(client: JsonClient, name: str, other: str, keys: Sequence[str]) -> dict[str, list[_Other]]:
    """For each record those of the other object; the rest of one with too many for an answer is asked for again."""
    found: dict[str, list[_Other]] = {}
    left, asked = [{"id": key} for key in keys], set[tuple[str, str]]()
    while left:
        now, left = left[:BATCH], left[BATCH:]
        answer = client.request("POST", f"/crm/v4/associations/{name}/{other}/batch/read", json={"inputs": now})
        _refuse_other_errors(answer)
        for one in answer.get("results", ()):
            key = str(one["from"]["id"])
            found.setdefault(key, []).extend(_Other(str(to["toObjectId"]), _primary(to)) for to in one.get("to", ()))
            left.extend(_rest(key, one, asked))
    return found


def _primary(to: Mapping[str, Any]) -> bool:
    return any(one.get("label") == "Primary" for one in to.get("associationTypes", ()))


def _refuse_other_errors(answer: Mapping[str, Any]) -> None:
    """A 207 names records that belong to nothing; anything else it names would be read as that, and lost."""
    for error in answer.get("errors", ()):
        if not str(error.get("subCategory", "")).endswith(NONE_FOUND):
            raise FatalError(
                "HubSpot: associations could not be read for some records; nothing of the batch is kept.",
                code=str(error.get("category")),
            )


def _rest(key: str, one: Mapping[str, Any], asked: set[tuple[str, str]]) -> Iterator[dict[str, str]]:
    after = ((one.get("paging") or {}).get("next") or {}).get("after")
    if after is None:
        return
    if (key, after) in asked:
        raise FatalError("HubSpot: associations name the same next page twice; paging would never end.")
    asked.add((key, after))
    yield {"id": key, "after": after}
