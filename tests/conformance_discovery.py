"""Recorded requests and answers held against a Google discovery document.

Every path, query parameter, field, type and enum value of either side must be in the document; what it does not forbid,
it does not declare, and a misspelt field would be refused or ignored.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from include.standins.request_log import Recorded

ERROR = frozenset({"code", "message", "status", "details"})  # google.rpc.Status, which no discovery document repeats
_FORMATS = {
    "google-datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)",
    "google-duration": r"\d+(\.\d{1,9})?s",
    "int64": r"-?\d+",
}


@lru_cache
def _document(path: str) -> Mapping[str, Any]:
    return orjson.loads(Path(path).read_bytes())


def check_discovery(path: str | Path, recorded_requests: Iterable[Recorded], prefix: str) -> list[str]:
    """Every way in which recorded requests and their answers break the document.

    :param path: the discovery document (JSON).
    :param prefix: what stands before its paths, as in ``/google``.
    :returns: one line each, ``METHOD path: what``; empty when all is well.
    """
    document = _document(str(path))
    found = {}
    for one in recorded_requests:
        for violation in _violations(document, one, one.path.removeprefix(prefix + "/")):
            found[f"{one.method} {one.path}: {violation}"] = None
    return list(found)


def _methods(node: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from node.get("methods", {}).values()
    for child in node.get("resources", {}).values():
        yield from _methods(child)


def _violations(document: Mapping[str, Any], one: Recorded, path: str) -> Iterator[str]:
    method = next((m for m in _methods(document) if m["httpMethod"] == one.method and _fits_path(m, path)), None)
    if method is None:
        yield "the document has no such method"
        return
    parameters = {**document["parameters"], **method.get("parameters", {})}
    for name, value in parse_qsl(one.query, keep_blank_values=True):
        if name not in parameters or parameters[name].get("location") == "path":
            yield f"parameter {name!r} is not declared"
        elif parameters[name]["type"] == "boolean" and value not in ("true", "false"):
            yield f"parameter {name!r} is no boolean"
        elif parameters[name]["type"] == "integer" and not value.isdigit():
            yield f"parameter {name!r} is no number"
    if one.body and "request" not in method:
        yield "the method takes no body"
    elif one.body:
        yield from _wrong(document, one.json(), method["request"], "request")
    if one.answer:
        answer = one.answer_json()
        if (one.status or 0) >= 400:
            yield from (f"answer: error.{name} is not known" for name in set(answer["error"]) - ERROR)
        else:
            yield from _wrong(document, answer, method["response"], "answer")


def _fits_path(method: Mapping[str, Any], path: str) -> bool:
    parts = re.split(r"(\{\+?\w+\})", method["path"])
    pattern = "".join(
        method["parameters"][part.strip("{+}")].get("pattern", "[^/]+").strip("^$")
        if part.startswith("{")
        else re.escape(part)
        for part in parts
    )
    return re.fullmatch(pattern, path) is not None


def _wrong(document: Mapping[str, Any], value: Any, kind: Mapping[str, Any], where: str) -> Iterator[str]:
    if "$ref" in kind:
        declared = document["schemas"][kind["$ref"]].get("properties", {})
        if not isinstance(value, dict):
            yield f"{where} is no {kind['$ref']}"
            return
        for name, one in value.items():
            if name not in declared:
                yield f"{where}.{name} is not declared"
            else:
                yield from _wrong(document, one, declared[name], f"{where}.{name}")
    elif kind["type"] == "array":
        if not isinstance(value, list):
            yield f"{where} is no list"
            return
        for one in value:
            yield from _wrong(document, one, kind["items"], f"{where}[]")
    elif not _is_of(kind, value):
        yield f"{where} is no {kind.get('format', kind['type'])}" + (" of its enum" if "enum" in kind else "")


def _is_of(kind: Mapping[str, Any], value: Any) -> bool:
    if kind["type"] == "boolean":
        return isinstance(value, bool)
    if kind["type"] in ("number", "integer"):
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole or (kind["type"] == "number" and isinstance(value, float))
    if not isinstance(value, str) or ("enum" in kind and value not in kind["enum"]):
        return False
    return re.fullmatch(_FORMATS.get(kind.get("format", ""), ".*"), value, re.DOTALL) is not None
