"""Recorded requests to Meta's Graph API held against the specification its SDKs are generated from.

The files tell parameters with types, enums, and the fields of nodes; they do not tell what ``/users`` answers nor what
all of the Graph API has in common. Those names are listed here, with where they are from.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import orjson

from include.standins.request_log import Recorded

GRAPH = frozenset({"access_token", "method", "fields", "limit", "after", "before", "summary"})  # Graph API, every edge
GUIDE = {"users": frozenset({"customer_consent"})}  # "Customer File Custom Audiences", April 2026
UPLOAD_ANSWER = frozenset({"audience_id", "session_id", "num_received", "num_invalid_entries", "invalid_entry_samples"})
ERROR = frozenset(
    {"message", "type", "code", "error_subcode", "error_user_title", "error_user_msg", "is_transient", "fbtrace_id"}
)
_ACCOUNT_EDGE = re.compile(r"/v\d+\.0/act_\d+/(\w+)")
_AUDIENCE_EDGE = re.compile(r"/v\d+\.0/\d+(?:/(\w+))?")
_NODE_METHODS = {"GET": "#get", "POST": "#update", "DELETE": "#delete"}
_EDGE_NODES = {"sessions": "CustomAudienceSession", "customaudiencestos": "CustomAudiencesTOS"}


@lru_cache
def _read(path: str) -> Any:
    return orjson.loads(Path(path).read_bytes())


def check_graph(folder: str | Path, recorded_requests: Iterable[Recorded], prefix: str) -> list[str]:
    """Every way in which recorded requests and their answers break Meta's specification.

    :param folder: the folder of the SDK specification's files.
    :param prefix: what stands before the version, as in ``/meta``.
    :returns: one line each, ``METHOD path: what``; empty when all is well.
    """
    found = {}
    for one in recorded_requests:
        for violation in _violations(Path(folder), one, one.path.removeprefix(prefix)):
            found[f"{one.method} {one.path}: {violation}"] = None
    return list(found)


def _violations(folder: Path, one: Recorded, path: str) -> Iterator[str]:
    on_account, on_audience = _ACCOUNT_EDGE.fullmatch(path), _AUDIENCE_EDGE.fullmatch(path)
    edge = on_account[1] if on_account else on_audience[1] if on_audience else None
    params = _params(one)
    method = str(params.get("method", one.method)).upper()
    file = "AdAccount.customaudience-edges.json" if on_account else "CustomAudience.json"
    call = next(
        (
            api
            for api in _read(str(folder / file))["apis"]
            if api["method"] == method
            and (api.get("endpoint") == edge if edge else api.get("name") == _NODE_METHODS.get(method))
        ),
        None,
    )
    if call is None or not (on_account or on_audience):
        yield "the specification has no such call"
        return
    enums = {enum["name"]: enum["values"] for enum in _read(str(folder / "enum_types.customaudience.json"))}
    declared = {param["name"]: param for param in call["params"]}
    for name, value in params.items():
        if name not in declared and name not in GRAPH | GUIDE.get(edge or "", frozenset()):
            yield f"parameter {name!r} is not declared"
        elif name in declared and not _fits(declared[name]["type"], value, enums):
            yield f"parameter {name!r} is not of type {declared[name]['type']}"
    yield from (
        f"parameter {name!r} is required"
        for name, param in declared.items()
        if param["required"] and name not in params
    )
    if one.answer:
        yield from _undeclared_answer(folder, edge, method, one)


def _params(one: Recorded) -> dict[str, Any]:
    params: dict[str, Any] = dict(parse_qsl(one.query, keep_blank_values=True))
    if not one.body:
        return params
    if one.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return params | dict(parse_qsl(one.body.decode(), keep_blank_values=True))
    return params | one.json()


def _fits(type: str, value: Any, enums: Mapping[str, list[str]]) -> bool:
    """Whether a value is of a type of the specification; forms carry lists and objects as JSON text."""
    if type in enums:
        return value in enums[type]
    if type in ("Object", "map") or type.startswith("list<"):
        if isinstance(value, str) and value[:1] in "[{":
            value = orjson.loads(value)
        return isinstance(value, list | str if type.startswith("list<") else dict)
    if type == "bool":
        return isinstance(value, bool) or value in ("true", "false", "1", "0")
    return str(value).isdigit() if type == "unsigned int" else isinstance(value, str)


def _undeclared_answer(folder: Path, edge: str | None, method: str, one: Recorded) -> Iterator[str]:
    answer = one.answer_json()
    if "error" in answer:
        yield from (f"answer: field error.{name} is not known" for name in answer["error"] if name not in ERROR)
        return
    node = _EDGE_NODES.get(edge or "", "CustomAudience")
    declared = {field["name"] for field in _read(str(folder / f"{node}.json"))["fields"]} | {"success"}
    if edge in ("users", "usersreplace", "usersofanyaudience"):
        declared = UPLOAD_ANSWER
    shown = answer["data"] if method == "GET" and edge else [answer]
    yield from dict.fromkeys(
        f"answer: field {name} is not known" for row in shown for name in row if name not in declared
    )
