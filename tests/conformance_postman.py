"""Recorded requests held against a vendor's Postman collection: paths, methods, parameters, fields of bodies.

A collection shows examples and no types: what it does not show (a parameter, a field, a value that is one of several
with bars between) is a violation. Not checked is what it cannot say: which fields must be there.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import orjson

from include.standins.request_log import Recorded

_VARIABLE = re.compile(r"\{\{(\w+)\}\}")


@dataclass(frozen=True)
class _Example:
    """One request of the collection. ``fields`` of its body: name → the values it may have, empty for any."""

    method: str
    path: re.Pattern[str]
    parameters: frozenset[str]
    fields: Mapping[str, frozenset[str]]


def check_postman(path: str | Path, recorded: Iterable[Recorded], prefix: str) -> list[str]:
    """Every way in which recorded requests leave the collection; empty when all is well.

    :param prefix: what stands before the vendor's paths, as in ``/salesforce``.
    """
    examples = [_example(one) for one in orjson.loads(Path(path).read_bytes())["item"]]
    lines = (f"{one.method} {one.path}: {what}" for one in recorded for what in _violations(examples, one, prefix))
    return list(dict.fromkeys(lines))


def _example(item: Mapping[str, Any]) -> _Example:
    url = urlsplit(re.sub(r"^(\{\{(url|site|_endpoint)\}\})+", "", item["url"]))
    parts = _VARIABLE.split(url.path.rstrip("/"))
    pattern = "".join(r"[\w.]+" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    fields = {one["key"]: _values(one["value"]) for one in item.get("data") or () if one.get("value") is not None}
    if item.get("rawModeData"):
        fields |= {name: _values(value) for name, value in orjson.loads(item["rawModeData"]).items()}
    named = {one["key"] for one in item.get("queryParams") or ()}
    return _Example(item["method"], re.compile(f"{pattern}/?"), frozenset(named), fields)


def _values(shown: str) -> frozenset[str]:
    """``"CRLF | LF"`` shows an enumeration; a grant type is its one value."""
    return frozenset(part.strip() for part in shown.split("|")) if "|" in shown else frozenset()


def _violations(examples: list[_Example], one: Recorded, prefix: str) -> Iterator[str]:
    path = one.path.removeprefix(prefix)
    fitting = [example for example in examples if example.method == one.method and example.path.fullmatch(path)]
    if not one.path.startswith(prefix) or not fitting:
        yield "the collection has no such request"
        return
    known = frozenset().union(*(example.parameters for example in fitting))
    yield from (f"parameter {name!r} is not shown" for name, _ in parse_qsl(one.query) if name not in known)
    if one.body:
        yield from _body_violations(fitting, one)


def _body_violations(fitting: list[_Example], one: Recorded) -> Iterator[str]:
    kind = one.headers.get("content-type", "")
    sent = one.json() if kind.startswith("application/json") else dict(parse_qsl(one.body.decode()))
    for name, value in sent.items():
        shown = [example.fields[name] for example in fitting if name in example.fields]
        if not shown:
            yield f"field {name!r} is not shown"
        elif all(values and value not in values for values in shown):
            yield f"field {name!r} has a value that is not shown"
