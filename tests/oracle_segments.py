"""Traits and segments in plain Python, by the words of the files in sql/. See `tests.oracle`."""

from bisect import bisect_right
from collections import Counter
from datetime import UTC, date, datetime, timedelta

from tests.oracle_persons import Order, Person

OUTDOOR = {"running", "cycling", "hiking"}
ANY_INTEREST = OUTDOOR | {"yoga", "cooking", "interior", "kids", "reading"}
MOBILE = {"iPhone", "iPad", "Android", "Gmail Mobile"}


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
