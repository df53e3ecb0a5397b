"""SOQL as connectors write it: read, and refused where Salesforce refuses it.

Source: SOQL and SOSL Reference (read 2026-11-21). Read are SELECT of fields, of fields of parents, of children in a
query of their own and of ``COUNT()``; WHERE with comparisons, IN, LIKE, NOT, AND, OR; ORDER BY, LIMIT, OFFSET. What
else the language has (GROUP BY, aggregates, TYPEOF, date words) is recognised and refused: no connector here sends it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from include.standins.salesforce_schema import BY_LOWER, SObject, Type

LONGEST = 100_000  # characters of a query
MOST_OFFSET = 2_000
_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))"
    r"|(?P<date>\d{4}-\d\d-\d\d)|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<mark><=|>=|!=|<>|[=<>(),]))"
)
_MARKS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_NOT_READ = ("group", "having", "typeof", "using", "with", "for", "update")
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}


class Refused(ValueError):
    """Salesforce refuses the query; ``code`` is its errorCode, the text its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Comparison:
    """``field operator value``; of IN and NOT IN the value is a tuple."""

    path: tuple[str, ...]
    type: Type
    operator: str
    value: Any


@dataclass(frozen=True)
class Group:
    """Conditions joined by ``and`` or ``or``; ``not`` has one."""

    word: str
    parts: tuple["Comparison | Group", ...]


@dataclass(frozen=True)
class Query:
    """One query. A field is the path to it: ``("Account", "Name")``; a child query stands beside, by relationship."""

    object: SObject
    fields: tuple[tuple[str, ...], ...]
    children: Mapping[str, "Query"] = field(default_factory=dict)
    counts: bool = False
    where: Comparison | Group | None = None
    order: tuple[tuple[tuple[str, ...], bool], ...] = ()  # path, descending
    limit: int | None = None
    offset: int = 0


def resolve(thing: SObject, path: tuple[str, ...]) -> tuple[tuple[str, ...], Type]:
    """A path in the schema's own spelling (names have no case), and its type.

    :raises Refused: INVALID_FIELD.
    """
    *parents, last = path
    spelt: list[str] = []
    for step in parents:
        known = {name.lower(): name for name in thing.parents}
        if step.lower() not in known:
            raise Refused("INVALID_FIELD", f"Didn't understand relationship '{step}' in field path.")
        spelt.append(known[step.lower()])
        thing = BY_LOWER[thing.parents[spelt[-1]][1].lower()]
    known = {name.lower(): name for name in thing.fields}
    if last.lower() not in known:
        raise Refused(
            "INVALID_FIELD",
            f"No such column '{last}' on entity '{thing.name}'. If you are attempting to use a custom field, be sure "
            "to append the '__c' after the custom field name.",
        )
    name = known[last.lower()]
    return (*spelt, name), thing.fields[name]


def parse(text: str) -> Query:
    """Read a query.

    :raises Refused: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE, NUMBER_OUTSIDE_VALID_RANGE.
    """
    if len(text) > LONGEST:
        raise Refused("MALFORMED_QUERY", f"SOQL statement is longer than {LONGEST} characters")
    reader = _Reader(text)
    query = reader.query(None)
    if reader.ahead is not None:
        raise reader.unexpected()
    return query


