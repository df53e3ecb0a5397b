"""Random graphs of records and identifiers, and a plain union-find that says which records are one person."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Literal

from include.identity.rules import IdentifierRule, IdentityRules, Limit, identity_rules

SHARED_ABOVE = identity_rules().shared_above


@dataclass(frozen=True)
class Carrier:
    """One record: when the vendor made it, and its identifiers as (type, value)."""

    key: str
    minute: int
    identifiers: frozenset[tuple[str, str]]


def random_graph(number: int) -> list[Carrier]:
    """Graph ``number``: 1 to 30 records over few to many shared values, in a namespace of its own; some with a hub
    that more records carry than may. Creation times repeat, so that ties are broken by key."""
    rng = Random(number)
    size, kinds = rng.randint(1, 30), rng.randint(1, 4)
    pool = rng.randint(1, 2 * size)
    hub = rng.random() < 0.3
    found = []
    for place in range(size):
        identifiers = {
            (f"id{rng.randrange(kinds)}", f"{number}-{rng.randrange(pool)}") for _ in range(rng.randint(0, 3))
        }
        if hub and rng.random() < 0.9:
            identifiers.add(("id0", f"{number}-hub"))
        found.append(Carrier(f"{number}-{place}", rng.randrange(10), frozenset(identifiers)))
    return found


def shared_values(records: Iterable[Carrier]) -> set[tuple[str, str]]:
    """Values that more nameless records carry than may, or that stand beside more vendor ids of one type than may."""
    records = list(records)
    carriers = Counter(value for record in records for value in record.identifiers)
    return {value for value, count in carriers.items() if count > SHARED_ABOVE}


def union_find(records: Iterable[Carrier]) -> dict[str, str]:
    """Key of the oldest record of each record's person, by the textbook."""
    records = list(records)
    parent = {record.key: record.key for record in records}

    def root(key: str) -> str:
        while parent[key] != key:
            key = parent[key]
        return key

    by_value = defaultdict(list)
    blocked = shared_values(records)
    for record in records:
        for value in record.identifiers - blocked:
            by_value[value].append(record.key)
    for keys in by_value.values():
        for key in keys[1:]:
            parent[root(key)] = root(keys[0])
    groups = defaultdict(list)
    for record in records:
        groups[root(record.key)].append(record)
    oldest = {key: min(group, key=lambda one: (one.minute, one.key)).key for key, group in groups.items()}
    return {record.key: oldest[root(record.key)] for record in records}


# Minutes at which records of a decided graph are made: on both sides of the borders of a week, a month, a year.
MINUTES = (0, 1, 5, 10_079, 10_080, 10_081, 20_160, 43_199, 43_200, 525_599, 525_600, 525_601)
LIMITED = IdentityRules(
    SHARED_ABOVE,
    (),
    (
        IdentifierRule("id0", 1, (Limit(1, "ever"),)),
        IdentifierRule("id1", 2, (Limit(2, "week"), Limit(3, "year"))),
        IdentifierRule("id2", 3, (Limit(3, "ever"), Limit(2, "month"))),
        IdentifierRule("id3", 3),
        IdentifierRule("*", 9, (Limit(2, "year"),)),
    ),
)


@dataclass(frozen=True)
class Decision:
    """A pin (merge, split) or an accepted proposal (link) about two records, named by their keys in byte order."""

    kind: Literal["merge", "split", "link"]
    a: str
    b: str
    weight: float = 0


@dataclass(frozen=True)
class DecidedGraph:
    """Records with what people decided about them, oldest decision first."""

    records: list[Carrier]
    decisions: list[Decision]


def decided_graph(number: int) -> DecidedGraph:
    """Graph ``number``: as :func:`random_graph`, over five types with all kinds of limits, some with pins and links."""
    rng = Random(f"decided {number}")
    size, kinds = rng.randint(1, 24), rng.randint(1, 5)
    pool = rng.randint(1, max(2, size))
    records = [
        Carrier(
            f"{number}-{place}",
            rng.choice(MINUTES),
            frozenset(
                (f"id{rng.randrange(kinds)}", f"{number}-{rng.randrange(pool)}") for _ in range(rng.randint(0, 4))
            ),
        )
        for place in range(size)
    ]
    decisions: dict[tuple[str, str, bool], Decision] = {}
    for _ in range(rng.choice((0, 0, 1, 2, 5)) if size > 1 else 0):
        a, b = sorted(one.key for one in rng.sample(records, 2))
        kind: Literal["merge", "split", "link"] = rng.choice(("merge", "split", "link"))
        decisions.setdefault((a, b, kind == "link"), Decision(kind, a, b, rng.choice((5.0, 8.5))))
    return DecidedGraph(records, list(decisions.values()))
