"""Suites of expectations: read from expectations/<suite>.json and held to what the gate can keep.

A suite is Great Expectations' own JSON with a few meta keys::

    {"name": "shopify_orders",
     "meta": {"owner": "data", "max_quarantine_share": 0.05, "quarantine_floor": 20},
     "expectations": [{"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "record_key"},
                       "severity": "critical",
                       "meta": {"rule": "key_missing", "reason": "The record has no key."}}]}

A rule about a share (``mostly``) says in its meta from how many rows on it is asked: ``"min_rows": 50``.

Only expectations that count are allowed: one that observes a value (a maximum, a most common value) would carry
that value into results. A suite is wrong loudly, with file, line, cause and mend, before anything is checked.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from include.errors import ConfigError

SUITE_ROOT = Path(__file__).resolve().parent.parent / "expectations"
SHARE = 0.05
FLOOR = 20
SEVERITIES = ("critical", "warning", "info")

# Row rules: each counts failing rows and can say which. The key arguments that name columns stand beside.
ROW_RULES = {
    "expect_column_values_to_not_be_null": ("column",),
    "expect_column_values_to_be_null": ("column",),
    "expect_column_values_to_be_in_set": ("column",),
    "expect_column_values_to_not_be_in_set": ("column",),
    "expect_column_values_to_be_between": ("column",),
    "expect_column_values_to_match_regex": ("column",),
    "expect_column_values_to_not_match_regex": ("column",),
    "expect_column_value_lengths_to_be_between": ("column",),
    "expect_column_value_lengths_to_equal": ("column",),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
}
# Rules of the table as a whole: a count or the columns, never a value. The first is ours (include/distinct_keys.py).
TABLE_RULES = {
    "expect_keys_to_be_distinct": ("column_list",),
    "expect_table_row_count_to_be_between": (),
    "expect_table_columns_to_match_set": (),
}
PARAMETERS = ("latest_at", "latest_on", "volume_min", "volume_max")


@dataclass(frozen=True)
class Rule:
    """One expectation of a suite.

    :param name: short name, unique in the suite: what quarantine, alerts and reports call it.
    :param reason: a sentence for whoever reads the quarantine.
    :param min_rows: the rule is not asked of a smaller candidate, where a share says nothing.
    """

    name: str
    reason: str
    severity: Literal["critical", "warning", "info"]
    type: str
    kwargs: Mapping[str, Any]
    line: int
    min_rows: int = 0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the candidate table the rule reads."""
        found: list[str] = []
        for key in {**ROW_RULES, **TABLE_RULES}[self.type]:
            value = self.kwargs.get(key)
            found.extend([value] if isinstance(value, str) else value or [])
        return tuple(found)

    @property
    def names_rows(self) -> bool:
        """Whether the rule can say which rows fail it."""
        return self.type in ROW_RULES


@dataclass(frozen=True)
class Suite:
    """A suite as read.

    :param max_quarantine_share: above this share of the candidate's records the batch stops.
    :param quarantine_floor: so many records may always be held: in a small batch one row is a large share.
    """

    name: str
    owner: str
    max_quarantine_share: float
    quarantine_floor: int
    rules: tuple[Rule, ...]

    def for_rows(self, rows: int) -> "Suite":
        """The suite without the rules that a candidate of so many rows is too small for."""
        return replace(self, rules=tuple(rule for rule in self.rules if rule.min_rows <= rows))

    def rule(self, name: str) -> Rule:
        """The rule of that name; KeyError when there is none."""
        return {rule.name: rule for rule in self.rules}[name]


def read_suite(name: str, *, root: Path = SUITE_ROOT) -> Suite:
    """Read and check one suite.

    :param name: the stem of the file.
    :raises ConfigError: naming file, line, cause and mend.
    """
    path = root / f"{name}.json"
    where = f"expectations/{path.name}"
    if not path.is_file():
        raise ConfigError(f"{where} does not exist; every stream names the suite its batches are checked with.")
    text = path.read_text(encoding="utf-8")
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{where}, line {error.lineno}: not JSON ({error.msg}); mend the file.") from None
    return _suite(document, text, where, name)


