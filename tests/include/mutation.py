"""Break a good batch in exactly one way, derived from the rule itself: its type and its arguments.

A rule of a new suite needs nothing here unless it looks at a column that Postgres makes of others (``has_identifier``):
those are broken through what they are made of. A rule that cannot be broken is one that could never fire.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import psycopg
from psycopg import sql

from include.suites import Rule
from tests.include.gate import GateStream

PARAMETERS = {"latest_at": "2026-11-21T03:00:00+00:00", "latest_on": "2026-11-21", "volume_min": 0, "volume_max": 10**9}
# Columns of the candidate that are made of others, and what makes each of them false.
MADE_OF: dict[str, dict[str, Any]] = {
    "has_identifier": {"email": None, "phone": None, "ids": {}},
    "is_readable": {"bad_casts": ["birth_on"]},
    "is_whole": {"lacks": ["sampled"]},
    "is_product": {"sku": "POST", "bad_casts": ["sku:not_a_product"]},
    "sign_fits": {"kind": "return"},
}
TEXTS = (
    "canary@shop.example",
    "not one of them",
    "EURO",
    "Germany",
    "q",
    "",
    "0",
    "-1",
    "+49 30 1234567",
    "x" * 300,
    "https://shop.example/a?b=c",
    "2026-11-19",
    "a b",
    "A1",
    "ABC",
    "de",
    "DE",
)
BY_TYPE: dict[str, tuple[Any, ...]] = {
    "boolean": (True, False),
    "timestamp with time zone": ("1970-01-01T00:00:00+00:00", "2035-01-01T00:00:00+00:00"),
    "date": ("1850-01-01", "2035-01-01"),
    "jsonb": ({"a": 1}, {}),
    "ARRAY": (["a"], []),
}
NUMBERS = ("integer", "bigint", "numeric", "double precision")


class CannotBreakError(AssertionError):
    """No value breaks the rule: it could never fire, or its type has no mutation here."""


def mutated(conn: psycopg.Connection, stream: GateStream, rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of a good row that breaks this rule.

    :raises CannotBreakError: nothing does.
    """
    column = rule.kwargs.get("column")
    if column in MADE_OF:
        return {**row, **MADE_OF[column]}
    change = _BREAKERS.get(rule.type)
    if change is None:
        raise CannotBreakError(f"{stream.suite}: {rule.name} is a {rule.type}, for which tests know no mutation.")
    return {**row, **change(_Column(conn, stream, column), rule, row)}


class _Column:
    """A column of the candidate: its type, and what Postgres says of a pattern."""

    def __init__(self, conn: psycopg.Connection, stream: GateStream, name: str | None) -> None:
        self.conn, self.name = conn, name
        found = conn.execute(
            "select data_type from information_schema.columns where table_schema = 'checking' and table_name = %s"
            " and column_name = %s",
            (stream.shape, name),
        ).fetchone()
        self.type = found[0] if found else None

    def values(self) -> tuple[Any, ...]:
        """Values the column can hold, odd ones among them."""
        if self.type in NUMBERS:
            return (0, 1, -1, 10**6)
        return BY_TYPE.get(self.type or "", TEXTS)

    def matches(self, value: str, regex: str) -> bool:
        return self.conn.execute("select %s ~ %s", (value, regex)).fetchone()[0]

    def first(self, fits: Callable[[Any], bool], rule: Rule) -> dict[str, Any]:
        for value in self.values():
            if fits(value):
                return {self.name: value}
        raise CannotBreakError(f"{rule.name}: no value of {self.name} ({self.type}) breaks it.")


def _between(column: _Column, rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    """Just beyond the upper limit, else just below the lower one: the gentlest value that breaks it."""
    over = sql.SQL("select (%s::{0} + {1})::text").format(
        sql.SQL(column.type), sql.SQL("1" if column.type in (*NUMBERS, "date") else "interval '1 second'")
    )
    under = sql.SQL("select (%s::{0} - {1})::text").format(
        sql.SQL(column.type), sql.SQL("1" if column.type in (*NUMBERS, "date") else "interval '1 second'")
    )
    most, least = (_limit(rule.kwargs.get(key)) for key in ("max_value", "min_value"))
    statement, limit = (over, most) if most is not None else (under, least)
    value = column.conn.execute(statement, (str(limit),)).fetchone()[0]
    return {column.name: value}


def _limit(value: Any) -> Any:
    return PARAMETERS[value["$PARAMETER"]] if isinstance(value, dict) else value


def _lengths(column: _Column, rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    most = rule.kwargs.get("max_value", rule.kwargs.get("value"))
    return {column.name: "x" * (most + 1 if most is not None else rule.kwargs["min_value"] - 1)}


def _pair(column: _Column, rule: Rule, row: Mapping[str, Any]) -> dict[str, Any]:
    """The two columns the wrong way round, or one of them another."""
    left, right = rule.kwargs["column_A"], rule.kwargs["column_B"]
    if row.get(left) is None or row.get(right) is None:
        raise CannotBreakError(f"{rule.name}: the good row says nothing in {left} or {right}.")
    if rule.type.endswith("to_be_equal"):
        other = next(
            value for value in _Column(column.conn, GateStream("", rule.name, ""), left).values() if value != row[right]
        )
        return {left: other}
    return {left: row[right], right: row[left]}


_BREAKERS: dict[str, Callable[[_Column, Rule, Mapping[str, Any]], dict[str, Any]]] = {
    "expect_column_values_to_not_be_null": lambda column, rule, row: {column.name: None},
    "expect_column_values_to_be_null": lambda column, rule, row: {column.name: column.values()[0]},
    "expect_column_values_to_be_in_set": lambda column, rule, row: column.first(
        lambda value: value not in rule.kwargs["value_set"], rule
    ),
    "expect_column_values_to_not_be_in_set": lambda column, rule, row: {column.name: rule.kwargs["value_set"][0]},
    "expect_column_values_to_be_between": _between,
    "expect_column_values_to_match_regex": lambda column, rule, row: column.first(
        lambda value: not column.matches(value, rule.kwargs["regex"]), rule
    ),
    "expect_column_values_to_not_match_regex": lambda column, rule, row: column.first(
        lambda value: column.matches(value, rule.kwargs["regex"]), rule
    ),
    "expect_column_value_lengths_to_be_between": _lengths,
    "expect_column_value_lengths_to_equal": _lengths,
    "expect_column_pair_values_a_to_be_greater_than_b": _pair,
    "expect_column_pair_values_to_be_equal": _pair,
}


def rules_about_rows(rules: tuple[Rule, ...]) -> Iterator[Rule]:
    """Rules that a single row breaks: without a share, and not about the table as a whole."""
    yield from (rule for rule in rules if rule.names_rows and "mostly" not in rule.kwargs)