class _Reader:
    """Tokens, one ahead."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                raise Refused("MALFORMED_QUERY", f"unexpected token: '{text[place:].strip()[:1]}'")
            self._tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()
        self._at = 0

    @property
    def ahead(self) -> str | None:
        """The next token in lower case; None at the end."""
        return self._tokens[self._at][1].lower() if self._at < len(self._tokens) else None

    def unexpected(self) -> Refused:
        return Refused("MALFORMED_QUERY", f"unexpected token: {self.ahead or '<EOF>'}")

    def take(self, *words: str) -> bool:
        """Whether these words come next; then they are passed."""
        coming = [value.lower() for _, value in self._tokens[self._at : self._at + len(words)]]
        if coming == list(words):
            self._at += len(words)
            return True
        return False

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unexpected()

    def word(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == "word":
            self._at += 1
            return self._tokens[self._at - 1][1]
        raise self.unexpected()

    def query(self, parent: SObject | None) -> Query:
        """A query; of children when there is a parent, whose relationship stands after FROM."""
        self.need("select")
        paths: list[tuple[str, ...]] = []
        inner_at: list[int] = []
        counts = False
        while True:
            if self.take("("):
                inner_at.append(self._at)
                self._pass_brackets()
            elif self.take("count", "(", ")"):
                counts = True
            else:
                paths.append(tuple(self.word().split(".")))
                if self.ahead == "(":
                    raise Refused("MALFORMED_QUERY", "aggregate functions are not read here")
            if not self.take(","):
                break
        self.need("from")
        return self._rest(self._object(parent), paths, inner_at, counts)

    def _pass_brackets(self) -> None:
        depth = 1
        while depth:
            if self.ahead is None:
                raise self.unexpected()
            depth += {"(": 1, ")": -1}.get(self.ahead, 0)
            self._at += 1

    def _object(self, parent: SObject | None) -> SObject:
        name = self.word()
        if parent is not None:
            known = {relation.lower(): child for relation, (child, _) in parent.children.items()}
            if name.lower() not in known:
                raise Refused("INVALID_TYPE", f"Didn't understand relationship '{name}' in FROM part of query call.")
            name = known[name.lower()]
        if name.lower() not in BY_LOWER:
            raise Refused("INVALID_TYPE", f"sObject type '{name}' is not supported.")
        return BY_LOWER[name.lower()]

    def _rest(self, thing: SObject, paths: list[tuple[str, ...]], inner_at: list[int], counts: bool) -> Query:
        spelt = [resolve(thing, path)[0] for path in paths]
        if len(set(spelt)) < len(spelt):
            raise Refused("MALFORMED_QUERY", "duplicate field selected")
        if counts and (spelt or inner_at):
            raise Refused("MALFORMED_QUERY", "COUNT() must be the only element in the SELECT list")
        after, children = self._at, {}
        for at in inner_at:
            self._at = at
            start = next(n for n in range(at, len(self._tokens)) if self._tokens[n][1].lower() == "from")
            relation = {name.lower(): name for name in thing.children}.get(self._tokens[start + 1][1].lower(), "")
            children[relation] = self.query(thing)
        self._at = after
        where = self._conditions(thing) if self.take("where") else None
        if self.ahead in _NOT_READ:
            raise Refused("MALFORMED_QUERY", f"unexpected token: '{self.ahead}': not read here")
        order = self._order(thing) if self.take("order", "by") else ()
        limit = self._number() if self.take("limit") else None
        offset = self._number() if self.take("offset") else 0
        if offset > MOST_OFFSET:
            raise Refused("NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MOST_OFFSET}")
        return Query(thing, tuple(spelt), children, counts, where, order, limit, offset)

    def _number(self) -> int:
        kind, value = self._tokens[self._at] if self._at < len(self._tokens) else ("", "")
        if kind != "number" or not value.isdigit():
            raise self.unexpected()
        self._at += 1
        return int(value)

    def _order(self, thing: SObject) -> tuple[tuple[tuple[str, ...], bool], ...]:
        found = []
        while True:
            path, _ = resolve(thing, tuple(self.word().split(".")))
            descending = self.take("desc")
            if not descending:
                self.take("asc")
            if self.take("nulls") and not (self.take("first") or self.take("last")):
                raise self.unexpected()
            found.append((path, descending))
            if not self.take(","):
                return tuple(found)

    def _conditions(self, thing: SObject) -> Comparison | Group:
        """AND and OR side by side need brackets, as on the platform."""
        parts, joined = [self._condition(thing)], ""
        while self.ahead in ("and", "or"):
            if joined and self.ahead != joined:
                raise self.unexpected()
            joined = str(self.ahead)
            self.need(joined)
            parts.append(self._condition(thing))
        return Group(joined, tuple(parts)) if joined else parts[0]

    def _condition(self, thing: SObject) -> Comparison | Group:
        if self.take("("):
            inner = self._conditions(thing)
            self.need(")")
            return inner
        if self.take("not"):
            return Group("not", (self._condition(thing),))
        path, kind = resolve(thing, tuple(self.word().split(".")))
        if self.take("not", "in"):
            return Comparison(path, kind, "not in", self._list(path, kind))
        if self.take("in"):
            return Comparison(path, kind, "in", self._list(path, kind))
        operator = next((mark for mark in (*_MARKS, "like") if self.take(mark)), None)
        if operator is None:
            raise self.unexpected()
        return Comparison(path, kind, {"<>": "!="}.get(operator, operator), self._value(path, kind))

    def _list(self, path: tuple[str, ...], kind: Type) -> tuple[Any, ...]:
        self.need("(")
        found = [self._value(path, kind)]
        while self.take(","):
            found.append(self._value(path, kind))
        self.need(")")
        return tuple(found)

    def _value(self, path: tuple[str, ...], kind: Type) -> Any:
        if self._at >= len(self._tokens):
            raise self.unexpected()
        written, text = self._tokens[self._at]
        self._at += 1
        if written == "word" and text.lower() == "null":
            return None
        wanted = {
            "datetime": ("time",),
            "date": ("date",),
            "double": ("number",),
            "int": ("number",),
            "boolean": ("word",),
        }.get(kind, ("string",))
        if kind == "address" or written not in wanted or (kind == "boolean" and text.lower() not in ("true", "false")):
            quotes = "should not be enclosed in quotes" if written == "string" else "should be written as one"
            raise Refused(
                "INVALID_FIELD",
                f"value of filter criterion for field '{path[-1]}' must be of type {kind} and {quotes}",
            )
        return _read(kind, text)


def _read(kind: Type, text: str) -> Any:
    if kind == "datetime":
        return datetime.fromisoformat(text)
    if kind == "boolean":
        return text.lower() == "true"
    if kind in ("double", "int"):
        return float(text)
    return text if kind == "date" else re.sub(r"\\(.)", lambda found: _ESCAPES.get(found[1], found[1]), text[1:-1])
