"""Google Analytics 4: reports of one property, day by day, through the Data API.

Source: Data API v1beta, discovery document of 2026-10-06, and its guide on quotas (read 2026-11-22). A report is asked
for one day at a time, which is sampled and rolled into "(other)" least, and pages go by offset up to ``rowCount`` in an
order that is ours. Days are those of the property's own time zone; today is not asked for, because it is not over.
Google restates a day for up to 72 hours: those days are read again, and what a day no longer has is gone.

What a report lacks is told with each of its rows: ``other_row`` (small values are rolled into one), ``thresholded``
(rows about few people are left out), ``sampled``, ``truncated``. A property has tokens for an hour and a day, shared
with everybody who looks at its dashboards: a load stops at a day's end while some are left, and the next one goes on
there.
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from typing import Any
from zoneinfo import ZoneInfo

import orjson

from include.errors import ConfigError, FatalError, QuotaError, RetriableError
from include.sources.ga4_client import Ga4Client, client
from include.sources.pages import TOMBSTONE, Page, Row, Window, page_size

PAGE_SIZE = 50_000  # the vendor's maximum is 250,000, which do not fit into memory
DIMENSIONS, METRICS = 9, 10  # the vendor's maxima of one report
RESTATED_DAYS = 3
HISTORY_DAYS = 365
KEPT_TOKENS = 1_000  # left to dashboards and people
RESTARTS = 5
TOKENS = ("tokensPerDay", "tokensPerHour", "tokensPerProjectPerHour")
COUNTED = ("serverErrorsPerProjectPerHour", "potentiallyThresholdedRequestsPerHour")
log = logging.getLogger(__name__)
__all__ = ["Ga4Client", "Report", "client", "reports", "reports_of"]


@dataclass(frozen=True)
class Report:
    """One report of ga4.yaml.

    :param dimensions: their API names, at most nine; the day is not among them, each is asked for by itself.
    :param metrics: their API names, at most ten.
    """

    name: str
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]


def reports_of(options: Mapping[str, Any]) -> list[Report]:
    """The reports that ga4.yaml asks for.

    :raises ConfigError: one of them is none, or longer than the vendor allows.
    """
    asked = {name: one for name, one in (options.get("reports") or {}).items() if name is not None}
    if not asked:
        raise ConfigError("include/sources/ga4.yaml: options.reports names no report; give at least one a name, "
                          "dimensions and metrics.")
    return [_report(name, one) for name, one in asked.items()]


def _report(name: str, one: Any) -> Report:
    lists = [one.get(key) if isinstance(one, dict) else None for key in ("dimensions", "metrics")]
    for found, most, what in zip(lists, (DIMENSIONS, METRICS), ("dimensions", "metrics"), strict=True):
        if not isinstance(found, list) or not 1 <= len(found) <= most or not all(isinstance(n, str) for n in found):
            raise ConfigError(f"include/sources/ga4.yaml: the report {name!r} needs a list of 1 to {most} {what}.")
    if "date" in lists[0]:
        raise ConfigError(f"include/sources/ga4.yaml: take date out of the report {name!r}; every row has its day.")
    return Report(str(name), tuple(lists[0]), tuple(lists[1]))


def reports(client: Ga4Client, window: Window, mapping: Mapping[str, Any]) -> Iterator[Page]:
    """Yield the rows of all reports, day by day, oldest first; a load can be resumed behind each day.

    A row: ``report``, ``date`` (ISO), ``dimensions`` and ``metrics`` by name, values as Google sends them (texts), and
    ``lacks``, what its report lacks. Keyed by report, day and dimensions.

    :raises QuotaError: not even one day could be read.
    :raises FatalError: paging would never end, or a report is refused.
    :raises RetriableError: a report kept changing while its pages were read.
    """
    options = mapping["options"]
    wanted, kept = reports_of(options), int(options.get("keep_tokens", KEPT_TOKENS))
    loading, overview = window.since is None or bool(window.state.get("loading")), _overview(client, window, options)
    first, end = _begin(window, overview.zone, options), window.until.astimezone(overview.zone).date()
    size, low, day = page_size(mapping, PAGE_SIZE), False, first
    while day < end:
        if low:
            log.warning("ga4.reports: the property's quota is nearly used up; the next load goes on at %s.", day)
            return
        for report in wanted if day in overview.days or not loading else ():
            try:
                for answered in _day(client, report, day, size):
                    low = low or _is_low(answered.quota, kept)
                    yield answered.page
            except QuotaError:
                if day == first:
                    raise
                log.warning("ga4.reports: the property's quota is used up; the next load goes on at %s.", day)
                return
            yield Page([], whole=(f"{report.name}:{day}:",))
        day += timedelta(days=1)
        start = datetime.combine(day, time(), overview.zone).astimezone(UTC)
        yield Page([], {"since": start.isoformat(), "next_day": day.isoformat(), "loading": loading})
    yield Page([], {"since": window.until.isoformat()})


@dataclass(frozen=True)
class _Overview:
    """The property's time zone, and on which days it measured anything: a first load asks about no others."""

    zone: ZoneInfo
    days: frozenset[date]


