"""The rules of stitching once more, as plainly as Python says them: sets of records, all links met in one order."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from include.identity.rules import IdentityRules
from tests.include.identity.graphs import Carrier, Decision, shared_values

STREAM = "hubspot.contacts"
SPAN_MINUTES = {"week": 7 * 1440, "month": 30 * 1440, "year": 365 * 1440, "ever": 10**12}
Value = tuple[str, str]


@dataclass
class Cluster:
    """Records that are one person, and the values that joined them."""

    records: set[str]
    values: set[Value] = field(default_factory=set)


@dataclass(frozen=True)
class Stitched:
    """The oldest record of each record's person; links refused, as (record, value) or (kind, record, record)."""

    oldest: dict[str, str]
    refused: set[tuple]
    clusters: list[Cluster]


def own_id(key: str) -> str:
    """What a person made of this record is called; its order breaks ties."""
    found = hashlib.md5(f"{STREAM}\x1f{key}".encode(), usedforsecurity=False).hexdigest()
    return f"{found[:12]}8{found[13:16]}8{found[17:]}"


def breaks(one: set[Value], two: set[Value], seen: dict[Value, int], rules: IdentityRules) -> bool:
    """Whether two clusters have more values of a type between them than one of its limits allows."""
    for kind in {value[0] for value in one} & {value[0] for value in two}:
        times = sorted(seen[value] for value in one | two if value[0] == kind)
        for limit in rules.of_type(kind).limits:
            span = SPAN_MINUTES[limit.per]
            if any(sum(start <= at < start + span for at in times) > limit.count for start in times):
                return True
    return False


def stitched(records: Iterable[Carrier], decisions: Sequence[Decision], rules: IdentityRules) -> Stitched:
    """Who is one person, by the rules of docs/architecture.md."""
    records = list(records)
    blocked = shared_values(records)
    by_key = {record.key: record for record in records}
    standing = [one for one in decisions if one.a in by_key and one.b in by_key]
    apart = [{one.a, one.b} for one in standing if one.kind == "split"]
    pinned = {key for one in standing if one.kind == "merge" for key in (one.a, one.b)}
    seen: dict[Value, int] = {}
    for record in records:
        for value in record.identifiers - blocked:
            seen[value] = min(seen.get(value, record.minute), record.minute)
    cluster_of = {record.key: Cluster({record.key}) for record in records}
    holder: dict[Value, str] = {}
    refused: set[tuple] = set()

    def join(a: str, b: str, limited: bool) -> bool:
        one, two = cluster_of[a], cluster_of[b]
        if one is two:
            return True
        both = one.records | two.records
        if any(pair <= both for pair in apart) or (limited and breaks(one.values, two.values, seen, rules)):
            return False
        one.records |= two.records
        one.values |= two.values
        cluster_of.update(dict.fromkeys(two.records, one))
        return True

    def give(key: str, value: Value, limited: bool) -> bool:
        if value in holder:
            return join(key, holder[value], limited)
        cluster = cluster_of[key]
        if limited and breaks(cluster.values, {value}, seen, rules):
            return False
        cluster.values.add(value)
        holder[value] = key
        return True

    for one in standing:
        if one.kind == "merge" and not join(one.a, one.b, False):
            refused.add(("pin", one.a, one.b))
    met = [(record, value) for record in records for value in record.identifiers - blocked]
    met.sort(
        key=lambda link: (
            link[0].key not in pinned,
            rules.of_type(link[1][0]).priority,
            link[0].minute,
            own_id(link[0].key),
            link[1],
        )
    )
    for record, value in met:
        if not give(record.key, value, record.key not in pinned):
            refused.add((record.key, value))
    links = [one for one in standing if one.kind == "link"]
    for one in sorted(links, key=lambda link: (-link.weight, own_id(link.a), own_id(link.b))):
        if not join(one.a, one.b, True):
            refused.add(("link", one.a, one.b))
    clusters = list({id(one): one for one in cluster_of.values()}.values())
    oldest = {
        key: min(cluster.records, key=lambda each: (by_key[each].minute, each))
        for cluster in clusters
        for key in cluster.records
    }
    return Stitched(oldest, refused, clusters)
