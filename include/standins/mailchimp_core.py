"""Mailchimp: what its endpoints share. A call, an answer, a problem, paging, and the choice of fields."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from include.standins.kit import Context, Document, Store

PLATFORM = "mailchimp"
MOST_A_PAGE = 1000
DEFAULT_A_PAGE = 10
PAGING = frozenset({"count", "offset", "fields", "exclude_fields"})
CHOOSING = frozenset({"fields", "exclude_fields"})


class Problem(Exception):
    """An answer of type application/problem+json.

    :param errors: ``(field, message)`` each.
    """

    def __init__(self, status: int, title: str, detail: str, errors: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = errors

    def body(self) -> dict[str, Any]:
        """As the platform writes it."""
        shown: dict[str, Any] = {
            "type": "https://mailchimp.com/developer/marketing/docs/errors/",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": str(uuid.uuid4()),
        }
        if self.errors:
            shown["errors"] = [{"field": name, "message": message} for name, message in self.errors]
        return shown


def invalid(name: str, message: str) -> Problem:
    """400, with the one field that is wrong."""
    detail = "The resource submitted could not be validated. For field-specific details, see the 'errors' array."
    return Problem(400, "Invalid Resource", detail, ((name, message),))


def not_found() -> Problem:
    """404."""
    return Problem(404, "Resource Not Found", "The requested resource could not be found.")


@dataclass(frozen=True)
class Call:
    """One call of one endpoint, however it came: over HTTP, or as an operation of a batch."""

    context: Context
    path: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    base_url: str = ""

    @property
    def store(self) -> Store:
        return self.context.store

    def list_id(self) -> str:
        """The list of the path.

        :raises Problem: 404, there is no such list.
        """
        if self.store.get(PLATFORM, "list", self.path["list_id"]) is None:
            raise not_found()
        return self.path["list_id"]

    def sent(self, *required: str) -> dict[str, Any]:
        """The body, an object with at least these fields.

        :raises Problem: 400, it is not.
        """
        if not isinstance(self.body, dict):
            raise invalid("", "Schema describes object, something else found instead")
        missing = [name for name in required if self.body.get(name) in (None, "")]
        if missing:
            raise invalid(missing[0], "Required fields were not provided: " + ", ".join(missing))
        return self.body

    def page(self) -> tuple[int, int]:
        """``count`` and ``offset``; 10 and 0 when not asked for.

        :raises Problem: 400, more than 1000 or not a number.
        """
        count, offset = self.query.get("count", str(DEFAULT_A_PAGE)), self.query.get("offset", "0")
        if not count.isdigit() or int(count) > MOST_A_PAGE:
            raise invalid("count", "This value should be between 0 and 1000.")
        if not offset.isdigit():
            raise invalid("offset", "This value should be 0 or more.")
        return int(count), int(offset)

    def flag(self, name: str) -> bool:
        """A boolean of the query; false when it is not there."""
        return self.query.get(name, "false").lower() in ("true", "1")

    def moment(self, name: str) -> int | None:
        """A time of the query in whole seconds since the epoch; None when it is not there.

        :raises Problem: 400, it is not ISO 8601.
        """
        if name not in self.query:
            return None
        try:
            moment = datetime.fromisoformat(self.query[name].replace(" ", "+"))  # an unescaped + arrives as a space
        except ValueError:
            raise invalid(name, "Schema describes datetime, string found instead") from None
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@dataclass(frozen=True)
class Answer:
    """Status and body; 204 has none."""

    status: int = 200
    body: Any = None


NOTHING = Answer(204)


@dataclass(frozen=True)
class Endpoint:
    """One row of the platform's table of endpoints.

    :param query: parameters it understands. Others are refused, which the platform is too polite to do.
    """

    method: str
    path: str
    handler: Callable[[Call], Answer]
    query: frozenset[str] = frozenset()

    def answer(self, call: Call) -> Answer:
        """Run the handler and keep of its body what ``fields`` and ``exclude_fields`` ask for.

        :raises Problem: any refusal.
        """
        unknown = set(call.query) - self.query
        if unknown:
            raise invalid(min(unknown), "The stand-in does not know this query parameter here.")
        answer = self.handler(call)
        body = answer.body
        if body is not None and "fields" in call.query:
            body = _only(body, _paths(call.query["fields"]))
        if body is not None and "exclude_fields" in call.query:
            body = _without(body, _paths(call.query["exclude_fields"]))
        return Answer(answer.status, body)


def shown(document: Document) -> dict[str, Any]:
    """A document's body without what is not the platform's: names with a leading underscore."""
    return {name: value for name, value in document.body.items() if not name.startswith("_")}


def _paths(fields: str) -> list[list[str]]:
    return [one.strip().split(".") for one in fields.split(",")]


def _only(value: Any, paths: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_only(one, paths) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if below:
            kept[name] = inner if [] in below else _only(inner, below)
    return kept


def _without(value: Any, paths: list[list[str]]) -> Any:
    if isinstance(value, list):
        return [_without(one, paths) for one in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, inner in value.items():
        below = [path[1:] for path in paths if path[0] == name]
        if [] not in below:
            kept[name] = _without(inner, below) if below else inner
    return kept