def _overview(client: Ga4Client, window: Window, options: Mapping[str, Any]) -> _Overview:
    """One question about all days, in the property's own words for them, because only its answer tells the zone."""
    since = window.since or window.until - timedelta(days=int(options.get("history_days", HISTORY_DAYS)))
    days = (datetime.now(UTC) - since).days + int(options.get("restated_days", RESTATED_DAYS)) + 2
    answer = client.report({
        "dateRanges": [{"startDate": f"{max(days, 1)}daysAgo", "endDate": "yesterday"}],
        "dimensions": [{"name": "date"}],
        "metrics": [{"name": "eventCount"}],
        "limit": str(PAGE_SIZE),
    })
    found = (row["dimensionValues"][0]["value"] for row in answer.get("rows", ()))
    zone = ZoneInfo(answer.get("metadata", {}).get("timeZone") or "UTC")
    return _Overview(zone, frozenset(date.fromisoformat(day) for day in found if day.isdigit()))


def _begin(window: Window, zone: ZoneInfo, options: Mapping[str, Any]) -> date:
    """The first day to read. A load that stopped goes on where it did, without reading restated days again."""
    if window.since is None:
        return window.until.astimezone(zone).date() - timedelta(days=int(options.get("history_days", HISTORY_DAYS)))
    stored = window.state.get("next_day")
    if stored and datetime.fromisoformat(window.state["since"]) <= window.since:
        return date.fromisoformat(stored)
    return window.since.astimezone(zone).date() - timedelta(days=int(options.get("restated_days", RESTATED_DAYS)))


@dataclass(frozen=True)
class _Answered:
    page: Page
    quota: Mapping[str, Any]


def _day(client: Ga4Client, report: Report, day: date, size: int) -> Iterator[_Answered]:
    """One report of one day; read anew when it was restated between two pages, and then what went is gone."""
    abandoned = set[str]()
    for _ in range(RESTARTS):
        keys, count = set[str](), None
        while count is None or len(keys) < count:
            answer = client.report(_body(report, day, size, len(keys)))
            restated = count is not None and answer.get("rowCount", 0) != count
            if restated:
                break
            count, before = answer.get("rowCount", 0), len(keys)
            page = _page(report, day, answer)
            keys.update(row.key for row in page.rows)
            yield _Answered(page, answer.get("propertyQuota", {}))
            if len(keys) == before and count > before:
                raise FatalError("Google Analytics: a page brings nothing new; paging would never end.")
        else:
            gone = [Row(key, TOMBSTONE) for key in sorted(abandoned - keys)]
            if gone:
                yield _Answered(Page(gone), {})
            return
        abandoned |= keys
    raise RetriableError(f"Google Analytics: the report {report.name!r} of {day} keeps changing; try again later.")


def _body(report: Report, day: date, size: int, offset: int) -> dict[str, Any]:
    """A page of a day. The order is that of the dimensions, so that the next page follows this one."""
    return {
        "dateRanges": [{"startDate": day.isoformat(), "endDate": day.isoformat()}],
        "dimensions": [{"name": name} for name in report.dimensions],
        "metrics": [{"name": name} for name in report.metrics],
        "orderBys": [{"dimension": {"dimensionName": name}} for name in report.dimensions],
        "limit": str(size),
        "offset": str(offset),
    }


def _page(report: Report, day: date, answer: Mapping[str, Any]) -> Page:
    dimensions = [header["name"] for header in answer.get("dimensionHeaders", ())]
    metrics = [header["name"] for header in answer.get("metricHeaders", ())]
    lacks = _lacks(answer)
    if lacks and not answer.get("rows"):
        log.warning("ga4.reports: %s of %s has no row to show (%s).", report.name, day, ", ".join(lacks))
    return Page([_row(report, day, _named(dimensions, row.get("dimensionValues", ())),
                      _named(metrics, row.get("metricValues", ())), lacks) for row in answer.get("rows", ())])


def _named(names: Sequence[str], values: Sequence[Mapping[str, str]]) -> dict[str, str | None]:
    return {name: value.get("value") for name, value in zip(names, values, strict=True)}


def _row(report: Report, day: date, dimensions: Mapping[str, Any], metrics: Mapping[str, Any],
         lacks: Sequence[str]) -> Row:
    digest = blake2b(orjson.dumps(dimensions, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()
    told = {"report": report.name, "date": day.isoformat(), "dimensions": {"report": report.name, **dimensions},
            "metrics": metrics, "lacks": lacks}
    return Row(f"{report.name}:{day}:{digest}", orjson.dumps(told))


def _lacks(answer: Mapping[str, Any]) -> list[str]:
    """What the platform says is not in this report."""
    told = answer.get("metadata", {})
    found = {"other_row": told.get("dataLossFromOtherRow"), "sampled": told.get("samplingMetadatas"),
             "thresholded": told.get("subjectToThresholding"), "truncated": told.get("dataTruncationReasons")}
    return [name for name, said in found.items() if said]


def _is_low(quota: Mapping[str, Any], kept: int) -> bool:
    """Whether so little of a quota is left that dashboards and people would feel another day's report."""
    left = {name: status["remaining"] for name, status in quota.items() if "remaining" in status}
    return any(left.get(name, kept + 1) <= kept for name in TOKENS) or any(left.get(name, 2) <= 1 for name in COUNTED)
