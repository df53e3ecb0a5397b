"""Matomo's Reporting API on this machine: Live.getLastVisitsDetails and SitesManager.getSiteFromId.

Built after the reference of the API and the code of its module Live, version 5: ten visits unless ``filter_limit`` says
otherwise (-1: all), newest first unless ``filter_sort_order=asc``, always by the last action; a day that is asked for
as ``period=day`` begins a day early when it is today; a day's end includes the midnight after it, and today has none;
``minTimestamp`` is strictly later-than; a token counts only in the body of a POST. Errors have the statuses of version
5.7, those of the database HTTP 200.

Visits are documents (``matomo_records``); an archived one was deleted. Settings of the store: ``matomo.sites``,
``matomo.slow_above`` (more visits than that at once are aborted by the database's time limit).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from include.standins.kit import Context, Json, Store
from include.standins.matomo_records import kind_of
from include.standins.store import Filter

PLATFORM = "matomo"
DEFAULT_LIMIT = 10
SITE = {
    "idsite": "1",
    "name": "Shop",
    "main_url": "https://shop.example",
    "ecommerce": "0",
    "timezone": "Europe/Berlin",
    "currency": "EUR",
    "type": "website",
}
REFUSED_TEXT = (
    "Unable to authenticate with the provided token. It is either invalid, expired or is required to be sent as a POST "
    "parameter."
)
SLOW_TEXT = "The query was aborted: maximum execution time exceeded. Try a smaller limit."


class _Error(Exception):
    """An answer ``{"result": "error"}``."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def prepare(store: Store, now_ms: int) -> None:
    """One site, older than any visit of the merchant."""
    created = datetime.fromtimestamp(now_ms / 1000, UTC) - timedelta(days=75)
    store.set_setting("matomo.sites", {"1": {**SITE, "ts_created": created.strftime("%Y-%m-%d %H:%M:%S")}})
    store.set_setting("matomo.account", {"site_ids": ["1"]})


def fault_answer(kind: str, seconds: float) -> Response:
    """What stands before Matomo answers to a fault: it has no limits and no words of its own for them."""
    if kind == "throttle":
        return PlainTextResponse("Too Many Requests", 429, headers={"Retry-After": str(int(seconds))})
    return _error(REFUSED_TEXT, 401) if kind == "expired_token" else PlainTextResponse("Bad Gateway", 502)


def routes(context: Context) -> list[BaseRoute]:
    """The one path there is."""

    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        return await run_in_threadpool(_answer, context, request, raw)

    return [Route(path, endpoint, methods=["GET", "POST"]) for path in ("/index.php", "/")]


def _error(message: str, status: int) -> Response:
    return Json({"result": "error", "message": message}, status)


def _answer(context: Context, request: Request, raw: bytes) -> Response:
    form: dict[str, str] = {}
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        form = {name: values[-1] for name, values in parse_qs(raw.decode(), keep_blank_values=True).items()}
    asked = {**dict(request.query_params), **form}
    if form.get("token_auth") != context.tokens[PLATFORM] or request.method != "POST":
        return _error(REFUSED_TEXT, 401)
    methods = {"Live.getLastVisitsDetails": _visits, "SitesManager.getSiteFromId": _site}
    try:
        if asked.get("module") != "API" or asked.get("format", "").upper() != "JSON":
            raise _Error("The requested module or format does not exist here.")
        if asked.get("method") not in methods:
            raise _Error(f"The method '{asked.get('method', '')}' does not exist or is not available.")
        return Json(methods[asked["method"]](context, asked))
    except _Error as error:
        return _error(str(error), error.status)


def _site(context: Context, asked: Mapping[str, str]) -> dict[str, Any]:
    id = asked.get("idSite", "")
    found = context.store.get_setting("matomo.sites", {}).get(id)
    if found is None:
        raise _Error(f"You can't access this resource as it requires 'view' access for the website id = {id}.", 401)
    return found


def _visits(context: Context, asked: Mapping[str, str]) -> list[dict[str, Any]]:
    site = _site(context, asked)
    limit, offset = _number(asked, "filter_limit", DEFAULT_LIMIT), _number(asked, "filter_offset", 0)
    slow = context.store.get_setting("matomo.slow_above")
    if slow is not None and not 0 <= limit <= slow:
        raise _Error(SLOW_TEXT, 200)
    since, before = _range(asked, ZoneInfo(site["timezone"]), context.now())
    least = _number(asked, "minTimestamp", 0)
    if least:
        since = max(since, (least + 1) * 1000)
    found = context.store.page(
        PLATFORM,
        kind_of(site["idsite"]),
        Filter(since, before),
        descending=asked.get("filter_sort_order", "").lower() != "asc",
        limit=limit if limit >= 1 else -1,
        offset=max(0, offset),
    )
    bare = asked.get("doNotFetchActions") in ("1", "true")
    hidden = set(filter(None, asked.get("hideColumns", "").split(",")))
    shown = [{**one.body, "actionDetails": []} if bare else one.body for one in found]
    return [_without(visit, hidden) for visit in shown]


def _number(asked: Mapping[str, str], name: str, default: int) -> int:
    try:
        return int(asked.get(name) or default)
    except ValueError:
        raise _Error(f"The parameter '{name}' isn't a number.") from None


def _range(asked: Mapping[str, str], zone: ZoneInfo, now: datetime) -> tuple[int, int]:
    """Epoch milliseconds: from, and before; the last moment that counts is the midnight after the last day."""
    period, text = asked.get("period", ""), asked.get("date", "")
    today = now.astimezone(zone).date()
    try:
        days = [date.fromisoformat(part) for part in text.split(",")]
    except ValueError:
        raise _Error(f"The date '{text}' has an invalid format.") from None
    if period not in ("day", "range") or len(days) != (2 if period == "range" else 1) or days[-1] < days[0]:
        raise _Error(f"The period '{period}' is not supported with this date.")
    first, last = days[0], days[-1]
    if period == "day" and first == today:
        first -= timedelta(days=1)
    end = now + timedelta(days=400) if last == today else _midnight(last + timedelta(days=1), zone)
    return _ms(_midnight(first, zone)), _ms(end) + 1000


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)


def _ms(at: datetime) -> int:
    return int(at.astimezone(UTC).timestamp() * 1000)


def _without(value: Any, hidden: set[str]) -> Any:
    """Columns that ``hideColumns`` names are left out, also in what a visit lists."""
    if isinstance(value, list):
        return [_without(one, hidden) for one in value]
    if isinstance(value, dict):
        return dict(_kept(value, hidden))
    return value


def _kept(value: Mapping[str, Any], hidden: set[str]) -> Iterator[tuple[str, Any]]:
    yield from ((name, _without(one, hidden)) for name, one in value.items() if name not in hidden)
