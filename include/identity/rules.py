"""The files of rules: which identifiers join records, how many of each a person may have, which values join nobody
(sql/identity/rules.yaml), which value a golden record takes (sql/profile/survivorship.yaml). Read anew by every run; a
wrong file is an error that names file and line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from include.segments.front_matter import Located, complain, read_yaml
from include.warehouse import SQL_ROOT

Rule = Literal["trusted", "recent", "frequent"]
Per = Literal["ever", "year", "month", "week"]
FIELDS = ("email", "phone", "name", "birth_on", "gender", "language", "address", "email_client")
LAST = 1_000_000  # priority of types that no rule names


@dataclass(frozen=True)
class Blocked:
    """One value or POSIX pattern of one type (``*``: every type) that joins nobody."""

    type: str
    kind: Literal["exact", "pattern"]
    value: str
    reason: str


@dataclass(frozen=True)
class Limit:
    """A person has at most ``count`` different values of a type, first seen within any span of this length.

    A year is 365 days, a month 30, a week 7; a span holds its first moment and not its last.
    """

    count: int
    per: Per


@dataclass(frozen=True)
class IdentifierRule:
    """How the links of one type of identifier are met.

    :param type: ``*``: every type without a rule of its own, each by itself.
    :param priority: 1 is met first; a link that is met later is the one that a limit drops.
    :param users_above: for what is no person but a thing (a browser, a device): a value that records of more than so
        many different people carry joins nobody. None: the type names persons.
    """

    type: str
    priority: int
    limits: tuple[Limit, ...] = ()
    users_above: int | None = None


@dataclass(frozen=True)
class IdentityRules:
    """What rules.yaml says.

    :param shared_above: a value carried by more records of different people than this joins nobody.
    :param alert_above: a person of more records than this is told to the owner.
    """

    shared_above: int
    blocked: tuple[Blocked, ...]
    identifiers: tuple[IdentifierRule, ...] = ()
    alert_above: int = 200

    def of_type(self, kind: str) -> IdentifierRule:
        """The rule for a type of identifier: its own, else that of ``*``, else last and without limit."""
        named = {rule.type: rule for rule in self.identifiers}
        return named.get(kind) or named.get("*") or IdentifierRule("*", LAST)


@dataclass(frozen=True)
class Survivorship:
    """What survivorship.yaml says: streams from most to least trusted, and one rule a field.

    :param echoing: streams whose time of change our own syncs move.
    :param addressed: streams of platforms that our syncs send addresses to.
    """

    trust: tuple[str, ...]
    echoing: tuple[str, ...]
    addressed: tuple[str, ...]
    fields: dict[str, Rule]


def _only(path: Path, found: Located, allowed: set[str]) -> None:
    for key in found:
        if key not in allowed:
            raise complain(path, found.line_of(key), f"{key!r} is no setting", f"use {', '.join(sorted(allowed))}")


def _blocked(path: Path, entry: object, line: int) -> Blocked:
    if not isinstance(entry, Located):
        raise complain(path, line, "an entry of `blocked` is no mapping", "give it type, reason, and pattern or exact")
    _only(path, entry, {"type", "reason", "pattern", "exact"})
    kinds = [kind for kind in ("pattern", "exact") if kind in entry]
    if len(kinds) != 1 or not all(isinstance(entry.get(key), str) for key in ("type", "reason", kinds[0])):
        raise complain(path, entry.line, "an entry needs type, reason and either pattern or exact, as text", "mend it")
    kind: Literal["exact", "pattern"] = "pattern" if kinds[0] == "pattern" else "exact"
    if kind == "pattern":
        try:
            re.compile(entry["pattern"])  # a subset of what Postgres reads; catches what is plainly broken
        except re.error as error:
            raise complain(path, entry.line_of("pattern"), f"this is no pattern: {error}", "mend it") from None
    return Blocked(entry["type"], kind, entry[kind], entry["reason"])


def _whole(path: Path, entry: Located, key: str, example: int) -> int:
    found = entry.get(key)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        raise complain(path, entry.line_of(key), f"{key} is no whole number above 0", f"write `{key}: {example}`")
    return found


def _limit(path: Path, entry: object, line: int) -> Limit:
    mend = "write {count: 5, per: ever}"
    if not isinstance(entry, Located):
        raise complain(path, line, "a limit is no mapping", mend)
    _only(path, entry, {"count", "per"})
    if entry.get("per") not in get_args(Per):
        raise complain(path, entry.line_of("per"), f"a limit is per {', '.join(get_args(Per))}", mend)
    return Limit(_whole(path, entry, "count", 5), entry["per"])


def _identifier(path: Path, entry: object, line: int) -> IdentifierRule:
    if not isinstance(entry, Located):
        raise complain(path, line, "an entry of `identifiers` is no mapping", "give it type, priority and limits")
    _only(path, entry, {"type", "priority", "limits", "users_above"})
    kind = entry.get("type")
    if not isinstance(kind, str) or not kind:
        raise complain(path, entry.line_of("type"), "an identifier needs a type, as text", "write `type: email`")
    listed = entry.get("limits", [])
    if not isinstance(listed, list):
        raise complain(path, entry.line_of("limits"), "limits are no list", "write `limits: [{count: 5, per: ever}]`")
    limits = tuple(_limit(path, one, entry.line_of("limits")) for one in listed)
    spans = [limit.per for limit in limits]
    if len(set(spans)) < len(spans):
        raise complain(path, entry.line_of("limits"), f"{kind} has two limits per one span", "keep the lower one")
    users = _whole(path, entry, "users_above", 1) if "users_above" in entry else None
    return IdentifierRule(kind, _whole(path, entry, "priority", 1), limits, users)


def _identifiers(path: Path, found: Located) -> tuple[IdentifierRule, ...]:
    listed = found.get("identifiers") or []
    line = found.line_of("identifiers")
    if not isinstance(listed, list):
        raise complain(path, line, "identifiers are no list", "begin each with `- type: …`")
    rules: dict[str, IdentifierRule] = {}
    for entry in listed:
        rule = _identifier(path, entry, line)
        if rule.type in rules:
            raise complain(path, entry.line, f"{rule.type!r} has a rule already", "keep one of the two")
        rules[rule.type] = rule
    return tuple(rules.values())


def identity_rules(path: Path = SQL_ROOT / "identity" / "rules.yaml") -> IdentityRules:
    """Read rules.yaml.

    :raises ConfigError: an unknown key, a value of the wrong kind, a broken pattern, two rules for one type.
    """
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    _only(path, found, {"shared_above", "alert_above", "identifiers", "blocked"})
    above = _whole(path, found, "shared_above", 20)
    line = found.line_of("blocked")
    listed = found.get("blocked") or []
    if not isinstance(listed, list):
        raise complain(path, line, "blocked is no list", "begin each entry with `- type: …`")
    by_value = {(one.type, one.kind, one.value): one for one in (_blocked(path, entry, line) for entry in listed)}
    told = _whole(path, found, "alert_above", 200) if "alert_above" in found else IdentityRules.alert_above
    return IdentityRules(above, tuple(by_value.values()), _identifiers(path, found), told)


def survivorship(path: Path = SQL_ROOT / "profile" / "survivorship.yaml") -> Survivorship:
    """Read survivorship.yaml.

    :raises ConfigError: an unknown field or rule, a field without a rule.
    """
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    lists = ("trust", "echoing", "addressed")
    _only(path, found, {*lists, "fields"})
    fields = found.get("fields")
    if not isinstance(fields, Located):
        raise complain(path, found.line_of("fields"), "there are no fields", f"name a rule for {', '.join(FIELDS)}")
    _only(path, fields, set(FIELDS))
    for field in FIELDS:
        if fields.get(field) not in get_args(Rule):
            mend = f"use one of {', '.join(get_args(Rule))}"
            raise complain(path, fields.line_of(field), f"{field} has no rule", mend)
    streams = (tuple(str(stream) for stream in found.get(key) or ()) for key in lists)
    return Survivorship(*streams, dict(fields))
