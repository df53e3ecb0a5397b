"""Persons, golden values and consent from the merchant's truth alone, in plain Python. See `tests.oracle`."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

SHARED_ABOVE = 20
TRUSTED = ("hubspot.contacts", "salesforce.contacts", "shopify.customers", "mailchimp.members")  # from most to least
PEOPLE = (*TRUSTED, "woocommerce.customers")
ORDERS = ("shopify.orders", "files.orders", "woocommerce.orders")
EVENTS = ("shopify.checkouts", "mailchimp.activity", "matomo.visits")

Row = dict[str, Any]
Identifier = tuple[str, str]


@dataclass
class Order:
    """One order of one person; cents are net of nothing: sold and returned apart."""

    at: datetime
    sold: int = 0
    returned: int = 0
    is_purchase: bool = False
    clock: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    id: str = ""  # stream/key

    @property
    def on(self) -> date:
        return self.at.astimezone(UTC).date()

    @property
    def total(self) -> int:
        return self.sold - self.returned


@dataclass
class Person:
    """Everything the records of one person say."""

    records: list[tuple[str, Row]] = field(default_factory=list)
    identifiers: set[Identifier] = field(default_factory=set)
    bundles: list[tuple[str, Row]] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)
    events: list[tuple[str, datetime]] = field(default_factory=list)
    golden: dict[str, Any] = field(default_factory=dict)


class Forest:
    """Union-find."""

    def __init__(self) -> None:
        self._parent: dict[Any, Any] = {}

    def root(self, node: Any) -> Any:
        self._parent.setdefault(node, node)
        while self._parent[node] != node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def join(self, a: Any, b: Any) -> None:
        self._parent[self.root(a)] = self.root(b)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _bundle(row: Row) -> tuple[Identifier, ...]:
    return tuple(sorted(row["ids"].items()))


def _carriers(streams: Mapping[str, list[Row]]) -> Iterable[tuple[tuple[str, str], str | None, tuple[Identifier, ...]]]:
    """Each record that counts for stitching: its node, the name on it, its identifiers."""
    for stream in PEOPLE:
        own = "shopify_customer" if stream == "shopify.customers" else None
        for row in streams[stream]:
            if not row.get("d") and not row.get("q"):
                ids = {**row["ids"], **({own: row["k"]} if own else {})}
                traits = row.get("t", {})
                name = " ".join(filter(None, (traits.get("first_name"), traits.get("last_name")))).casefold() or None
                yield (stream, row["k"]), name, tuple(sorted(ids.items()))
    for stream in (*ORDERS, *EVENTS):
        for bundle in {_bundle(row) for row in streams[stream] if row["ids"] and not row.get("q")}:
            yield (stream, str(bundle)), None, bundle


def _blocked(meta: Row, carried: Mapping[Identifier, list[tuple[Any, str | None]]]) -> set[Identifier]:
    roles = re.compile(rf"^({'|'.join(map(re.escape, meta['role_mailboxes']))})(\+[^@]*)?@")
    named = {one for one in carried if one[0] == "email" and roles.match(one[1])}
    shared = {
        one for one, records in carried.items() if len({name or str(node) for node, name in records}) > SHARED_ABOVE
    }
    return named | shared


def joins_nobody(truth: Mapping[str, Any]) -> set[Identifier]:
    """Role mailboxes, and values that too many different people carry."""
    carried: dict[Identifier, list[tuple[Any, str | None]]] = defaultdict(list)
    for node, name, identifiers in _carriers(defaultdict(list, truth["streams"])):
        for one in identifiers:
            carried[one].append((node, name))
    return _blocked(truth["meta"], carried)


def persons(truth: Mapping[str, Any]) -> list[Person]:
    """The persons that deterministic stitching can know, with their orders, events and golden values."""
    streams: Mapping[str, list[Row]] = defaultdict(list, truth["streams"])
    records = list(_carriers(streams))
    blocked = joins_nobody(truth)
    forest = Forest()
    for node, _, identifiers in records:
        forest.root(node)
        for one in set(identifiers) - blocked:
            forest.join(node, one)
    found: dict[Any, Person] = defaultdict(Person)
    for node, _, identifiers in records:
        found[forest.root(node)].identifiers |= set(identifiers) - blocked
    clock = ZoneInfo(truth["meta"]["time_zone"])
    _attach(streams, forest, found, clock)
    for person in found.values():
        person.golden = _golden(person, blocked)
    return list(found.values())


def _attach(streams: Mapping[str, list[Row]], forest: Forest, found: dict[Any, Person], clock: ZoneInfo) -> None:
    for stream in PEOPLE:
        for row in streams[stream]:
            if not row.get("d") and not row.get("q"):
                found[forest.root((stream, row["k"]))].records.append((stream, row))
    for stream in ORDERS:
        for (_, bundle), order in _orders(stream, streams[stream], clock).items():
            found[forest.root((stream, str(bundle)))].orders.append(order)
    for stream in (*ORDERS, *EVENTS):
        for row in streams[stream]:
            if row["ids"] and not row.get("q"):
                person = found[forest.root((stream, str(_bundle(row))))]
                person.bundles.append((stream, row))
                if not row.get("completed"):
                    person.events += [(one[0], _time(one[1])) for one in row.get("events", ())]


def _orders(stream: str, rows: list[Row], clock: ZoneInfo) -> dict[tuple[str, Any], Order]:
    made: dict[tuple[str, Any], Order] = {}
    for row in rows:
        if row.get("q") or not row["ids"]:
            continue
        for kind, cents, _, _, at in row["lines"]:
            new = Order(_time(row["at"]), clock=clock, id=f"{stream}/{row['order']}")
            order = made.setdefault((row["order"], _bundle(row)), new)
            if kind == "sale":
                order.sold += cents
                order.is_purchase = True
            else:
                order.returned -= cents
                if not order.is_purchase and stream == "files.orders":
                    order.at = _time(at)
    return made


def _golden(person: Person, blocked: set[Identifier]) -> dict[str, Any]:
    trust = {stream: TRUSTED.index(stream) if stream in TRUSTED else len(TRUSTED) for stream in PEOPLE}

    def best(
        values: Callable[[str, Row], tuple[Any, ...] | None], rule: str, others: bool = False
    ) -> tuple[Any, ...] | None:
        stated = [(values(s, r), s, r) for s, r in person.records]
        if others:
            stated += [(values(s, r), s, r) for s, r in person.bundles]
        stated = [one for one in stated if one[0] and any(one[0])]
        times = Counter(one[0] for one in stated)

        def order(one: tuple[Any, str, Row]) -> tuple[Any, ...]:
            value, stream, row = one
            weight = {"trusted": trust.get(stream, 1000), "frequent": -times[value], "recent": 0}[rule]
            at = (
                row.get("created" if stream == "mailchimp.members" else "changed")
                or row.get("at")
                or (row["events"][0][1] if row.get("events") else "")
            )
            return (
                -sum(x is not None for x in value),
                weight,
                -_time(at).timestamp(),
                trust.get(stream, 1000),
                stream,
                row["k"],
            )

        return min(stated, key=order)[0] if stated else None

    def identifier(kind: str) -> Callable[[str, Row], tuple[Any, ...] | None]:
        return lambda _, row: (
            (row["ids"][kind],) if row["ids"].get(kind) and (kind, row["ids"][kind]) not in blocked else None
        )

    def trait(*names: str) -> Callable[[str, Row], tuple[Any, ...] | None]:
        return lambda _, row: tuple(row.get("t", {}).get(name) for name in names)

    address = best(trait("country", "region", "city", "postcode"), "recent") or (None,)
    return {
        "email": (best(identifier("email"), "trusted", others=True) or (None,))[0],
        "phone": (best(identifier("phone"), "trusted", others=True) or (None,))[0],
        "birth_on": (best(trait("birth_on"), "frequent") or (None,))[0],
        "country": address[0],
        "email_client": (best(trait("email_client"), "recent") or (None,))[0],
        "interests": {i.strip().lower() for _, row in person.records for i in row.get("t", {}).get("interests", ())},
    }


def consents(truth: Mapping[str, Any]) -> Mapping[tuple[Identifier, str], str]:
    """The newest statement of each identifier and purpose; a tie is a withdrawal.

    A statement belongs to the record's e-mail, else phone, else vendor id; to one that joins nobody as a last resort.
    """
    blocked = joins_nobody(truth)
    rows = {(stream, row["k"]): row for stream in PEOPLE for row in truth["streams"].get(stream, ())}
    newest: dict[tuple[Identifier, str], tuple[datetime, bool]] = {}
    for stream, key, purpose, state, at in truth["statements"]:
        ids = rows[stream, key]["ids"]
        carried = [(kind, ids[kind]) for kind in ("email", "phone", *sorted(ids)) if kind in ids]
        bearer = next((one for one in carried if one not in blocked), carried[0] if carried else None)
        if bearer:
            said = (_time(at), state == "withdrawn")
            newest[bearer, purpose] = max(newest.get((bearer, purpose), said), said)
    return {key: "withdrawn" if withdrawn else "granted" for key, (_, withdrawn) in newest.items()}


def agrees(person: Person, purpose: str, said: Mapping[tuple[Identifier, str], str]) -> bool:
    """Somebody said yes under an identifier of this person, and nobody no."""
    answers = {said.get((one, purpose)) for one in person.identifiers}
    return "granted" in answers and "withdrawn" not in answers
