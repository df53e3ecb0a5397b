"""The ``query`` argument of Shopify's connections: terms with comparators, joined by AND.

Source: https://shopify.dev/docs/api/usage/search-syntax (read 2026-11-21). As on the platform, a term whose field the
connection does not know is ignored, and a warning in ``extensions.search`` is all there is to see of it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.standins.store import FAR_FUTURE, Document, Filter

_TERM = re.compile(
    r"""(?P<field>[a-z_]+):(?P<comparator>>=|<=|>|<|)\s*(?:'(?P<single>[^']*)'|"(?P<double>[^"]*)"|(?P<bare>\S+))"""
)
_TIMES = {"updated_at": "updatedAt", "created_at": "createdAt", "processed_at": "processedAt"}
FIELDS: Mapping[str, frozenset[str]] = {
    "customer": frozenset({"id", "email", "phone", "updated_at"}),
    "order": frozenset({"id", "email", "created_at", "processed_at", "updated_at", "customer_id", "financial_status"}),
    "abandoned_checkout": frozenset({"id", "created_at", "updated_at"}),
}


class BadFilter(ValueError):
    """A value that cannot be read."""


@dataclass(frozen=True)
class Term:
    """One condition that the store cannot answer itself."""

    field: str
    comparator: str
    value: str


@dataclass(frozen=True)
class Query:
    """What of the text is a span of change times, what else is to hold, and which fields are not known."""

    within: Filter
    rest: tuple[Term, ...]
    unknown: tuple[str, ...]


def read(text: str | None, kind: str) -> Query:
    """Read a filter.

    :raises BadFilter: a time that is none.
    """
    since, before, rest, unknown = -FAR_FUTURE, FAR_FUTURE, [], []
    for found in _TERM.finditer(text or ""):
        term = Term(found["field"], found["comparator"], found["single"] or found["double"] or found["bare"] or "")
        if term.field not in FIELDS[kind]:
            unknown.append(term.field)
        elif term.field != "updated_at":
            rest.append(term)
        else:
            low, high = _span(term)
            since, before = max(since, low), min(before, high)
    return Query(Filter(since=since, before=before), tuple(rest), tuple(unknown))


def _span(term: Term) -> tuple[int, int]:
    """Change times in ms that a term on a time lets through, as [low, high)."""
    at = _ms(term.value)
    spans = {
        ">=": (at, FAR_FUTURE),
        ">": (at + 1000, FAR_FUTURE),
        "<": (-FAR_FUTURE, at),
        "<=": (-FAR_FUTURE, at + 1000),
    }
    return spans.get(term.comparator, (at, at + 1000))  # times have whole seconds


def _ms(text: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadFilter("a time of the filter cannot be read") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)


def holds(term: Term, document: Document) -> bool:
    """Whether a document meets a term."""
    body: Mapping[str, Any] = document.body
    if term.field in _TIMES:
        low, high = _span(term)
        return low <= _ms(body[_TIMES[term.field]]) < high
    if term.field == "id":
        mine, value = int(document.id), int(term.value.rpartition("/")[2])
        return {">=": mine >= value, ">": mine > value, "<": mine < value, "<=": mine <= value}.get(
            term.comparator, mine == value
        )
    return _text(term.field, body).lower() == term.value.lower()


def _text(field: str, body: Mapping[str, Any]) -> str:
    customer = body.get("customer") or {}
    address, number = body.get("defaultEmailAddress") or {}, body.get("defaultPhoneNumber") or {}
    return str(
        {
            "email": body.get("email") or address.get("emailAddress"),
            "phone": number.get("phoneNumber"),
            "customer_id": customer.get("legacyResourceId"),
            "financial_status": body.get("displayFinancialStatus"),
        }[field]
        or ""
    )
