"""Klaviyo: what its endpoints share. JSON:API errors and paging, filters, and the limits of an endpoint."""

import base64
import re
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson

from include.standins.kit import Context, Json, Store

PLATFORM = "klaviyo"
MEDIA_TYPE = "application/vnd.api+json"
MOST_VALUES = 100  # of one `any(…)`, as many as a page of profiles can answer
MOST_OF_URL = 8_000  # characters
_FILTER = re.compile(r"(?P<operator>[a-z-]+)\((?P<field>[\w.]+),(?P<value>.*)\)", re.DOTALL)


class Refused(Exception):
    """An answer ``{"errors": […]}``.

    :param errors: ``(code, title, detail, source)`` each; source is a pointer into the body or ``parameter=<name>``.
    """

    def __init__(self, status: int, *errors: tuple[str, str, str, str]) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors

    def response(self, **headers: str) -> Json:
        """As the platform writes it."""
        told = [
            {"id": str(uuid.uuid4()), "code": code, "title": title, "detail": detail, "source": _source(source)}
            for code, title, detail, source in self.errors
        ]
        return Json({"errors": told}, self.status, headers=headers, media_type=MEDIA_TYPE)


def _source(source: str) -> dict[str, str]:
    name, is_parameter, value = source.partition("=")
    return {name: value} if is_parameter else {"pointer": source}


def invalid(detail: str, source: str = "/data") -> Refused:
    """400: the input is wrong."""
    return Refused(400, ("invalid", "Invalid input.", detail, source))


def not_found(kind: str, id: str, source: str = "/data") -> Refused:
    """404."""
    return Refused(404, ("not_found", "Not found.", f"A {kind} with id {id} does not exist.", source))


@dataclass(frozen=True)
class Call:
    """One request, its token and revision accepted.

    :ivar base_url: of the platform as the caller sees it, for links; ``here``: the request's own URL; ``size``:
        bytes of the body.
    """

    context: Context
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Any
    base_url: str
    here: str
    size: int = 0

    @property
    def store(self) -> Store:
        return self.context.store

    def link(self, path: str) -> str:
        return f"{self.base_url}/api/{path}"

    def links(self, path: str) -> dict[str, str]:
        return {"self": self.link(path)}


@dataclass(frozen=True)
class Answer:
    """What an endpoint answers; no body: 204."""

    status: int
    body: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Endpoint:
    """A path with its limits.

    :param parameters: of the query that it takes; any other is refused.
    :param burst: calls a second; ``steady``: calls a minute; ``daily``: calls a day, if there is such a limit.
    """

    method: str
    path: str
    answer: Callable[[Call], Answer]
    parameters: Collection[str] = field(default=())
    burst: int = 10
    steady: int = 150
    daily: int | None = None


def read_filter(call: Call, allowed: Mapping[str, Collection[str]]) -> tuple[str, str, Any] | None:
    """``(field, operator, value)`` of ``filter``, None without one.

    :param allowed: operators by field, as the endpoint's documentation lists them.
    """
    text = call.query.get("filter")
    if not text:
        return None
    found = _FILTER.fullmatch(text.strip())
    if found is None or found["operator"] not in allowed.get(found["field"], ()):
        raise Refused(400, ("invalid", "Invalid input.", "Invalid filter provided.", "parameter=filter"))
    value = filter_value(found["value"].strip())
    if (found["operator"] == "any") != isinstance(value, list):
        raise Refused(400, ("invalid", "Invalid input.", "The filter's value has the wrong type.", "parameter=filter"))
    if isinstance(value, list) and not 0 < len(value) <= MOST_VALUES:
        detail = f"A filter takes from 1 to {MOST_VALUES} values."
        raise Refused(400, ("invalid", "Invalid input.", detail, "parameter=filter"))
    return found["field"], found["operator"], value


def filter_value(text: str) -> Any:
    """A value in double quotes or a list of such as JSON has them; single quotes too; a bare word is a time."""
    single = re.fullmatch(r"'((?:[^'\\]|\\.)*)'", text, re.DOTALL)
    if single:
        return re.sub(r"\\(.)", r"\1", single[1])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def page_size(call: Call, default: int, most: int) -> int:
    given = call.query.get("page[size]", str(default))
    if not given.isdigit() or not 1 <= int(given) <= most:
        raise Refused(
            400, ("invalid", "Invalid input.", f"Page size must be from 1 to {most}.", "parameter=page[size]")
        )
    return int(given)


def page(call: Call, rows: list[Any], default: int, most: int) -> tuple[list[Any], dict[str, str]]:
    """The rows of the page asked for, and the links around it. A cursor is opaque to the caller."""
    size = page_size(call, default, most)
    cursor = call.query.get("page[cursor]")
    try:
        start = int(base64.urlsafe_b64decode(cursor)) if cursor else 0
    except ValueError:
        raise Refused(400, ("invalid", "Invalid input.", "The cursor is invalid.", "parameter=page[cursor]")) from None
    links = {"self": call.here}
    if start + size < len(rows):
        following = base64.urlsafe_b64encode(str(start + size).encode()).decode()
        links["next"] = f"{call.here.partition('?')[0]}?{urlencode({**call.query, 'page[cursor]': following})}"
    return rows[start : start + size], links


def stamp(ms: int) -> str:
    """Epoch milliseconds as the platform writes times."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


def chosen(call: Call, kind: str, attributes: dict[str, Any]) -> dict[str, Any]:
    """Attributes that ``fields[kind]`` asks for: all without it. A part is asked for as ``location.city``."""
    wanted = call.query.get(f"fields[{kind}]")
    if wanted is None:
        return attributes
    tops = {name.partition(".")[0] for name in wanted.split(",")}
    return {name: value for name, value in attributes.items() if name in tops}
