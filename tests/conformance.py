"""Recorded requests and answers held against the vendors' published specifications.

Both sides are checked, so that a connector and its stand-in cannot share an error. Beyond what a validator does,
query parameters and fields of bodies that the specification does not declare are violations too: most specifications
do not forbid them, and a misspelt one would be ignored in silence.
"""

import copy
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import orjson
from openapi_core import Config, OpenAPI
from openapi_core.datatypes import RequestParameters
from openapi_core.exceptions import OpenAPIError
from werkzeug.datastructures import Headers, ImmutableMultiDict

from include.standins.request_log import Recorded

HOST = "http://platform"
CONFIG = Config(
    spec_validator_cls=None,  # some vendors' files have invalid defaults
    extra_media_type_deserializers={"application/problem+json": orjson.loads},
)


@dataclass
class _Request:
    """One recorded request in the shape openapi-core asks for."""

    host_url: str
    path: str
    method: str
    parameters: RequestParameters
    content_type: str
    body: bytes | None


@dataclass
class _Response:
    """Its answer, likewise."""

    status_code: int
    headers: Headers
    content_type: str
    data: bytes | None


@dataclass(frozen=True)
class _Specification:
    document: Mapping[str, Any]
    openapi: OpenAPI

    def resolve(self, node: Mapping[str, Any]) -> Mapping[str, Any]:
        """The node itself, or what its ``$ref`` names."""
        while "$ref" in node:
            target: Any = self.document
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operation(self, method: str, path: str) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """The path's item and its operation; of several templates the one with the most literal text."""
        fitting = [template for template in self.document["paths"] if _pattern(template).fullmatch(path)]
        for template in sorted(fitting, key=lambda one: len(re.sub(r"\{[^}]*\}", "", one)), reverse=True):
            item = self.document["paths"][template]
            if method.lower() in item:
                return item, item[method.lower()]
        return None


@lru_cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(
        "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{[^}]*\})", template))
    )


@lru_cache
def _specification(path: str) -> _Specification:
    document = orjson.loads(Path(path).read_bytes())
    document["servers"] = [{"url": HOST}]
    for operation in _operations(document):
        operation.pop("security", None)  # credentials are struck out before a request is recorded
    document.pop("security", None)
    openapi = OpenAPI.from_dict(copy.deepcopy(document), config=CONFIG)
    return _Specification(document, openapi)


def _operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for item in document["paths"].values():
        yield from (operation for method, operation in item.items() if method != "parameters")


def check_openapi(
    spec_path: str | Path, recorded_requests: Iterable[Recorded], prefix: str, *, allowed: Sequence[str] = ()
) -> list[str]:
    """Every way in which recorded requests and their answers break an OpenAPI file.

    :param spec_path: the vendor's OpenAPI 3 file (JSON).
    :param prefix: what stands before the specification's paths, as in ``/mailchimp/3.0``.
    :param allowed: regular expressions of violations that are known and meant, with a reason where they are given.
    :returns: one line each, ``METHOD path: what``; empty when all is well.
    """
    specification = _specification(str(spec_path))
    found: dict[str, None] = {}
    for one in recorded_requests:
        for violation in _violations(specification, one, prefix):
            line = f"{one.method} {one.path}: {violation}"
            if not any(re.search(pattern, line) for pattern in allowed):
                found[line] = None
    return list(found)


def _violations(specification: _Specification, one: Recorded, prefix: str) -> Iterator[str]:
    if not one.path.startswith(prefix + "/"):
        yield f"the path does not begin with {prefix}"
        return
    path = one.path.removeprefix(prefix)
    found = specification.operation(one.method, path)
    if found is None:
        yield "the specification has no such operation"
        return
    item, operation = found
    query = parse_qsl(one.query, keep_blank_values=True)
    yield from _undeclared_parameters(specification, item, operation, query)
    headers = Headers(list(one.headers.items()))
    kind = headers.get("content-type", "application/json").partition(";")[0]
    parameters = RequestParameters(query=ImmutableMultiDict(query), header=headers, cookie=ImmutableMultiDict())
    sent = headers.get("content-type", kind) if kind.startswith("multipart/") else kind  # a form needs its boundary
    request = _Request(HOST, unquote(path), one.method.lower(), parameters, sent, one.body or None)
    yield from (f"request: {text}" for text in _texts(specification.openapi.iter_request_errors, request))
    if one.body and kind.endswith("json"):
        content = specification.resolve(operation.get("requestBody", {})).get("content", {})
        yield from _undeclared_in(specification, content, kind, one.json(), "request")
    if one.status is not None and one.answer is not None:
        yield from _answer_violations(specification, operation, request, one)


