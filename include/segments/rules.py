"""Rule trees: the segment for who writes no SQL. Here they are read and checked; rule_sql makes SQL of them.

A node is a mapping with one key:

* ``all`` / ``any``: a list of nodes; ``not``: one node
* ``person`` / ``trait``: column → condition (several: all of them)
* ``event``: ``name``, and if wanted ``within``, ``count`` (default ``">= 1"``), ``amount``, ``first``, ``last``
* ``sequence``: ``did``, ``within``, then ``then`` or ``then_not``, and if wanted ``wait``: did the first and
  afterwards, at most ``wait`` later, (not) the second. With ``then_not`` and ``wait`` the wait must be over.
* ``segment``: the name of another segment

A comparison with a missing value is false, also ``!=``; ``not`` of it is true. ``within: 3 days`` is the last three
calendar days in UTC, ``as_of`` included; ``before: 3 days`` is all that lies before those.
"""

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from include.errors import ConfigError
from include.segments.columns import readable_tables
from include.segments.front_matter import Located, complain

EVENTS = frozenset(
    {
        "order_placed",
        "cart_abandoned",
        "cart_recovered",
        "email_opened",
        "email_clicked",
        "email_bounced",
        "email_complained",
        "email_unsubscribed",
        "site_visited",
        "site_searched",
        "goal_converted",
    }
)
COMPARISONS = ("=", "!=", "<", "<=", ">", ">=")
OPERATORS = {
    "number": {*COMPARISONS, "in", "not_in", "between", "known"},
    "text": {"=", "!=", "in", "not_in", "starts_with", "known"},
    "date": {*COMPARISONS, "between", "within", "before", "known"},
    "moment": {"<", ">=", "within", "before", "known"},
    "boolean": {"=", "known"},
    "list": {"contains", "contains_any", "contains_all"},
}
COMPUTED = {"person": {"age": "number"}}  # years completed on as_of, from birth_on
_WORDED = re.compile(r"(<=|>=|!=|=|<|>)\s*(.+)")
_SPAN = re.compile(r"([1-9]\d{0,4}) (day|week|month|year)s?")


@dataclass(frozen=True)
class Condition:
    """One comparison: ``within`` and ``before`` carry a span such as ``3 days``, ``known`` a bool."""

    operator: str
    value: Any


@dataclass(frozen=True)
class Every:
    children: tuple["Node", ...]


@dataclass(frozen=True)
class Some:
    children: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    child: "Node"


@dataclass(frozen=True)
class Compare:
    table: str  # "person" or "trait"
    column: str
    family: str
    condition: Condition


@dataclass(frozen=True)
class Happened:
    name: str
    within: str | None
    count: Condition
    amount: Condition | None
    first: Condition | None
    last: Condition | None


@dataclass(frozen=True)
class Followed:
    did: str
    within: str
    then: str
    negated: bool
    wait: str | None


@dataclass(frozen=True)
class Member:
    segment: str


Node = Every | Some | Not | Compare | Happened | Followed | Member


