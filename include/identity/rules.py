"""The files of rules: which values join nobody (sql/identity/rules.yaml), which value a golden record takes
(sql/profile/survivorship.yaml). Read anew by every run; a wrong file is an error that names file and line."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from include.segments.front_matter import Located, complain, read_yaml
from include.warehouse import SQL_ROOT

Rule = Literal["trusted", "recent", "frequent"]
FIELDS = ("email", "phone", "name", "birth_on", "gender", "language", "address", "email_client")


@dataclass(frozen=True)
class Blocked:
    """One value or POSIX pattern of one type (``*``: every type) that joins nobody."""

    type: str
    kind: Literal["exact", "pattern"]
    value: str
    reason: str


@dataclass(frozen=True)
class IdentityRules:
    """What rules.yaml says.

    :param shared_above: a value carried by more records of different people than this joins nobody.
    """

    shared_above: int
    blocked: tuple[Blocked, ...]


@dataclass(frozen=True)
class Survivorship:
    """What survivorship.yaml says: streams from most to least trusted, and one rule a field.

    :param echoing: streams whose time of change our own syncs move.
    """

    trust: tuple[str, ...]
    echoing: tuple[str, ...]
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


def identity_rules(path: Path = SQL_ROOT / "identity" / "rules.yaml") -> IdentityRules:
    """Read rules.yaml.

    :raises ConfigError: an unknown key, a value of the wrong kind, a broken pattern.
    """
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    _only(path, found, {"shared_above", "blocked"})
    above = found.get("shared_above")
    if not isinstance(above, int) or isinstance(above, bool) or above < 1:
        raise complain(path, found.line_of("shared_above"), "shared_above is no whole number above 0", "start with 20")
    line = found.line_of("blocked")
    entries = [_blocked(path, entry, line) for entry in found.get("blocked") or ()]
    by_value = {(entry.type, entry.kind, entry.value): entry for entry in entries}
    return IdentityRules(above, tuple(by_value.values()))


def survivorship(path: Path = SQL_ROOT / "profile" / "survivorship.yaml") -> Survivorship:
    """Read survivorship.yaml.

    :raises ConfigError: an unknown field or rule, a field without a rule.
    """
    found = read_yaml(path.read_text(encoding="utf-8"), path)
    _only(path, found, {"trust", "echoing", "fields"})
    fields = found.get("fields")
    if not isinstance(fields, Located):
        raise complain(path, found.line_of("fields"), "there are no fields", f"name a rule for {', '.join(FIELDS)}")
    _only(path, fields, set(FIELDS))
    for field in FIELDS:
        if fields.get(field) not in get_args(Rule):
            mend = f"use one of {', '.join(get_args(Rule))}"
            raise complain(path, fields.line_of(field), f"{field} has no rule", mend)
    trust, echoing = (tuple(str(stream) for stream in found.get(key) or ()) for key in ("trust", "echoing"))
    return Survivorship(trust, echoing, dict(fields))
