"""What another rules file would do: who would join or part, and which audiences would move. Nothing stays.

The project's own build runs twice in one transaction that is rolled back: with today's rules over whatever waits, so
that only the rules differ, and then with the others. Segments are built by their own builder, in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.destinations.registry import DESTINATIONS
from include.errors import FatalError
from include.identity.build import build_persons
from include.identity.explain import Show
from include.identity.rules import IdentityRules
from include.ledger.audiences import Declared, from_files
from include.segments.build import BUILD_LOCK, build_segment
from include.segments.cage import TIMEOUT_SECONDS, cause_of
from include.segments.definition import Segment, load_definitions

EXAMPLES = 10
LOCK_SECONDS = 60  # how long a build that is under way is waited for


@dataclass(frozen=True)
class Example:
    """A person that would join others, or part.

    :param persons: how many become this one, or how many this one becomes; ``of_persons`` are the first five.
    :param links: what does it: ``type value (reason)``, the reason why it does not hold today, or would not then.
    """

    person_id: UUID
    persons: int
    records: int
    of_persons: tuple[UUID, ...]
    links: tuple[str, ...]


@dataclass(frozen=True)
class WhatIf:
    """What would change.

    :param counts: persons before and after, that join, that part, and records that move.
    :param sizes: one row a size of person: ``up_to`` so many records, persons and records before and after.
    :param audiences: one row each: ``before``, ``after``, ``added``, ``removed``, ``removed_by_merge``; or None.
    :param not_built: segments that could not be built, with the cause; their audiences are left out.
    :param waiting: changed vendor records that wait for tonight's build; both sides count them in.
    """

    counts: Mapping[str, int]
    sizes: tuple[Mapping[str, int], ...]
    joins: tuple[Example, ...]
    parts: tuple[Example, ...]
    audiences: tuple[Mapping[str, Any], ...] | None
    not_built: Mapping[str, str]
    waiting: int


@dataclass(frozen=True)
class _Audiences:
    """The audiences whose moves are asked for, and the segments they need, in build order."""

    declared: Sequence[Declared]
    segments: Mapping[str, Segment]
    as_of: date

    @classmethod
    def from_files(cls, as_of: date) -> "_Audiences":
        definitions, declared = load_definitions(), from_files()
        needed: set[str] = {one.segment for one in declared}
        for name in reversed(definitions):  # whoever is built on comes earlier in build order
            if name in needed:
                needed |= set(definitions[name].depends_on)
        return cls(declared, {name: one for name, one in definitions.items() if name in needed}, as_of)


def what_if(
    conn: psycopg.Connection,
    rules: IdentityRules,
    *,
    as_of: date,
    audiences: bool = True,
    most: int = EXAMPLES,
    show: Show = mask.identifier,
) -> WhatIf:
    """Compare other rules with those of sql/identity/rules.yaml. Writes nothing; no other build runs meanwhile.

    :param as_of: the day traits and segments stand at, on both sides.
    :param audiences: compute segments as well.
    :param most: examples of each kind.
    :raises FatalError: a build is under way and does not end.
    """
    wanted = _Audiences.from_files(as_of) if audiences else None
    try:
        with conn.transaction(force_rollback=True):
            return _compare(conn, rules, wanted, as_of, most, show)
    except psycopg.errors.LockNotAvailable:
        raise FatalError(f"A build has been under way for {LOCK_SECONDS} seconds; ask again when it is done.") from None


def _compare(
    conn: psycopg.Connection, rules: IdentityRules, wanted: _Audiences | None, as_of: date, most: int, show: Show
) -> WhatIf:
    conn.execute("select set_config('lock_timeout', %s, true)", (f"{LOCK_SECONDS}s",))
    now = build_persons(conn, as_of=as_of)
    warehouse.run(conn, "whatif/keep_persons")
    warehouse.run(conn, "whatif/keep_dropped")
    warehouse.run(conn, "whatif/analyze")
    not_built: dict[str, str] = {}
    if wanted is not None:
        conn.execute("select pg_advisory_xact_lock(%s)", (BUILD_LOCK,))
        warehouse.run(conn, "whatif/make_audiences")
        not_built |= _fill(conn, wanted, after_rules=False)
    build_persons(conn, as_of=as_of, rules=rules)
    if wanted is not None:
        not_built |= _fill(conn, wanted, after_rules=True)
    warehouse.run(conn, "whatif/keep_moves")
    return WhatIf(
        counts=warehouse.rows(conn, "whatif/counts")[0],
        sizes=tuple(warehouse.rows(conn, "whatif/sizes")),
        joins=_examples(warehouse.rows(conn, "whatif/joins", {"most": most}), show),
        parts=_examples(warehouse.rows(conn, "whatif/parts", {"most": most}), show),
        audiences=_moves(conn, wanted, not_built) if wanted is not None else None,
        not_built=not_built,
        waiting=now["changed"],
    )


def _fill(conn: psycopg.Connection, wanted: _Audiences, *, after_rules: bool) -> dict[str, str]:
    """Build the segments and note who belongs into each audience; what could not be built, with the cause."""
    failed: dict[str, str] = {}
    for name, segment in wanted.segments.items():
        below = [one for one in segment.depends_on if one in failed]
        if below:
            failed[name] = f"builds on {', '.join(below)}"
            continue
        try:
            with conn.transaction():
                build_segment(conn, segment, wanted.as_of, TIMEOUT_SECONDS)
        except psycopg.Error as error:
            if conn.broken:
                raise
            failed[name] = cause_of(error, TIMEOUT_SECONDS)
        except FatalError as error:
            failed[name] = str(error)
    for one in wanted.declared:
        if one.segment not in failed and one.destination in DESTINATIONS:
            warehouse.run(
                conn,
                "whatif/fill_audience",
                {
                    "after_rules": after_rules,
                    "destination": one.destination,
                    "audience": one.key,
                    "segment": one.segment,
                    "purpose": one.purpose,
                    "reachable_by": list(DESTINATIONS[one.destination].identifiers),
                },
            )
    return failed


def _moves(conn: psycopg.Connection, wanted: _Audiences, not_built: Mapping[str, str]) -> tuple[Mapping[str, Any], ...]:
    left_out = {(one.destination, one.key) for one in wanted.declared if one.segment in not_built}
    found = warehouse.rows(conn, "whatif/audiences")
    return tuple(row for row in found if (row["destination"], row["audience"]) not in left_out)


def _examples(rows: Iterable[Mapping[str, Any]], show: Show) -> tuple[Example, ...]:
    """One example a person; its rows are its links."""
    links: dict[UUID, list[str]] = {}
    firsts: dict[UUID, Mapping[str, Any]] = {}
    for row in rows:
        firsts.setdefault(row["person_id"], row)
        told = links.setdefault(row["person_id"], [])
        if row["type"] is not None:
            told.append(f"{row['type']} {show(row['type'], row['value'])} ({row['reason']})")
    return tuple(
        Example(person_id, row["persons"], row["records"], tuple(row["of_persons"]), tuple(links[person_id]))
        for person_id, row in firsts.items()
    )
