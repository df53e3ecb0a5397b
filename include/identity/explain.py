"""Why two records, persons or values are one person, or why they are not."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.identity import chain
from include.identity.chain import Links, Node
from include.identity.ends import End
from include.identity.ties import WAITS, Tie, as_links, refusal, ties_of

MOST_SHARED = 20  # values that both carry, as shown
MOST_PERSONS = 2_000  # other persons that a chain over dropped links may lead through
ROUNDS = 3  # of such persons, one after the other
Show = Callable[[str, str], str]  # type and value → what people see


@dataclass(frozen=True)
class Step:
    """One link of a chain: a record, and what it carries.

    :param what: a type of identifier, ``merge pin`` or ``match``.
    :param since: when the link was first known here.
    :param why_not: why it joins nobody; None: it joins.
    """

    stream: str
    record: str
    record_first_seen_at: datetime
    what: str
    value: str
    since: datetime | None
    why_not: str | None


@dataclass(frozen=True)
class Explanation:
    """Two ends, whether they are one person, the shortest chain, and why in sentences.

    :param verdict: ``joined``, ``apart``, or ``waiting``: the next build_persons joins them.
    :param persons: today's persons of each end.
    :param steps: the chain, link by link; when apart, one that would join them if no link of it were dropped.
    :param shared: when apart, identifiers that both sides carry: ``type``, ``value``, ``why_not``.
    :param parted_by: split pins in force between the two sides.
    """

    a: str
    b: str
    verdict: Literal["joined", "apart", "waiting"]
    persons: tuple[tuple[UUID, ...], tuple[UUID, ...]]
    because: tuple[str, ...]
    steps: tuple[Step, ...]
    shared: tuple[dict[str, Any], ...]
    parted_by: tuple[Tie, ...]


def plain(_kind: str, value: str) -> str:
    """Show a value as it is."""
    return value


def explain_link(conn: psycopg.Connection, a: End, b: End, *, show: Show = mask.identifier) -> Explanation:
    """The chain of records and identifiers that makes two ends one person, or what keeps them apart.

    Looks at the persons of both ends and their islands; when those share nothing, at persons that carry the same
    dropped values, a few rounds far.

    :param show: how values are shown; masked unless somebody may see them.
    """
    links, ties = _surroundings(conn, a, b)
    walk = chain.shortest(links, _nodes(a), _nodes(b))
    steps = tuple(_steps(conn, walk, ties, show))
    one_person = bool(set(a.persons) & set(b.persons))
    verdict: Literal["joined", "apart", "waiting"] = "joined" if one_person else "apart"
    if not one_person and walk and all(step.why_not in (None, WAITS) for step in steps):
        verdict = "waiting"
    splits = tuple(tie for tie in ties if tie.parts and not tie.undone_at and _between(tie, a, b))
    return Explanation(
        a=_label(a, show),
        b=_label(b, show),
        verdict=verdict,
        persons=(a.persons, b.persons),
        because=(*_because(conn, (a, b), verdict, steps, splits), *_undone(ties, walk, a, b)),
        steps=steps,
        shared=() if one_person else tuple(_shared(conn, a, b, show)),
        parted_by=splits,
    )


def _label(end: End, show: Show) -> str:
    return end.label if show is not plain else end.value


def _nodes(end: End) -> list[Node]:
    if end.identifier_id is not None:
        return [Node(False, end.identifier_id)]
    return [Node(True, record) for record in end.records]


def _surroundings(conn: psycopg.Connection, a: End, b: End) -> tuple[Links, list[Tie]]:
    """Links and ties around both ends, as far out as it takes to find a chain."""
    persons = list({*a.persons, *b.persons, *a.carriers, *b.carriers})
    records = [*a.records, *b.records]
    for _ in range(ROUNDS):
        ties = ties_of(conn, persons, records)
        links = chain.joined(chain.links_of(conn, persons, records), as_links(ties))
        if chain.shortest(links, _nodes(a), _nodes(b)):
            break
        neighbours = warehouse.rows(conn, "explain/neighbours", {"persons": persons, "most": MOST_PERSONS})
        wider = {*persons, *(row["person_id"] for row in neighbours)}
        if len(wider) == len(persons) or len(wider) > MOST_PERSONS:
            break
        persons = list(wider)
    return links, ties


def _steps(conn: psycopg.Connection, walk: Sequence[Node], ties: Sequence[Tie], show: Show) -> list[Step]:
    """The links of a chain with what they are, in its order."""
    pairs = [(one.number, two.number) if one.is_record else (two.number, one.number) for one, two in pairwise(walk)]
    if not pairs:
        return []
    records, values = [record for record, _ in pairs], [value for _, value in pairs]
    named = {row["record_id"]: row for row in warehouse.rows(conn, "explain/records", {"records": records})}
    identifiers = {
        row["identifier_id"]: row for row in warehouse.rows(conn, "explain/identifiers", {"identifiers": values})
    }
    links = {
        (row["record_id"], row["identifier_id"]): row
        for row in warehouse.rows(conn, "explain/links", {"records": records, "identifiers": values})
    }
    by_node = {tie.node: tie for tie in ties}
    return [
        _tied(named[record], by_node[value])
        if value < 0
        else _carried(named[record], identifiers[value], links[record, value], show)
        for record, value in pairs
    ]


def _tied(record: dict[str, Any], tie: Tie) -> Step:
    return Step(**_of(record), what=tie.kind, value=str(tie), since=tie.decided_at, why_not=tie.why_not)


def _carried(record: dict[str, Any], identifier: dict[str, Any], link: dict[str, Any], show: Show) -> Step:
    why_not = refusal(link) or link["dropped_reason"]
    if why_not and identifier["blocked_reason"]:
        why_not = f"{identifier['blocked_reason']} ({identifier['records']:,} records carry it)"
    return Step(
        **_of(record),
        what=identifier["type"],
        value=show(identifier["type"], identifier["value"]),
        since=link["first_seen_at"],
        why_not=why_not,
    )


def _of(record: dict[str, Any]) -> dict[str, Any]:
    return {
        "stream": record["stream"],
        "record": mask.key(record["record_key"]),
        "record_first_seen_at": record["first_seen_at"],
    }


def _between(tie: Tie, a: End, b: End) -> bool:
    ours, theirs = set(a.persons), set(b.persons)
    one, two = tie.persons
    return (one in ours and two in theirs) or (two in ours and one in theirs)


def _shared(conn: psycopg.Connection, a: End, b: End, show: Show) -> list[dict[str, Any]]:
    found = warehouse.rows(
        conn,
        "explain/shared",
        {
            "persons_a": list(a.persons),
            "records_a": list(a.records),
            "persons_b": list(b.persons),
            "records_b": list(b.records),
            "most": MOST_SHARED,
        },
    )
    return [
        {
            "type": row["type"],
            "value": show(row["type"], row["value"]),
            "why_not": row["blocked_reason"] or refusal(row) or row["dropped_reason"],
        }
        for row in found
    ]


def _because(
    conn: psycopg.Connection, ends: tuple[End, End], verdict: str, steps: Sequence[Step], splits: Sequence[Tie]
) -> list[str]:
    """Why, in sentences; the first one is the answer."""
    if verdict == "joined":
        return [_joined(steps), *(f"The {tie} {WAITS}, which will part them." for tie in splits if tie.waits)]
    if verdict == "waiting":
        return ["Not one person yet: every link of this chain is in force, and the next build_persons joins them."]
    return [
        "Not one person.",
        *_withdrawn(conn, ends),
        *(f"The {tie} keeps them apart." for tie in splits),
        *dict.fromkeys(
            f"{step.what} {step.value} does not join them: {step.why_not}." for step in steps if step.why_not
        ),
        *([] if steps else ["No chain of values leads from one to the other, not even over values that join nobody."]),
    ]


def _undone(ties: Sequence[Tie], walk: Sequence[Node], a: End, b: End) -> list[str]:
    """Decisions that were taken back, and still hold until the next build."""
    on_chain = {node.number for node in walk if not node.is_record}
    return [
        f"The {tie} was undone by {tie.undone_by} and {WAITS}, which decides anew."
        for tie in ties
        if tie.undone_at and (_between(tie, a, b) if tie.parts else tie.node in on_chain)
    ]


def _joined(steps: Sequence[Step]) -> str:
    if not steps:
        return "One person: both name the same record or value."
    values = len({(step.what, step.value) for step in steps})
    records = len({(step.stream, step.record) for step in steps})
    return f"One person: {_count(values, 'value')} and {_count(records, 'record')} lead from one to the other."


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _withdrawn(conn: psycopg.Connection, ends: tuple[End, End]) -> list[str]:
    records = [record for end in ends if end.kind == "record" and not end.persons for record in end.records]
    return [
        f"{row['stream']}:{mask.key(row['record_key'])} was deleted by its source and is nobody's since "
        f"{row['withdrawn_at']:%Y-%m-%d}."
        for row in warehouse.rows(conn, "explain/records", {"records": records})
        if row["withdrawn_at"] is not None
    ]
