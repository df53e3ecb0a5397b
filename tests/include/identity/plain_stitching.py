"""The rules of stitching once more, as plainly as Python says them: sets of records, all links met in one order."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
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
    return _Stitching(list(records), decisions, rules).result()


class _Stitching:
    """Links met in their order: merge pins, values by rank, accepted links by weight."""

    def __init__(self, records: Sequence[Carrier], decisions: Sequence[Decision], rules: IdentityRules) -> None:
        self.rules = rules
        self.by_key = {record.key: record for record in records}
        self.standing = [one for one in decisions if one.a in self.by_key and one.b in self.by_key]
        self.apart = [{one.a, one.b} for one in self.standing if one.kind == "split"]
        self.pinned = {key for one in self.standing if one.kind == "merge" for key in (one.a, one.b)}
        blocked = shared_values(records)
        self.links = [(record, value) for record in records for value in record.identifiers - blocked]
        self.seen: dict[Value, int] = {}
        for record, value in self.links:
            self.seen[value] = min(self.seen.get(value, record.minute), record.minute)
        self.cluster_of = {record.key: Cluster({record.key}) for record in records}
        self.holder: dict[Value, str] = {}

    def result(self) -> Stitched:
        refused = {*self._pins(), *self._values(), *self._accepted()}
        clusters = list({id(one): one for one in self.cluster_of.values()}.values())
        oldest = {key: min(cluster.records, key=self._age) for cluster in clusters for key in cluster.records}
        return Stitched(oldest, refused, clusters)

    def _pins(self) -> Iterator[tuple]:
        for one in self.standing:
            if one.kind == "merge" and not self._join(one.a, one.b, limited=False):
                yield "pin", one.a, one.b

    def _values(self) -> Iterator[tuple]:
        for record, value in sorted(self.links, key=self._rank):
            if not self._give(record.key, value, limited=record.key not in self.pinned):
                yield record.key, value

    def _accepted(self) -> Iterator[tuple]:
        links = [one for one in self.standing if one.kind == "link"]
        for one in sorted(links, key=lambda link: (-link.weight, own_id(link.a), own_id(link.b))):
            if not self._join(one.a, one.b, limited=True):
                yield "link", one.a, one.b

    def _rank(self, link: tuple[Carrier, Value]) -> tuple:
        record, value = link
        priority = self.rules.of_type(value[0]).priority
        return record.key not in self.pinned, priority, record.minute, own_id(record.key), value

    def _age(self, key: str) -> tuple[int, str]:
        return self.by_key[key].minute, key

    def _join(self, a: str, b: str, *, limited: bool) -> bool:
        """Whether two records are one person now."""
        one, two = self.cluster_of[a], self.cluster_of[b]
        if one is two:
            return True
        both = one.records | two.records
        if any(pair <= both for pair in self.apart) or (limited and self._breaks(one.values, two.values)):
            return False
        one.records |= two.records
        one.values |= two.values
        self.cluster_of.update(dict.fromkeys(two.records, one))
        return True

    def _give(self, key: str, value: Value, *, limited: bool) -> bool:
        """Whether the record's person has the value now."""
        if value in self.holder:
            return self._join(key, self.holder[value], limited=limited)
        cluster = self.cluster_of[key]
        if limited and self._breaks(cluster.values, {value}):
            return False
        cluster.values.add(value)
        self.holder[value] = key
        return True

    def _breaks(self, one: set[Value], two: set[Value]) -> bool:
        return breaks(one, two, self.seen, self.rules)
