"""Random graphs of records and identifiers, and a plain union-find that says which records are one person."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from include.identity.rules import identity_rules

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
