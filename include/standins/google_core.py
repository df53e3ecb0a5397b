"""Google's Data Manager API: what its endpoints share. Requests read by the public schema, errors as google.rpc.Status.

``google_messages.json`` is the vendor's discovery document, cut down to the fields of requests; a test holds it to the
document. A field it does not know, a value of another type or an enum's name that is none refuses the request, as the
platform's JSON parser does. Enums may be names or numbers, 64-bit numbers text or numbers (proto3 JSON).
"""

import hashlib
import hmac
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
from starlette.responses import Response

from include.standins.kit import Context, Json, Store

PLATFORM = "google"
Messages = Mapping[str, Mapping[str, Any]]
MESSAGES: Messages = orjson.loads(Path(__file__).with_name("google_messages.json").read_bytes())[
    "messages"
]
STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}
TOKEN_SECONDS = 3600
SEPARATELY_NAMED = re.compile(r"(?<!^)(?=[A-Z])")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")
_DURATION = re.compile(r"-?\d+(\.\d{1,9})?s")


@dataclass(frozen=True)
class Violation:
    """One wrong field: its path in the request (``audience_members[3].user_data``), and the platform's reason."""

    field: str
    reason: str
    description: str


class Refused(Exception):
    """An answer that is a google.rpc.Status."""

    def __init__(self, status: int, reason: str, message: str, violations: Sequence[Violation] = (), **metadata: str):
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.message = message
        self.violations = violations
        self.metadata = metadata

    def response(self, *, retry_seconds: float | None = None, domain: str = "datamanager.googleapis.com") -> Response:
        details: list[dict[str, Any]] = [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": self.reason,
                "domain": domain,
                "metadata": {"service": "datamanager.googleapis.com", **self.metadata},
            }
        ]
        if self.violations:
            shown = [{"field": v.field, "description": v.description, "reason": v.reason} for v in self.violations]
            details.append({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": shown})
        if retry_seconds is not None:
            delay = f"{retry_seconds:g}s"
            details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
        request_id = hashlib.sha256(str(time.monotonic_ns()).encode()).hexdigest()[:16]
        details.append({"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id})
        status = STATUS.get(self.status, "UNKNOWN")
        error = {"code": self.status, "message": self.message, "status": status, "details": details}
        return Json({"error": error}, self.status)


def invalid(field: str, reason: str, description: str) -> Refused:
    """400 for one field."""
    return Refused(400, reason, description, [Violation(field, reason, description)])


@dataclass(frozen=True)
class Call:
    """One call; ``body`` has been held to the schema."""

    context: Context
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        return self.context.store


def read(raw: bytes, message: str, messages: Messages = MESSAGES) -> dict[str, Any]:
    """The body as a message, enums by name.

    :param messages: the fields of each message, as in ``google_messages.json``.
    :raises Refused: 400, no JSON, or fields the message does not have.
    """
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = None
    if not isinstance(body, dict):
        raise Refused(400, "INVALID_ARGUMENT", "Invalid JSON payload received. Unexpected token.")
    wrong: list[Violation] = []
    found = _message(body, message, "", wrong, messages)
    if wrong:
        raise Refused(400, "INVALID_ARGUMENT", wrong[0].description, wrong)
    return found


def _message(value: Any, name: str, path: str, wrong: list[Violation], messages: Messages) -> Any:
    if not isinstance(value, dict):
        wrong.append(_not_of_type(path, value))
        return {}
    found = {}
    for key, given in value.items():
        kind = messages[name].get(key)
        if kind is None:
            text = f"Invalid JSON payload received. Unknown name {key!r} at {path or 'request'!r}: Cannot find field."
            wrong.append(Violation(path, "INVALID_ARGUMENT", text))
        elif given is not None:
            found[key] = _value(given, kind, f"{path}.{snake(key)}".lstrip("."), wrong, messages)
    return found


def _value(value: Any, kind: Any, path: str, wrong: list[Violation], messages: Messages) -> Any:
    if isinstance(kind, dict):
        if not isinstance(value, list):
            wrong.append(_not_of_type(path, value))
            return []
        return [_value(one, kind["repeated"], f"{path}[{place}]", wrong, messages) for place, one in enumerate(value)]
    if isinstance(kind, list):
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < len(kind):
            return kind[value]
        if value not in kind:
            wrong.append(_not_of_type(path, value))
        return value
    if kind.startswith("@"):
        return _message(value, kind[1:], path, wrong, messages)
    if not _SCALARS[kind](value):
        wrong.append(_not_of_type(path, value))
    return value


def _not_of_type(path: str, value: Any) -> Violation:
    return Violation(path, "INVALID_ARGUMENT", f"Invalid value at {path!r} (type {type(value).__name__})")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_whole(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch(r"-?\d+", value) is not None
    )


_SCALARS = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "double": _is_number,
    "int32": _is_whole,
    "int64": _is_whole,
    "google-datetime": lambda value: isinstance(value, str) and _TIME.fullmatch(value) is not None,
    "google-duration": lambda value: isinstance(value, str) and _DURATION.fullmatch(value) is not None,
}


def snake(name: str) -> str:
    """``userData`` → ``user_data``: how paths of errors name fields."""
    return SEPARATELY_NAMED.sub("_", name).lower()


def time_ms(value: str) -> int:
    """Epoch milliseconds of a timestamp."""
    return int(datetime.fromisoformat(value).timestamp() * 1000)


def issue_token(secret: str, now: float) -> str:
    """An access token that says until when it holds, signed: nothing needs to be remembered."""
    until = str(int(now + TOKEN_SECONDS))
    return f"ya29.{until}.{_signature(secret, until)}"


def is_token(secret: str, token: str, now: float) -> bool:
    """Whether the token was issued here and still holds."""
    _, _, rest = token.partition("ya29.")
    until, _, signature = rest.partition(".")
    genuine = hmac.compare_digest(signature, _signature(secret, until))
    return genuine and until.isdigit() and int(until) > now


def _signature(secret: str, until: str) -> str:
    return hmac.new(secret.encode(), until.encode(), hashlib.sha256).hexdigest()


def pages(items: Sequence[Any], size: int, token: str | None) -> tuple[Sequence[Any], str | None]:
    """One page of ``items`` and the token of the next.

    :raises Refused: the token is none.
    """
    if token and not token.isdigit():
        raise invalid("page_token", "INVALID_PAGE_TOKEN", "The page token is invalid.")
    start = int(token or 0)
    return items[start : start + size], str(start + size) if start + size < len(items) else None