def _answer_violations(
    specification: _Specification, operation: Mapping[str, Any], request: _Request, one: Recorded
) -> Iterator[str]:
    headers = Headers(list(one.answer_headers.items()))
    kind = headers.get("content-type", "").partition(";")[0]
    response = _Response(one.status, headers, kind, one.answer or None)
    responses = operation["responses"]
    if not one.answer:
        if str(one.status) not in responses:
            yield f"answer: the specification has no {one.status} without a body"
        return

    yield from (
        f"answer {one.status}: {text}" for text in _texts(specification.openapi.iter_response_errors, request, response)
    )
    declared = specification.resolve(responses.get(str(one.status), responses.get("default", {})))
    if kind.endswith("json"):
        yield from _undeclared_in(specification, declared.get("content", {}), kind, one.answer_json(), "answer")


def _texts(errors: Any, *arguments: Any) -> Iterator[str]:
    """What a validator says, with the single faults of a schema where it has them."""
    for error in errors(*arguments):
        yield from _unfold(error)


def _unfold(error: BaseException) -> Iterator[str]:
    faults = getattr(error, "schema_errors", None)
    if faults:
        yield from (f"{'.'.join(map(str, fault.absolute_path)) or 'body'}: {fault.message}" for fault in faults)
    elif isinstance(error.__cause__, OpenAPIError):
        yield from _unfold(error.__cause__)
    else:
        yield f"{type(error).__name__}: {error}"


def _undeclared_parameters(
    specification: _Specification,
    item: Mapping[str, Any],
    operation: Mapping[str, Any],
    query: Sequence[tuple[str, str]],
) -> Iterator[str]:
    parameters = [specification.resolve(one) for one in [*item.get("parameters", []), *operation.get("parameters", [])]]
    declared = {one["name"] for one in parameters if one["in"] == "query"}
    declared |= {f"{name}[]" for name in declared}
    yield from (f"query parameter {name!r} is not declared" for name, _ in query if name not in declared)


def _undeclared_in(
    specification: _Specification, content: Mapping[str, Any], kind: str, body: Any, side: str
) -> Iterator[str]:
    media = content.get(kind)
    if media is None:
        if content:
            yield f"{side}: content type {kind} is not declared"
        return
    yield from (
        f"{side}: field {path} is not declared"
        for path in dict.fromkeys(_undeclared(specification, media.get("schema", {}), body, ""))
    )


def _undeclared(specification: _Specification, schema: Mapping[str, Any], value: Any, path: str) -> Iterator[str]:
    """Paths of fields that no branch of the schema declares; a schema without properties declares everything."""
    branches = list(_branches(specification, schema))
    if isinstance(value, list):
        items = next((one["items"] for one in branches if "items" in one), {})
        for one in value:
            yield from _undeclared(specification, items, one, path + "[]")
    if not isinstance(value, dict):
        return
    properties: dict[str, dict[str, Any]] = {}
    for name, inner in ((name, inner) for one in branches for name, inner in one.get("properties", {}).items()):
        properties.setdefault(name, {"allOf": []})["allOf"].append(inner)  # several branches may declare parts of it
    further = next((one["additionalProperties"] for one in branches if one.get("additionalProperties")), None)
    for name, inner in value.items():
        here = f"{path}.{name}" if path else name
        if name in properties:
            yield from _undeclared(specification, properties[name], inner, here)
        elif isinstance(further, dict):
            yield from _undeclared(specification, further, inner, here)
        elif properties and further is None:
            yield here


def _branches(specification: _Specification, schema: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    schema = specification.resolve(schema)
    yield schema
    for word in ("allOf", "anyOf", "oneOf"):
        for branch in schema.get(word, []):
            yield from _branches(specification, branch)
