"""Who must be in which audience: computed from the merchant's truth alone, in plain Python.

Nothing here reads the warehouse or shares code with it. Rules are written down again from what they promise: persons
by union-find over clean identifiers, golden values, consent by identifier, traits, segments. A difference between this
and the platforms' members is a fault of one of the two, and each is simple enough to find out whose.
"""

import hashlib
import re
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

SHARED_ABOVE = 20
PEOPLE = ("hubspot.contacts", "shopify.customers", "mailchimp.members")  # from most to least trusted
ORDERS = ("shopify.orders", "files.orders")
EVENTS = ("shopify.checkouts", "mailchimp.activity")
OUTDOOR = {"running", "cycling", "hiking"}
ANY_INTEREST = OUTDOOR | {"yoga", "cooking", "interior", "kids", "reading"}
MOBILE = {"iPhone", "iPad", "Android", "Gmail Mobile"}
LEFT = {"unsubscribed", "cleaned", "archived"}

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
        own = {"hubspot.contacts": None, "shopify.customers": "shopify_customer", "mailchimp.members": None}[stream]
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


def persons(truth: Mapping[str, Any]) -> list[Person]:
    """The persons that deterministic stitching can know, with their orders, events and golden values."""
    streams: Mapping[str, list[Row]] = defaultdict(list, truth["streams"])
    carried: dict[Identifier, list[tuple[Any, str | None]]] = defaultdict(list)
    records = list(_carriers(streams))
    for node, name, identifiers in records:
        for one in identifiers:
            carried[one].append((node, name))
    blocked = _blocked(truth["meta"], carried)
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
            order = made.setdefault((row["order"], _bundle(row)), Order(_time(row["at"]), clock=clock))
            if kind == "sale":
                order.sold += cents
                order.is_purchase = True
            else:
                order.returned -= cents
                if not order.is_purchase and stream == "files.orders":
                    order.at = _time(at)
    return made


def _golden(person: Person, blocked: set[Identifier]) -> dict[str, Any]:
    trust = {stream: place for place, stream in enumerate(PEOPLE)}

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
            at = row.get("changed") or row.get("at") or (row["events"][0][1] if row.get("events") else "")
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
    """The newest statement of each identifier and purpose; a tie is a withdrawal."""
    rows = {(stream, row["k"]): row for stream in PEOPLE for row in truth["streams"].get(stream, ())}
    newest: dict[tuple[Identifier, str], tuple[datetime, bool]] = {}
    for stream, key, purpose, state, at in truth["statements"]:
        ids = rows[stream, key]["ids"]
        bearer = next(((kind, ids[kind]) for kind in ("email", "phone", *sorted(ids)) if kind in ids), None)
        if bearer:
            said = (_time(at), state == "withdrawn")
            newest[bearer, purpose] = max(newest.get((bearer, purpose), said), said)
    return {key: "withdrawn" if withdrawn else "granted" for key, (_, withdrawn) in newest.items()}


def agrees(person: Person, purpose: str, said: Mapping[tuple[Identifier, str], str]) -> bool:
    """Somebody said yes under an identifier of this person, and nobody no."""
    answers = {said.get((one, purpose)) for one in person.identifiers}
    return "granted" in answers and "withdrawn" not in answers


