"""JSON of a call to a platform as people may look at it: its structure, without a value that could be personal.

Kept are keys, booleans, null, empty strings, counts and codes under well-known keys, and the first rows of each list.
Everything else is replaced by what it was: ``<text>``, ``<number>``, ``<hash>``. What is not certain is masked: the
platforms' sentences too, because they quote addresses.
"""

import re
from typing import Any

import orjson

ROWS = 2  # of each list
KEYS = 60  # of each object
DEPTH = 12
LENGTH = 4000  # characters of the whole

_KEY = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.$\-]{0,40}")
_HASH = re.compile(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.\-]{0,60}")
_COUNT = re.compile(r"(num|total)_[a-z_]+|[A-Za-z_]*[cC]ount|batch_seq|limit|numErrors|offset|progress|total")
_NUMBERS = frozenset(
    {"code", "errorCode", "error_code", "error_subcode", "index", "status", "statusCode", "status_code"}
)
_CODES = frozenset({
    "action", "adPersonalization", "adUserData", "calculate_type", "category", "code", "encoding", "errorCode",
    "errorType", "error_code", "id_schema", "operation", "policyName", "processingType", "requestStatus", "schema",
    "stage", "status", "subCategory", "type",
})
_PEOPLE = frozenset({"contact", "contacts", "customers", "members", "people", "profiles", "subscribers", "users"})
_ACTIONS = frozenset({"", "add", "batch", "export", "import", "lists", "read", "remove", "search", "update", "upsert"})


def masked(value: Any) -> str:
    """The masked value as JSON, cut after LENGTH characters; constant in time whatever the size."""
    text = orjson.dumps(_masked(value, "", DEPTH, in_row=False), option=orjson.OPT_NON_STR_KEYS).decode()
    return text if len(text) <= LENGTH else text[:LENGTH] + " …"


def masked_path(path: str) -> str:
    """A path without query, and without whatever in it may name a person."""
    parts = path.partition("?")[0].split("/")
    return "/".join(
        part if _harmless(part) and (before not in _PEOPLE or part in _ACTIONS) else "…"
        for before, part in zip(["", *parts], parts, strict=False)
    )


def _harmless(part: str) -> bool:
    return not (_HASH.fullmatch(part) or "@" in part or "%" in part or "+" in part)


def _masked(value: Any, key: str, depth: int, *, in_row: bool) -> Any:
    """``in_row``: within an element of a list, where a count would be one person's."""
    if value is None or value is True or value is False or value == "":
        return value
    if isinstance(value, str):
        return _text(value, key)
    if isinstance(value, int | float):
        return value if key in _NUMBERS or (not in_row and _COUNT.fullmatch(key)) else "<number>"
    if depth == 0:
        return "<more>"
    if isinstance(value, dict):
        return _object(value, depth, in_row=in_row)
    if isinstance(value, list | tuple):
        rows = [_masked(row, key, depth - 1, in_row=True) for row in value[:ROWS]]
        return rows if len(value) <= ROWS else [*rows, f"<{len(value) - ROWS} more>"]
    return f"<{type(value).__name__}>"


def _object(value: dict[Any, Any], depth: int, *, in_row: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for name, inner in list(value.items())[:KEYS]:
        known = isinstance(name, str) and _KEY.fullmatch(name) and not _HASH.fullmatch(name)
        shown[name if known else "<key>"] = _masked(inner, name if known else "", depth - 1, in_row=in_row)
    if len(value) > KEYS:
        shown["<more>"] = len(value) - KEYS
    return shown


def _text(value: str, key: str) -> str:
    if key in _CODES and _CODE.fullmatch(value) and not _HASH.fullmatch(value):
        return value
    return "<hash>" if _HASH.fullmatch(value) else "<text>"