@dataclass(frozen=True)
class RuleReader:
    """Reads the tree of one file; every complaint names that file."""

    path: Path

    def node(self, raw: Any, line: int) -> Node:
        """One node.

        :param line: of the mapping that holds it, named when the node itself has none.
        :raises ConfigError: names file, line, cause and mend.
        """
        readers = {
            "all": self._group,
            "any": self._group,
            "not": self._not,
            "person": self._columns,
            "trait": self._columns,
            "event": self._event,
            "sequence": self._sequence,
            "segment": self._member,
        }
        line = getattr(raw, "line", line)
        if not isinstance(raw, Located) or len(raw) != 1 or next(iter(raw)) not in readers:
            raise self._wrong(line, "this is no rule", f"write a mapping with one key of {', '.join(readers)}")
        key = next(iter(raw))
        return readers[key](key, raw[key], raw.line_of(key))

    def _wrong(self, line: int, cause: str, mend: str) -> ConfigError:
        return complain(self.path, line, cause, mend)

    def _group(self, key: str, raw: Any, line: int) -> Node:
        if not isinstance(raw, list) or not raw:
            raise self._wrong(line, f"{key!r} has no list of rules", "put at least one rule below it")
        children = tuple(self.node(child, line) for child in raw)
        return Every(children) if key == "all" else Some(children)

    def _not(self, _key: str, raw: Any, line: int) -> Node:
        return Not(self.node(raw, line))

    def _member(self, _key: str, raw: Any, line: int) -> Node:
        if not isinstance(raw, str):
            raise self._wrong(line, "'segment' is no name", "write `segment: <name of another segment>`")
        return Member(raw)

    def _mapping(self, key: str, raw: Any, line: int, known: set[str], needed: set[str]) -> Located:
        if not isinstance(raw, Located):
            raise self._wrong(line, f"{key!r} is no mapping", f"give it {', '.join(sorted(needed))}")
        for name in raw:
            if name not in known:
                raise self._wrong(
                    raw.line_of(name), f"unknown key {name!r} in {key!r}", f"use {', '.join(sorted(known))}"
                )
        for name in sorted(needed - set(raw)):
            raise self._wrong(raw.line, f"{key!r} has no {name!r}", f"add `{name}: …`")
        return raw

    def _columns(self, table: str, raw: Any, line: int) -> Node:
        if not isinstance(raw, Located) or not raw:
            raise self._wrong(line, f"{table!r} names no column", f"write `{table}: {{column: condition}}`")
        families = {**readable_tables()[f"profile.{table}"], **COMPUTED.get(table, {})}
        found = []
        for column, value in raw.items():
            at = raw.line_of(column)
            family = families.get(column)
            if family is None:
                raise self._wrong(at, f"unknown {table} {column!r}", f"use one of {', '.join(sorted(families))}")
            if family not in OPERATORS:
                raise self._wrong(at, f"{table} {column!r} cannot be compared in a rule", "write the segment in SQL")
            found.append(Compare(table, column, family, self.condition(value, family, at)))
        return found[0] if len(found) == 1 else Every(tuple(found))

    def _event(self, key: str, raw: Any, line: int) -> Node:
        found = self._mapping(key, raw, line, {"name", "within", "count", "amount", "first", "last"}, {"name"})

        def condition(name: str, family: str) -> Condition | None:
            return self.condition(found[name], family, found.line_of(name)) if name in found else None

        return Happened(
            name=self._event_name(found, "name"),
            within=self._span(found["within"], found.line_of("within")) if "within" in found else None,
            count=condition("count", "number") or Condition(">=", 1),
            amount=condition("amount", "number"),
            first=condition("first", "moment"),
            last=condition("last", "moment"),
        )

    def _sequence(self, key: str, raw: Any, line: int) -> Node:
        found = self._mapping(key, raw, line, {"did", "within", "then", "then_not", "wait"}, {"did", "within"})
        if ("then" in found) == ("then_not" in found):
            raise self._wrong(found.line, "a sequence needs 'then' or 'then_not', not both", "keep one of them")
        then = "then" if "then" in found else "then_not"
        return Followed(
            did=self._event_name(found, "did"),
            within=self._span(found["within"], found.line_of("within")),
            then=self._event_name(found, then),
            negated=then == "then_not",
            wait=self._span(found["wait"], found.line_of("wait")) if "wait" in found else None,
        )

    def _event_name(self, found: Located, key: str) -> str:
        if found[key] not in EVENTS:
            raise self._wrong(
                found.line_of(key), f"unknown event {found[key]!r}", f"use one of {', '.join(sorted(EVENTS))}"
            )
        return found[key]

    def _span(self, raw: Any, line: int) -> str:
        if not isinstance(raw, str) or not _SPAN.fullmatch(raw):
            raise self._wrong(
                line, f"{raw!r} is no span of days", "write e.g. `3 days`, `2 weeks`, `6 months`, `1 year`"
            )
        return raw

    def condition(self, raw: Any, family: str, line: int) -> Condition:
        """Read ``5``, ``">= 5"``, ``[a, b]`` or ``{operator: value}`` for a column of ``family``."""
        found = self._shorthand(raw, family)
        if found is None:
            raise self._wrong(line, "this is no condition", "write a value, a list, or one {operator: value}")
        if found.operator not in OPERATORS[family]:
            raise self._wrong(
                line,
                f"operator {found.operator!r} does not fit a {family}",
                f"use one of {', '.join(sorted(OPERATORS[family]))}",
            )
        self._check_value(found, family, line)
        return found

    def _shorthand(self, raw: Any, family: str) -> Condition | None:
        if isinstance(raw, Located):
            return Condition(*next(iter(raw.items()))) if len(raw) == 1 else None
        if isinstance(raw, list):
            return Condition("contains_any" if family == "list" else "in", raw)
        worded = _WORDED.fullmatch(raw) if isinstance(raw, str) and family in ("number", "date", "moment") else None
        if worded:
            return Condition(worded[1], _read_value(worded[2], family))
        return Condition("contains" if family == "list" else "=", raw)

    def _check_value(self, found: Condition, family: str, line: int) -> None:
        operator, value = found.operator, found.value
        if operator in ("within", "before"):
            self._span(value, line)
            return
        if operator == "known":
            fits = isinstance(value, bool)
        elif operator in ("in", "not_in", "contains_any", "contains_all"):
            fits = isinstance(value, list) and bool(value) and all(_fits(each, family) for each in value)
        elif operator == "between":
            fits = isinstance(value, list) and len(value) == 2 and all(_fits(each, family) for each in value)
        else:
            fits = _fits(value, family)
        if not fits:
            raise self._wrong(line, f"the value of {operator!r} does not fit a {family}", "mend the value")


def _read_value(text: str, family: str) -> Any:
    try:
        if family in ("date", "moment"):
            return date.fromisoformat(text)
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    except ValueError:
        return text


def _fits(value: Any, family: str) -> bool:
    kinds = {
        "number": (int, float),
        "text": (str,),
        "list": (str,),
        "date": (date,),
        "moment": (date,),
        "boolean": (bool,),
    }
    return isinstance(value, kinds[family]) and (family == "boolean" or not isinstance(value, bool))


def segments_named(node: Node) -> set[str]:
    """Names of the segments a tree asks about."""
    if isinstance(node, Member):
        return {node.segment}
    if isinstance(node, Not):
        return segments_named(node.child)
    if isinstance(node, Every | Some):
        return set().union(*(segments_named(child) for child in node.children))
    return set()