class Traits:
    """Traits and segments of all persons as of a day, by the words of the files in sql/traits and sql/segments."""

    def __init__(self, people: list[Person], as_of: date) -> None:
        self.people, self.as_of = people, as_of
        self.end = datetime.combine(as_of + timedelta(days=1), datetime.min.time(), UTC)
        self.buyers = [p for p in people if self.purchases(p)]
        self._sorted = [
            sorted(measure(p) for p in self.buyers) for measure in (self._recency, self._frequency, self._money)
        ]

    def orders(self, person: Person) -> list[Order]:
        return [order for order in person.orders if order.at < self.end]

    def purchases(self, person: Person) -> list[Order]:
        return [order for order in self.orders(person) if order.is_purchase]

    def acts(self, person: Person, name: str, days: int) -> list[datetime]:
        begin = self.end - timedelta(days=days)
        return [at for what, at in person.events if what == name and begin <= at < self.end]

    def _recency(self, person: Person) -> int:
        return -(self.as_of - max(order.on for order in self.purchases(person))).days

    def _frequency(self, person: Person) -> int:
        return len(self.purchases(person))

    def _money(self, person: Person) -> int:
        return sum(order.total for order in self.orders(person))

    def fifths(self, person: Person) -> tuple[int, ...]:
        measures = (self._recency, self._frequency, self._money)
        count = len(self.buyers)
        return tuple(
            -(-5 * bisect_right(values, m(person)) // count) for m, values in zip(measures, self._sorted, strict=True)
        )

    def lifecycle(self, person: Person) -> str:
        days = [order.on for order in self.purchases(person)]
        if not days:
            return "prospect"
        if min(days) >= self.as_of - timedelta(days=30):
            return "new"
        since = (self.as_of - max(days)).days
        return "active" if since <= 90 else "at_risk" if since <= 180 else "lapsed"

    def habit(self, person: Person) -> tuple[int, int]:
        """Hour and ISO weekday of most purchases on the shop's clock; the smaller of equals."""
        local = [order.at.astimezone(order.clock) for order in self.purchases(person)]
        usual = [Counter(values) for values in ([t.hour for t in local], [t.isoweekday() for t in local])]
        return tuple(min(c, key=lambda value: (-c[value], value)) for c in usual)  # type: ignore[return-value]

    def segments(self) -> dict[str, set[int]]:
        """By segment, positions in ``people`` of its members."""
        rules = {
            "adults_25_to_40": self._adult,
            "cart_abandoners": self._left_cart,
            "champions": self._champion,
            "engaged_readers": self._engaged,
            "home_market": lambda p: p.golden["country"] == "DE",
            "lapsed_high_value": self._lapsed_high_value,
            "mobile_readers": self._mobile,
            "new_customers": lambda p: self.lifecycle(p) == "new",
            "outdoor_fans": lambda p: bool(p.golden["interests"] & OUTDOOR),
            "prospects": self._prospect,
            "recent_buyers": lambda p: any(o.on > self.as_of - timedelta(days=14) for o in self.purchases(p)),
            "repeat_buyers": self._repeats,
            "weekend_evening_shoppers": self._weekend_evening,
            "winback_by_mail": self._win_back,
        }
        return {name: {i for i, p in enumerate(self.people) if rule(p)} for name, rule in rules.items()}

    def _adult(self, p: Person) -> bool:
        if not p.golden["birth_on"]:
            return False
        born = date.fromisoformat(p.golden["birth_on"])
        age = self.as_of.year - born.year - ((self.as_of.month, self.as_of.day) < (born.month, born.day))
        return 25 <= age <= 40

    def _left_cart(self, p: Person) -> bool:
        carts = self.acts(p, "cart_abandoned", 7)
        return any(not any(o.at > cart for o in self.purchases(p)) for cart in carts)

    def _champion(self, p: Person) -> bool:
        return bool(self.purchases(p)) and min(self.fifths(p)) >= 4

    def _engaged(self, p: Person) -> bool:
        return len(self.acts(p, "email_opened", 90)) >= 2 or bool(self.acts(p, "email_clicked", 90))

    def _mobile(self, p: Person) -> bool:
        return p.golden["email_client"] in MOBILE and bool(self.acts(p, "email_opened", 90))

    def _lapsed_high_value(self, p: Person) -> bool:
        begin = self.as_of.replace(year=self.as_of.year - 2)
        spent = sum(o.total for o in self.orders(p) if o.on > begin)
        counted = [o for o in self.orders(p) if o.on > begin]
        return (
            bool(counted)
            and spent >= 15000
            and not any(o.on > self.as_of - timedelta(days=90) for o in self.purchases(p))
        )

    def _prospect(self, p: Person) -> bool:
        months = self.as_of.year * 12 + self.as_of.month - 7
        begin = datetime(months // 12, months % 12 + 1, self.as_of.day, tzinfo=UTC) + timedelta(days=1)
        clicked = any(what == "email_clicked" and begin <= at < self.end for what, at in p.events)
        return not self.purchases(p) and (bool(p.golden["interests"] & ANY_INTEREST) or clicked)

    def _repeats(self, p: Person) -> bool:
        begin = self.as_of.replace(year=self.as_of.year - 1)
        return len({o.on for o in self.purchases(p) if o.total > 0 and o.on > begin}) >= 2

    def _weekend_evening(self, p: Person) -> bool:
        if not self.purchases(p):
            return False
        hour, weekday = self.habit(p)
        return 17 <= hour <= 22 and weekday in (5, 6, 7)

    def _win_back(self, p: Person) -> bool:
        drifting = self._lapsed_high_value(p) or self.lifecycle(p) == "at_risk"
        return drifting and self._engaged(p) and not self._left_cart(p)


MAILCHIMP = {
    "cart-abandoners": "cart_abandoners",
    "champions": "champions",
    "engaged-readers": "engaged_readers",
    "home-market": "home_market",
    "lapsed-high-value": "lapsed_high_value",
    "mobile-readers": "mobile_readers",
    "new-customers": "new_customers",
    "outdoor-fans": "outdoor_fans",
    "prospects": "prospects",
    "winback": "winback_by_mail",
}
META = {
    "adults-25-40": "adults_25_to_40",
    "cart-abandoners": "cart_abandoners",
    "champions": "champions",
    "lapsed-high-value": "lapsed_high_value",
    "outdoor-fans": "outdoor_fans",
    "recent-buyers": "recent_buyers",
    "repeat-buyers": "repeat_buyers",
    "weekend-evening-shoppers": "weekend_evening_shoppers",
}


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def expected(truth: Mapping[str, Any], as_of: date) -> dict[str, dict[str, set[Any]]]:
    """By platform and audience: addresses at Mailchimp; at Meta pairs (hash of e-mail, hash of phone), empty for none."""
    people, said = persons(truth), consents(truth)
    members = Traits(people, as_of).segments()
    gone = {
        row["ids"]["email"]
        for row in truth["streams"]["mailchimp.members"]
        if "email" in row["ids"] and (row.get("d") or row.get("status") in LEFT)
    }
    by_mail = {
        tag: {
            address
            for i in members[name]
            if agrees(people[i], "email", said) and (address := people[i].golden["email"]) and address not in gone
        }
        for tag, name in MAILCHIMP.items()
    }
    by_hash = {
        audience: {pair for i in members[name] if agrees(people[i], "ads", said) and any(pair := _hashes(people[i]))}
        for audience, name in META.items()
    }
    return {"mailchimp": by_mail, "meta": by_hash}


def _hashes(person: Person) -> tuple[str, str]:
    email, phone = person.golden["email"], person.golden["phone"]
    return sha256(email) if email else "", sha256(phone.removeprefix("+")) if phone else ""


def held(members: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, set[Any]]]:
    """What the platforms hold, in the form of `expected`; ``members`` by platform as the stand-ins tell it."""
    return {
        "mailchimp": {tag: set(found) for tag, found in members["mailchimp"].items()},
        "meta": {
            audience: {(user.get("EMAIL", ""), user.get("PHONE", "")) for user in found}
            for audience, found in members["meta"].items()
        },
    }


def differences(truth: Mapping[str, Any], members: Mapping[str, Any], as_of: date) -> dict[str, tuple[int, int]]:
    """By ``platform audience``: how many are missing at the platform, and how many are there and must not be."""
    wanted, found = expected(truth, as_of), held(members)
    differing = {}
    for platform, audiences in wanted.items():
        for audience in audiences.keys() | found[platform].keys():
            should, does = audiences.get(audience, set()), found[platform].get(audience, set())
            if should != does:
                differing[f"{platform} {audience}"] = (len(should - does), len(does - should))
    return differing
