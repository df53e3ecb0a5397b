"""Which records answer a query, and how they are written: as JSON, and as the CSV of a bulk job."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from include.standins.salesforce_schema import OBJECTS, SObject
from include.standins.salesforce_soql import Comparison, Group, Query
from include.standins.store import Document, Filter, Store

PLATFORM = "salesforce"
ADDRESS_PARTS = ("Street", "City", "State", "PostalCode", "Country")


def run(store: Store, query: Query, *, deleted: bool) -> list[str]:
    """The ids of the records that answer, in order. ``deleted``: also what lies in the recycle bin."""
    within = Filter(archived=None if deleted else False)
    kept = [
        one
        for one in store.page(PLATFORM, query.object.name, within, order="id", limit=-1)
        if query.where is None or _holds(store, query.object, one, query.where)
    ]
    for path, descending in reversed(query.order):
        kept.sort(key=lambda one: _key(at(store, query.object, one, path)), reverse=descending)
    last = None if query.limit is None else query.offset + query.limit
    return [one.id for one in kept[query.offset : last]]


def _key(value: Any) -> tuple[bool, Any]:
    """Nulls come first, text without regard to case."""
    return (value is not None, value.lower() if isinstance(value, str) else value or 0)


def at(store: Store, thing: SObject, one: Document, path: Sequence[str]) -> Any:
    """The value of a field, or of a field of a parent; null where there is no parent."""
    *parents, last = path
    for step in parents:
        field, name = thing.parents[step]
        found = store.get(PLATFORM, name, one.body.get(field) or "")
        if found is None:
            return None
        thing, one = OBJECTS[name], found
    if last in _SYSTEM:
        return _SYSTEM[last](one)
    if thing.fields[last] == "address":
        prefix = last.removesuffix("Address")
        found = {part[0].lower() + part[1:]: one.body.get(prefix + part) for part in ADDRESS_PARTS}
        return found if any(found.values()) else None
    value = one.body.get(last)
    return bool(value) if thing.fields[last] == "boolean" else value if value != "" else None


def stamp(ms: int) -> str:
    """A moment as the REST interface writes it."""
    text = datetime.fromtimestamp(ms // 1000, UTC).replace(tzinfo=None).isoformat()
    return f"{text}.{ms % 1000:03d}+0000"


# A record's changed_at in the store is its SystemModstamp, archived means the recycle bin.
_SYSTEM: Mapping[str, Callable[[Document], Any]] = {
    "Id": lambda one: one.id,
    "IsDeleted": lambda one: one.archived,
    "CreatedDate": lambda one: stamp(one.created_at),
    "SystemModstamp": lambda one: stamp(one.changed_at),
    "LastModifiedDate": lambda one: one.body.get("LastModifiedDate") or stamp(one.changed_at),
}


def _holds(store: Store, thing: SObject, one: Document, condition: Comparison | Group) -> bool:
    if isinstance(condition, Group):
        answers = (_holds(store, thing, one, part) for part in condition.parts)
        return (
            any(answers) if condition.word == "or" else not next(answers) if condition.word == "not" else all(answers)
        )
    mine = at(store, thing, one, condition.path)
    if condition.type == "datetime" and mine is not None:
        mine = datetime.fromisoformat(mine)
    return _compare(_folded(mine), condition.operator, condition.value)


def _folded(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _compare(mine: Any, operator: str, value: Any) -> bool:
    if operator in ("in", "not in"):
        return (mine in {_folded(one) for one in value}) == (operator == "in")
    value = _folded(value)
    if operator in ("=", "!="):
        return (mine == value) == (operator == "=")
    if mine is None or value is None:
        return False
    if operator == "like":
        pattern = re.escape(value).replace("%", ".*").replace("_", ".")
        return re.fullmatch(pattern, mine, re.DOTALL) is not None
    return {"<": mine < value, "<=": mine <= value, ">": mine > value, ">=": mine >= value}[operator]


def shown(store: Store, query: Query, ids: Iterable[str], data: str, *, deleted: bool) -> Iterator[dict[str, Any]]:
    """The records as the REST interface gives them; one that is gone by now is left out.

    :param data: ``/services/data/v66.0``, for their addresses.
    """
    thing = query.object
    for one in store.get_many(PLATFORM, thing.name, ids).values():
        if one.archived and not deleted:
            continue
        made: dict[str, Any] = {"attributes": attributes(thing.name, one.id, data)}
        for path in query.fields:
            _put(made, store, thing, one, path, data)
        for relation, child in query.children.items():
            made[relation] = _children(store, thing, one, relation, child, data, deleted=deleted)
        yield made


def attributes(name: str, id: str, data: str) -> dict[str, str]:
    return {"type": name, "url": f"{data}/sobjects/{name}/{id}"}


def _put(made: dict[str, Any], store: Store, thing: SObject, one: Document, path: tuple[str, ...], data: str) -> None:
    """A field of a parent stands in a record of its own; where there is no parent, null stands there."""
    *parents, last = path
    place = made
    for step in parents:
        field, name = thing.parents[step]
        found = store.get(PLATFORM, name, one.body.get(field) or "")
        if found is None:
            place[step] = None
            return
        thing, one = OBJECTS[name], found
        place = place.setdefault(step, {"attributes": attributes(name, found.id, data)})
    place[last] = at(store, thing, one, [last])


def _children(
    store: Store, thing: SObject, one: Document, relation: str, child: Query, data: str, *, deleted: bool
) -> dict[str, Any] | None:
    _, field = thing.children[relation]
    mine = Comparison((field,), "id", "=", one.id)
    where = mine if child.where is None else Group("and", (mine, child.where))
    limited = Query(child.object, child.fields, child.children, False, where, child.order, child.limit, child.offset)
    records = list(shown(store, limited, run(store, limited, deleted=deleted), data, deleted=deleted))
    return {"totalSize": len(records), "done": True, "records": records} if records else None


def csv_lines(store: Store, query: Query, ids: Sequence[str]) -> Iterator[str]:
    """The lines of a bulk result, the names of the fields first; empty for null, times in Z."""
    yield _line([".".join(path) for path in query.fields])
    for one in store.get_many(PLATFORM, query.object.name, ids).values():
        yield _line([_cell(at(store, query.object, one, path)) for path in query.fields])


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    return f"{text[:-5]}Z" if re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+\+0000", text) else text


def _line(cells: Sequence[str]) -> str:
    made = io.StringIO()
    csv.writer(made, quoting=csv.QUOTE_ALL, lineterminator="\n").writerow(cells)
    return made.getvalue()
