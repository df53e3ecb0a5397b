"""Reads a mapping file: what a vendor's fields mean.

A mapping says for each table of a source which path of the payload is which column of the staging shape, which values
grant or withdraw which consent, which fields are ids of other systems, and what is constant. A path is written with
dots (``properties.email``), as a jsonpath (``$.addresses[0].city``), or as a list of two, the second of which is asked
when the first has nothing. Everything is checked when it is read: a typing error names file, line, cause and mend.
"""

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import yaml

from include.errors import ConfigError
from include.sources.shapes import (
    COLUMNS,
    CONSENT_KEYS,
    CONSTANTS,
    CONTRACT_PATHS,
    CONTRACT_WORDS,
    CSV_KEYS,
    DROP_SHAPES,
    EVENT_KEYS,
    EVENT_OTHERS,
    FILE_KEYS,
    INTEREST_KEYS,
    REQUIRED,
    TABLE_KEYS,
)

HERE = Path(__file__).resolve().parent
_DOTTED = re.compile(r"[^\s$.\"\\][^.\"\\]*(\.[^.\"\\]+)*")
SEPARATOR = "\x1f"  # between the steps of an id's path
PATH_SUFFIX = "_else"  # the parameter of a column's second path


class _Lines(yaml.SafeLoader):
    """Keeps beside each mapping the line every key stands in, under the key None; refuses a key that comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        made: dict[Any, Any] = super().construct_mapping(node, deep=True)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            if key.value in lines:
                raise yaml.constructor.ConstructorError(None, None, "a key comes twice", key.start_mark)
            lines[key.value] = key.start_mark.line + 1
        return {**made, None: lines}


class _File:
    """One YAML file while it is checked: knows how to complain."""

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines: dict[tuple[str, ...], int] = {}  # of every path
        try:
            self.content = yaml.load(text, _Lines) or {}  # noqa: S506 (a SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            raise self.error(mark.line + 1 if mark else 1, f"is not YAML ({getattr(error, 'problem', error)})",
                             "correct the spelling there") from None
        if not isinstance(self.content, dict):
            raise self.error(1, "holds no keys", "begin it with the table's name or with `match:`")

    def error(self, line: int, cause: str, mend: str) -> ConfigError:
        return ConfigError(f"{self.path}, line {line}: {cause}; {mend}.")

    def items(self, block: Any, line: int, allowed: Sequence[str], what: str) -> Iterator[tuple[str, Any, int]]:
        """The keys of a block with their lines; an unknown one is an error."""
        if not isinstance(block, dict):
            raise self.error(line, f"{what} is not a list of keys", "write it as lines of `key: value`")
        for key, value in block.items():
            if key is None:
                continue
            at = block[None].get(key, line)
            if allowed and key not in allowed:
                raise self.error(at, f"{key!r} is not known in {what}", f"use one of {', '.join(allowed)}")
            yield key, value, at

    def path_of(self, value: Any, line: int, what: str) -> list[str]:
        """A path as staging.pick reads it: ``a.b`` becomes ``[a, b]``, a jsonpath stays whole."""
        if isinstance(value, str) and value.startswith("$"):
            return [value]
        if not isinstance(value, str) or not _DOTTED.fullmatch(value):
            raise self.error(line, f"{what} has no readable path", "write a path such as properties.email")
        steps = value.split(".")
        self.lines[tuple(steps)] = line
        return steps

    def paths(self, name: str, value: Any, line: int) -> dict[str, list[str]]:
        both = value if isinstance(value, list) else [value]
        if not 1 <= len(both) <= 2:
            raise self.error(line, f"{name!r} has {len(both)} paths", "give one, or two where the second is a fallback")
        names = (name, name + PATH_SUFFIX)
        return {key: self.path_of(path, line, repr(name)) for key, path in zip(names, both, strict=False)}


def read_table(path: str, text: str, shape: str, table: str) -> dict[str, Any]:
    """Check one table's mapping and give the parameters it binds.

    :param path: named in errors.
    :param table: the key in the file that holds the mapping.
    :raises ConfigError: names file, line, cause and mend.
    """
    file = _File(path, text)
    if table not in file.content:
        raise file.error(1, f"the table {table!r} is missing", f"add a block `{table}:` with its columns")
    return _parameters(file, file.content[table], file.content[None][table], shape, TABLE_KEYS)


@dataclass(frozen=True)
class DropMapping:
    """The mapping of a kind of dropped file, as it is written.

    :param head: what stands under ``match``, ``shape``, ``key`` and ``csv``.
    :param lines: where each path stands.
    """

    shape: str
    parameters: dict[str, Any]
    head: dict[str, Any]
    lines: dict[tuple[str, ...], int]


def read_drop(path: str, text: str) -> DropMapping:
    """Check the mapping of a kind of dropped file.

    :raises ConfigError: names file, line, cause and mend.
    """
    file = _File(path, text)
    known = {key: value for key, value, _ in file.items(file.content, 1, (*TABLE_KEYS, *FILE_KEYS), "a file's mapping")}
    if known.get("shape") not in DROP_SHAPES or not isinstance(known.get("match"), list):
        raise file.error(1, "`shape` or `match` is missing", f"write `shape: {' or '.join(DROP_SHAPES)}` and "
                         "`match: [\"till_*.csv*\"]`")
    head = {key: known[key] for key in FILE_KEYS if key in known}
    _check_head(file, head)
    shape = DROP_SHAPES[known["shape"]]
    block = {key: value for key, value in file.content.items() if key not in FILE_KEYS}
    parameters = _parameters(file, block, 1, shape, TABLE_KEYS)
    return DropMapping(shape, parameters, head, file.lines)


def _check_head(file: _File, head: dict[str, Any]) -> None:
    lines = file.content[None]
    if not all(isinstance(one, str) for one in head["match"]):
        raise file.error(lines["match"], "a pattern is no text", "put it in quotes")
    key = head.get("key", [])
    if not isinstance(key, list) or not all(isinstance(one, str) for one in key):
        raise file.error(lines["key"], "the key is no list of columns", "write `key: [receipt_no, line_no]`")
    for name, value, at in file.items(head.get("csv", {None: {}}), lines.get("csv", 1), CSV_KEYS, "csv"):
        if name == "encoding" and not _is_encoding(value):
            raise file.error(at, "the encoding is not known", "use a name such as utf-8, cp1252 or iso-8859-15")
        if name in ("delimiter", "quote") and (not isinstance(value, str) or len(value) != 1):
            raise file.error(at, f"{name!r} is not one character", "put the character in quotes")


def _is_encoding(value: Any) -> bool:
    try:
        codecs.lookup(str(value))
    except LookupError:
        return False
    return True


def _parameters(file: _File, block: Any, line: int, shape: str, allowed: Sequence[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"ids": {}, "properties": {}, "events_names": {}, "countries": dict(_countries()),
                             "options": {}, "contract": {}, **dict.fromkeys(_names(shape))}
    found.update(CONSTANTS)
    for key, value, at in file.items(block, line, allowed, "a mapping"):
        if key in _READERS:
            found.update(_READERS[key](file, value, at, shape))
    missing = [name for name in REQUIRED[shape] if found[name] is None]
    if missing:
        raise file.error(line, f"no path for {' and '.join(missing)}", f"add `{missing[0]}:` below `columns:`")
    return found


def _names(shape: str) -> Iterator[str]:
    """Every parameter a statement of this shape binds, so that one that is not mapped is null."""
    for column in COLUMNS[shape]:
        yield from (column, column + PATH_SUFFIX)
    for purpose in ("email", "ads"):
        yield from (f"consent_{purpose}_{key}" for key in CONSENT_KEYS)
    yield from (f"interests_{key}" for key in INTEREST_KEYS)
    yield from ("events_path", "events_others", "goods", "returns_path", "returns_pattern", "order_key_2")


def _columns(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for column, path, at in file.items(value, line, COLUMNS[shape], f"the columns of {shape}"):
        if isinstance(path, dict):  # {join: [a, b]}: a key made of two columns
            parts = path.get("join")
            if column != "order_key" or not isinstance(parts, list) or len(parts) != 2:
                raise file.error(at, f"{column!r} cannot be joined", "only order_key may be {join: [column, column]}")
            found["order_key"], found["order_key_2"] = (file.path_of(part, at, "order_key") for part in parts)
        else:
            found.update(file.paths(column, path, at))
    return found


def _ids(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    return {"ids": {kind: SEPARATOR.join(file.path_of(path, at, kind))
                    for kind, path, at in file.items(value, line, (), "ids")}}


def _consent(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    if shape != "person_record":
        raise file.error(line, f"{shape} carries no consent", "take the block out")
    found: dict[str, Any] = {}
    for purpose, rule, at in file.items(value, line, ("email", "ads"), "consent"):
        for key, given, where in file.items(rule, at, (*CONSENT_KEYS, "at"), f"consent for {purpose}"):
            if key in ("granted", "withdrawn", "opt_out_values"):
                found[f"consent_{purpose}_{key}"] = _texts(file, given, where)
            elif key == "at":
                path = file.path_of(given, where, "at")
                found.setdefault(f"consent_{purpose}_granted_at", path)
                found.setdefault(f"consent_{purpose}_withdrawn_at", path)
            else:
                found[f"consent_{purpose}_{key}"] = file.path_of(given, where, key)
        if f"consent_{purpose}_granted" in found and f"consent_{purpose}_granted_at" not in found:
            raise file.error(at, f"a grant for {purpose} has no time", "say with `at:` where its time stands")
    return found


def _texts(file: _File, value: Any, line: int) -> list[str]:
    """A list of values as they look in JSON, compared without regard to case."""
    if not isinstance(value, list):
        raise file.error(line, "the values are no list", "write them as [one, two]")
    return [str(one).lower() for one in value]


def _interests(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, given, at in file.items(value, line, INTEREST_KEYS, "interests"):
        if key == "names":
            found["interests_names"] = {name: str(shown) for name, shown, _ in file.items(given, at, (), "names")}
        else:
            found[f"interests_{key}"] = file.path_of(given, at, "interests") if key == "path" else str(given)
    return found


def _events(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    if shape != "event":
        raise file.error(line, f"{shape} is no event", "take the block out")
    found: dict[str, Any] = {}
    for key, given, at in file.items(value, line, EVENT_KEYS, "events"):
        if key == "path":
            found["events_path"] = file.path_of(given, at, "events")
        elif key == "names":
            found["events_names"] = {name: str(ours) for name, ours, _ in file.items(given, at, (), "names")}
        elif given in EVENT_OTHERS:
            found["events_others"] = given
        else:
            raise file.error(at, f"others is none of {', '.join(EVENT_OTHERS)}", "say what a word not listed becomes")
    return found


def _properties(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    return {"properties": {name: SEPARATOR.join(file.path_of(path, at, name))
                           for name, path, at in file.items(value, line, (), "properties")}}


def _constants(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    known = tuple(name.removeprefix("constant_") for name in CONSTANTS)
    for key, given, at in file.items(value, line, known, "constants"):
        text = str(given)
        if key == "timezone" and text not in available_timezones():
            raise file.error(at, "the time zone is not known", "use a name of the IANA list such as Europe/Berlin")
        if key == "date_order" and text not in ("ymd", "dmy", "mdy"):
            raise file.error(at, "date_order is none of ymd, dmy, mdy", "say how the file writes its dates")
        if key == "decimal" and text not in (".", ","):
            raise file.error(at, "decimal is neither . nor ,", "say which mark separates cents in the file, in quotes")
        found[f"constant_{key}"] = text
    return found


def _names_of_countries(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    own = {str(name).lower(): code for name, code, _ in file.items(value, line, (), "countries")}
    return {"countries": {**_countries(), **own}}


def _pattern(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    return {"goods": _regex(file, value, line)}


def _regex(file: _File, value: Any, line: int) -> str:
    try:
        re.compile(str(value))
    except re.error as error:
        raise file.error(line, f"the pattern is not a regular expression ({error.msg})", "correct it") from None
    return str(value)


def _returns(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    found = dict(_pairs(file, value, line, ("path", "pattern"), "returns"))
    return {"returns_path": file.path_of(found.get("path"), line, "returns"),
            "returns_pattern": _regex(file, found.get("pattern"), line)}


def _options(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    return {"options": dict(_pairs(file, value, line, (), "options"))}


def _contract(file: _File, value: Any, line: int, shape: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, given, at in file.items(value, line, (*CONTRACT_WORDS, *CONTRACT_PATHS), "contract"):
        if key in CONTRACT_WORDS:
            if given not in CONTRACT_WORDS[key]:
                raise file.error(at, f"{key!r} is none of {', '.join(CONTRACT_WORDS[key])}", "say what becomes of it")
            found[key] = given
        elif not isinstance(given, list):
            raise file.error(at, f"{key!r} is no list of paths", "write them as ['lineItems.nodes[].sku', tags]")
        else:
            found[key] = [_contract_path(file, path, at, key) for path in given]
    return {"contract": found}


def _contract_path(file: _File, path: Any, line: int, key: str) -> list[str]:
    """The steps to a column; ``[]`` is any of a list, for which its first stands."""
    dotted = str(path).replace("[]", ".0")
    if not _DOTTED.fullmatch(dotted):
        raise file.error(line, f"{key!r} has a path that cannot be read", "write it as in lineItems.nodes[].sku")
    return dotted.split(".")


def _pairs(file: _File, value: Any, line: int, allowed: Sequence[str], what: str) -> Iterator[tuple[str, Any]]:
    return ((key, given) for key, given, _ in file.items(value, line, allowed, what))


_READERS = {"columns": _columns, "ids": _ids, "consent": _consent, "interests": _interests, "events": _events,
            "properties": _properties, "constants": _constants, "countries": _names_of_countries, "goods": _pattern,
            "returns": _returns, "options": _options, "contract": _contract}


@cache
def _countries() -> Mapping[str, str]:
    """Names of countries as people write them, lower case → ISO 3166-1 alpha-2."""
    listed = yaml.safe_load((HERE / "countries.yaml").read_text(encoding="utf-8"))
    return {str(name).lower(): code for code, names in listed.items() for name in names}
