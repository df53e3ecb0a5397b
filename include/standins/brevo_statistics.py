"""Brevo: what happened to e-mails, one by one. Days, not moments, at most 90 of them at once; no ids.

Kind ``email_event``: number → the event as it is told, in the order in which they were written down.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from include.standins.brevo_core import PLATFORM, Call, invalid, missing
from include.standins.kit import EVERYTHING, Document

KINDS = frozenset(
    {
        "bounces",
        "hardBounces",
        "softBounces",
        "delivered",
        "spam",
        "requests",
        "opened",
        "clicks",
        "invalid",
        "deferred",
        "blocked",
        "unsubscribed",
        "error",
        "loadedByProxy",
    }
)
MOST_A_PAGE, MOST_DAYS = 5000, 90
_EXACT = ("event", "email", "messageId", "templateId")
_QUERY = (
    "limit",
    "offset",
    "startDate",
    "endDate",
    "days",
    "event",
    "email",
    "tags",
    "messageId",
    "templateId",
    "sort",
)


def events(call: Call) -> tuple[int, Any]:
    """``GET /smtp/statistics/events``: the newest first unless asked otherwise; none is an empty object."""
    call.known(query=_QUERY)
    limit, offset = call.number("limit", 2500, MOST_A_PAGE), call.number("offset", 0)
    begin, end = _days(call)
    kind = call.query.get("event")
    if kind is not None and kind not in KINDS:
        raise invalid("event is not one of those there are")
    every = call.store.page(PLATFORM, "email_event", EVERYTHING, order="id", limit=-1)
    found = [one.body for one in every if begin <= _day(one) <= end and _fits(call, one)]
    ordered = found[::-1] if call.descending() else found
    shown = ordered[offset : offset + limit]
    return 200, {"events": shown} if shown else {}


def _days(call: Call) -> tuple[date, date]:
    today = datetime.fromtimestamp(call.context.now_ms() / 1000, UTC).date()
    given = [call.query.get(name) for name in ("startDate", "endDate")]
    if "days" in call.query:
        if any(given):
            raise invalid("days is not compatible with startDate and endDate")
        return today - timedelta(days=call.number("days", 30, MOST_DAYS) - 1), today
    if not any(given):
        return today - timedelta(days=29), today
    if not all(given):
        raise missing("startDate and endDate are needed together")
    try:
        begin, end = (date.fromisoformat(str(one)) for one in given)
    except ValueError:
        raise invalid("startDate and endDate are days in the form YYYY-MM-DD") from None
    if begin > end or end > today or (end - begin).days >= MOST_DAYS:
        raise invalid(f"The date range is of 1 to {MOST_DAYS} days and ends today at the latest")
    return begin, end


def _day(one: Document) -> date:
    return datetime.fromisoformat(one.body["date"]).date()


def _fits(call: Call, one: Document) -> bool:
    return all(str(one.body.get(name)) == call.query[name] for name in _EXACT if name in call.query) and (
        "tags" not in call.query or one.body.get("tag") in [tag.strip() for tag in call.query["tags"].split(",")]
    )
