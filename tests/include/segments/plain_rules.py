"""What a rule means, in plain Python over lists of dicts: the second opinion the compiled SQL is held against.

Shares no code with include/segments: it reads the YAML's shape directly.
"""

import operator
from datetime import UTC, date, datetime, time, timedelta

from dateutil.relativedelta import relativedelta

COMPARE = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def day_start(day: date) -> datetime:
    return datetime.combine(day, time(0), tzinfo=UTC)


def back(moment: datetime, span: str) -> datetime:
    number, unit = span.split()
    return moment - relativedelta(**{unit.rstrip("s") + "s": int(number)})


def as_moment(value):
    return value if isinstance(value, datetime) else day_start(value)


def holds(condition, value, end: datetime) -> bool:
    """Whether a condition is true of a value; of a missing one nothing is true."""
    if isinstance(condition, str) and condition.split()[0] in COMPARE and not isinstance(value, str):
        word, right = condition.split()
        return value is not None and COMPARE[word](value, int(right))
    if isinstance(condition, list):
        return bool(set(condition) & set(value)) if isinstance(value, list) else value in condition
    if not isinstance(condition, dict):
        return condition in value if isinstance(value, list) else value == condition
    ((word, right),) = condition.items()
    if word == "known":
        return (value is not None) == right
    if value is None:
        return False
    if word in COMPARE:
        if isinstance(right, date):
            return COMPARE[word](as_moment(value), day_start(right))
        return COMPARE[word](value, right)
    return {
        "between": lambda: right[0] <= value <= right[1],
        "in": lambda: value in right,
        "not_in": lambda: value not in right,
        "starts_with": lambda: value.startswith(right),
        "contains": lambda: right in value,
        "contains_any": lambda: bool(set(right) & set(value)),
        "contains_all": lambda: set(right) <= set(value),
        "within": lambda: back(end, right) <= as_moment(value) < end,
        "before": lambda: as_moment(value) < back(end, right),
    }[word]()


class World:
    """Everything that is known: persons by number, orders, events, members of other segments."""

    def __init__(self, as_of: date, persons, traits, orders, events, members) -> None:
        self.as_of, self.persons, self.traits = as_of, persons, traits
        self.orders, self.events, self.members = orders, events, members
        self.end = day_start(as_of) + timedelta(days=1)

    def happenings(self, name: str, who: int) -> list[tuple[datetime, int | None]]:
        if name == "order_placed":
            return [
                (row["ordered_at"], row["total_cents"])
                for row in self.orders
                if row["person_id"] == who and row["is_purchase"] and row["ordered_at"] < self.end
            ]
        return [
            (row["occurred_at"], row.get("amount_minor"))
            for row in self.events
            if row["person_id"] == who and row["name"] == name and row["occurred_at"] < self.end
        ]

    def age(self, who: int) -> int | None:
        born = self.persons[who].get("birth_on")
        return None if born is None else relativedelta(self.as_of, born).years

    def value(self, table: str, column: str, who: int):
        if column == "age":
            return self.age(who)
        return (self.persons if table == "person" else self.traits).get(who, {}).get(column)

    def event(self, spec, who: int) -> bool:
        since = back(self.end, spec["within"]) if "within" in spec else None
        found = [
            at
            for at, amount in self.happenings(spec["name"], who)
            if (since is None or at >= since) and ("amount" not in spec or holds(spec["amount"], amount, self.end))
        ]
        true = holds(spec.get("count", ">= 1"), len(found), self.end)
        for key, pick in (("first", min), ("last", max)):
            if key in spec:
                true = true and holds(spec[key], pick(found) if found else None, self.end)
        return true

    def sequence(self, spec, who: int) -> bool:
        negated = "then_not" in spec
        for at, _ in self.happenings(spec["did"], who):
            if at < back(self.end, spec["within"]):
                continue
            until = at + (at - back(at, spec["wait"])) if "wait" in spec else None
            if negated and until is not None and until >= self.end:
                continue
            later = [
                then
                for then, _ in self.happenings(spec["then_not" if negated else "then"], who)
                if then > at and (until is None or then <= until)
            ]
            if bool(later) != negated:
                return True
        return False

    def true_of(self, rule, who: int) -> bool:
        ((key, spec),) = rule.items()
        if key == "all":
            return all(self.true_of(child, who) for child in spec)
        if key == "any":
            return any(self.true_of(child, who) for child in spec)
        if key == "not":
            return not self.true_of(spec, who)
        if key in ("person", "trait"):
            return all(holds(condition, self.value(key, column, who), self.end) for column, condition in spec.items())
        if key == "event":
            return self.event(spec, who)
        if key == "sequence":
            return self.sequence(spec, who)
        return who in self.members[spec]