def _suite(document: Any, text: str, where: str, name: str) -> Suite:
    if not isinstance(document, dict) or document.get("name") != name:
        raise ConfigError(f'{where}, line 1: "name" must be the file\'s own name, "{name}".')
    meta = document.get("meta") or {}
    unknown = set(document) - {"name", "meta", "expectations"} or set(meta) - {
        "owner", "max_quarantine_share", "quarantine_floor"}
    if unknown:
        raise ConfigError(f'{where}, line {_line(text, min(unknown))}: unknown key "{min(unknown)}"; take it out.')
    share, floor = meta.get("max_quarantine_share", SHARE), meta.get("quarantine_floor", FLOOR)
    if not _is_share(share):
        raise ConfigError(f"{where}, line {_line(text, 'max_quarantine_share')}: max_quarantine_share must be a number "
                          "from 0 to 1.")
    if not isinstance(floor, int) or isinstance(floor, bool) or floor < 0:
        raise ConfigError(f"{where}, line {_line(text, 'quarantine_floor')}: quarantine_floor must be a whole number.")
    if not isinstance(meta.get("owner"), str):
        raise ConfigError(f'{where}, line {_line(text, "meta")}: meta needs "owner": who is alerted.')
    expectations = document.get("expectations")
    if not isinstance(expectations, list) or not expectations:
        raise ConfigError(f'{where}, line 1: "expectations" must be a list with at least one expectation.')
    return Suite(name, meta["owner"], float(share), floor, tuple(_rules(expectations, text, where)))


def _rules(expectations: Sequence[Any], text: str, where: str) -> Iterator[Rule]:
    lines = [text.count("\n", 0, match.start()) + 1 for match in re.finditer(r'"type"\s*:', text)]
    seen: set[str] = set()
    for position, expectation in enumerate(expectations):
        line = lines[position] if position < len(lines) else 1
        rule = _rule(expectation, f"{where}, line {line}", line)
        if rule.name in seen:
            raise ConfigError(f'{where}, line {line}: a second rule is called "{rule.name}"; name it apart.')
        seen.add(rule.name)
        yield rule


def _rule(expectation: Any, where: str, line: int) -> Rule:
    if not isinstance(expectation, dict) or set(expectation) - {"type", "kwargs", "severity", "meta"}:
        raise ConfigError(f"{where}: an expectation has the keys type, kwargs, severity and meta, and no others.")
    kind, kwargs = expectation.get("type"), expectation.get("kwargs", {})
    if kind not in ROW_RULES and kind not in TABLE_RULES:
        raise ConfigError(f'{where}: "{kind}" is not an expectation the gate knows; it knows '
                          f"{', '.join(sorted({**ROW_RULES, **TABLE_RULES}))}.")
    meta = expectation.get("meta") or {}
    if not isinstance(meta.get("rule"), str) or not isinstance(meta.get("reason"), str):
        raise ConfigError(f'{where}: meta needs "rule" (a short name) and "reason" (a sentence for people).')
    severity = expectation.get("severity")
    if severity not in SEVERITIES:
        raise ConfigError(f"{where}: severity must be one of {', '.join(SEVERITIES)}; say it, there is no default.")
    if severity == "warning" and (kind in TABLE_RULES or "mostly" in kwargs):
        raise ConfigError(f"{where}: a warning sets rows aside, so it needs a rule about rows and no mostly; "
                          "how many may fail is the suite's max_quarantine_share.")
    for used in _parameters(kwargs):
        if used not in PARAMETERS:
            raise ConfigError(f'{where}: unknown parameter "{used}"; there are {", ".join(PARAMETERS)}.')
    min_rows = meta.get("min_rows", 0)
    if not isinstance(min_rows, int) or isinstance(min_rows, bool) or min_rows < 0:
        raise ConfigError(f"{where}: min_rows must be a whole number: the smallest candidate the rule is asked of.")
    return Rule(meta["rule"], meta["reason"], severity, kind, kwargs, line, min_rows)


def _parameters(kwargs: Mapping[str, Any]) -> Iterator[str]:
    for value in kwargs.values():
        if isinstance(value, dict) and "$PARAMETER" in value:
            yield value["$PARAMETER"]


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _line(text: str, key: str) -> int:
    found = text.find(f'"{key}"')
    return text.count("\n", 0, found) + 1 if found >= 0 else 1
