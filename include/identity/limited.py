"""Which links hold where limits or split pins forbid some: links are met one by one, in the order given.

The core of the stitching, without a database. A cluster holds records and identifiers; each link met joins the clusters
of its two ends, unless the joined cluster would have too many values of one type in some span of time, or would hold
two records that a pin parts. Then the link is refused, with the reason. What is met first wins, so the order says
everything; sql/identity/68_limited_links.sql takes it from what the sources say.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from include.identity.rules import IdentityRules, Limit, Per

DAY = 86_400_000_000  # microseconds
SPANS: dict[Per, int | None] = {"ever": None, "year": 365 * DAY, "month": 30 * DAY, "week": 7 * DAY}


@dataclass(frozen=True)
class Link:
    """A decision about two records, both numbered within the islands.

    :param source_id: the pin's or the accepted proposal's number.
    """

    source_id: int
    record: int
    other: int


@dataclass(frozen=True)
class Refused:
    """A link that does not hold; numbers are those of the islands.

    :param place: of an identifier's link, its place in the order; of another, its place among its kind.
    :param limit: the limit that would break, of ``type``; None when a pin forbids the link.
    """

    kind: Literal["identifier", "pin", "link"]
    place: int
    type: str | None = None
    limit: Limit | None = None
    split_pin_id: int | None = None


Reason = tuple[str | None, Limit | None, int | None]


class Clusters:
    """Disjoint sets of records with the values they hold, by type, as sorted times at which each was first seen."""

    def __init__(self, records: int, types: Sequence[str], rules: IdentityRules, splits: Iterable[Link]) -> None:
        self._parent = list(range(records))
        self._types = types
        self._limits = [tuple((one, SPANS[one.per]) for one in rules.of_type(kind).limits) for kind in types]
        self._held: dict[int, dict[int, list[int]]] = {}  # root → type → times; only types with a limit
        self._apart: dict[int, list[Link]] = {}  # root → pins that keep others out
        self._owner: dict[int, int] = {}  # identifier → a record of its cluster
        for pin in splits:
            self._apart.setdefault(pin.record, []).append(pin)
            self._apart.setdefault(pin.other, []).append(pin)

    def root(self, record: int) -> int:
        """The record that stands for the cluster of this one."""
        parent = self._parent
        while parent[record] != record:
            parent[record] = record = parent[parent[record]]
        return record

    def give(self, record: int, identifier: int, kind: int, seen: int, *, limited: bool) -> Reason | None:
        """Meet the link of a record and an identifier; the reason when it is refused."""
        if identifier in self._owner:
            return self.join(record, self._owner[identifier], limited=limited)
        root = self.root(record)
        if self._limits[kind]:
            value = {kind: [seen]}
            held = self._held.setdefault(root, {})
            broken = self._broken(held, value) if limited else None
            if broken:
                return broken
            _merge(held, value)
        self._owner[identifier] = root
        return None

    def join(self, record: int, other: int, *, limited: bool) -> Reason | None:
        """Meet a link of two records' clusters; the reason when it is refused."""
        one, two = self.root(record), self.root(other)
        if one == two:
            return None
        if one in self._apart and two in self._apart:
            pin_id = self._forbidden(one, two)
            if pin_id is not None:
                return None, None, pin_id
        held, more = self._held.get(one), self._held.get(two)
        if held and more and limited:
            broken = self._broken(held, more)
            if broken:
                return broken
        self._unite(one, two)
        return None

    def _forbidden(self, one: int, two: int) -> int | None:
        few, root = (one, two) if len(self._apart[one]) <= len(self._apart[two]) else (two, one)
        found = [pin.source_id for pin in self._apart[few] if root in (self.root(pin.record), self.root(pin.other))]
        return min(found, default=None)

    def _broken(self, held: dict[int, list[int]], more: dict[int, list[int]]) -> Reason | None:
        for kind in sorted(held.keys() & more.keys()):
            count = len(held[kind]) + len(more[kind])
            for limit, span in self._limits[kind]:
                if count > limit.count and (span is None or _crowded(held[kind] + more[kind], limit.count, span)):
                    return self._types[kind], limit, None
        return None

    def _unite(self, one: int, two: int) -> None:
        keep, gone = min(one, two), max(one, two)  # the smallest record stands for its cluster
        self._parent[gone] = keep
        for store, merge in ((self._held, _merge), (self._apart, list.extend)):
            leaving = store.pop(gone, None)
            if leaving and keep in store:
                merge(store[keep], leaving)
            elif leaving:
                store[keep] = leaving


def _merge(held: dict[int, list[int]], more: dict[int, list[int]]) -> None:
    for kind, times in more.items():
        if kind in held:
            held[kind] += times
            held[kind].sort()
        else:
            held[kind] = times


def _crowded(times: list[int], count: int, span: int) -> bool:
    """Whether more than ``count`` of these moments lie within one half-open span."""
    times.sort()
    return any(last - first < span for first, last in zip(times, times[count:], strict=False))


def meet(
    clusters: Clusters,
    pins: Sequence[Link],
    identifiers: Iterable[tuple[int, int, int, int, int]],
    links: Sequence[Link],
) -> list[Refused]:
    """Meet all links, each kind in its order: merge pins, identifiers, accepted proposals.

    :param identifiers: record, identifier, number of its type, when the value was first seen (microseconds), whether a
        merge pin names the record: then no limit holds for the link.
    """
    refused = []
    for place, pin in enumerate(pins):
        reason = clusters.join(pin.record, pin.other, limited=False)
        if reason:
            refused.append(Refused("pin", place, *reason))
    for place, (record, identifier, kind, seen, pinned) in enumerate(identifiers):
        reason = clusters.give(record, identifier, kind, seen, limited=not pinned)
        if reason:
            refused.append(Refused("identifier", place, *reason))
    for place, link in enumerate(links):
        reason = clusters.join(link.record, link.other, limited=True)
        if reason:
            refused.append(Refused("link", place, *reason))
    return refused
