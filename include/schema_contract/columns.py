"""Look which columns the records of open batches have: names, kinds of values and counts leave Postgres, values do not.

Each batch is looked at once, in one pass over its records. Which objects to look into is known from the batches before
and from a sample; an object that only now comes to light costs another pass, for that object alone.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.schema_contract import names
from include.schema_contract.terms import Steps, Terms, shown

DEPTH = 8  # steps from the record
WIDEST = 200  # keys of one object; one with more is a map, and its keys are data
PASSES = 8
FILE_PART = ("_mapping",)  # the kind of a dropped file stands in each of its lines


def part_steps(stream: str) -> list[str] | None:
    """Where a record says which part of its stream it belongs to; None: the stream has one."""
    return list(FILE_PART) if stream.startswith("files.") else None


def observe(
    conn: psycopg.Connection,
    stream: str,
    batch_ids: Sequence[int],
    parts: Mapping[str, Terms],
    deleted: Sequence[str] | None,
) -> None:
    """Count the columns of the batches that were not looked at yet, into ``ops.observed_column``.

    :param parts: part of the stream → its terms, which say which objects are not looked into.
    :param deleted: path of the mark of a deletion; a deleted record's columns say nothing.
    """
    batches = [row["batch_id"] for row in warehouse.rows(conn, "contract/unobserved", {"batch_ids": list(batch_ids)})]
    if not batches:
        return
    bound = {
        "stream": stream,
        "batch_ids": batches,
        "part": part_steps(stream),
        "deleted": deleted,
        "widest": WIDEST,
        "depth": DEPTH,
        "data": names.DATA.pattern,
    }
    columns: list[dict[str, Any]] = []
    maps = {tuple(row["steps"]) for row in warehouse.rows(conn, "contract/known_maps", bound)}
    todo, done = {(), *_containers(conn, bound)}, set()
    for _ in range(PASSES):
        todo = {one for one in todo - done if _looked_into(one, maps, parts)}
        if not todo:
            break
        done |= todo
        found = _count(conn, bound, sorted(todo))
        columns += found
        todo = {steps for one in found for steps in _inside(one)}
    warehouse.run(conn, "contract/remember_observed", {"columns": Jsonb(columns), "batch_ids": batches})


def _containers(conn: psycopg.Connection, bound: Mapping[str, Any]) -> Iterable[Steps]:
    for row in warehouse.rows(conn, "contract/sample_containers", bound):
        yield tuple(row["steps"])
    for row in warehouse.rows(conn, "contract/known_containers", bound):
        yield from (
            tuple(row["steps"]) + (("0",) if kind == "array" else ())
            for kind in row["types"]
            if kind in ("object", "array")
        )


def _looked_into(steps: Steps, maps: set[Steps], parts: Mapping[str, Terms]) -> bool:
    """Not too deep, not below a map or a key that is data, and closed for at least one part."""
    if names.is_data(steps) or len(steps) >= DEPTH or any(steps[: len(one)] == one for one in maps):
        return False
    return not parts or any(terms.is_closed(steps) for terms in parts.values())


def _count(conn: psycopg.Connection, bound: Mapping[str, Any], containers: Sequence[Steps]) -> list[dict[str, Any]]:
    listed = [{"no": number, "steps": list(steps)} for number, steps in enumerate(containers)]
    found = warehouse.rows(conn, "contract/observe", {**bound, "containers": Jsonb(listed)})
    return [_column(row, containers[row["no"]]) for row in found]


def _column(row: Mapping[str, Any], container: Steps) -> dict[str, Any]:
    steps = container if row["name"] is None else (*container, row["name"])
    return {
        "batch_id": row["batch_id"],
        "part": row["part"],
        "path": shown(steps),
        "parent": shown(steps[:-1]),
        "steps": list(steps),
        "type": row["type"],
        "rows": row["row_count"],
    }


def _inside(column: Mapping[str, Any]) -> Iterable[Steps]:
    """The object a column's value is, or the first of its list, when it is either."""
    if column["type"] == "object":
        yield tuple(column["steps"])
    elif column["type"] == "array":
        yield (*column["steps"], "0")
