"""What Google Analytics' stand-in answers a report with: facts by day and dimensions, as far as they are known."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from include.standins.google_core import invalid
from include.standins.kit import Store
from include.standins.store import EVERYTHING

OTHER = "(other)"
# As much of the API's schema as reports of a shop use (developers.google.com/analytics/devguides/reporting/data/v1).
DIMENSIONS = frozenset({
    "date", "sessionDefaultChannelGroup", "sessionSource", "sessionMedium", "sessionCampaignName", "landingPage",
    "pagePath", "deviceCategory", "country", "city", "eventName", "newVsReturning",
})  # fmt: skip
METRICS = {
    "sessions": "TYPE_INTEGER", "engagedSessions": "TYPE_INTEGER", "totalUsers": "TYPE_INTEGER",
    "activeUsers": "TYPE_INTEGER", "newUsers": "TYPE_INTEGER", "screenPageViews": "TYPE_INTEGER",
    "eventCount": "TYPE_INTEGER", "keyEvents": "TYPE_FLOAT", "purchaseRevenue": "TYPE_CURRENCY",
    "userEngagementDuration": "TYPE_SECONDS",
}  # fmt: skip


@dataclass(frozen=True)
class Counted:
    """All rows of a report in the order that was asked for, and its ``metadata``."""

    rows: list[dict[str, Any]]
    metadata: dict[str, Any]


def counted(store: Store, now_ms: int, body: Mapping[str, Any]) -> Counted:
    """The report, of the facts that are known at this moment."""
    zone = store.get_setting("ga4.timezone", "Europe/Berlin")
    first, last = days_of(body["dateRanges"][0], zone, now_ms)
    dimensions = [one["name"] for one in body.get("dimensions", [])]
    metrics = [one["name"] for one in body["metrics"]]
    sums = _sums(store, now_ms, first, last, dimensions, metrics)
    metadata: dict[str, Any] = {"currencyCode": "EUR", "timeZone": zone}
    sums = _limited(store, sums, dimensions, metadata)
    keys = sorted(sums)
    for order in reversed(body.get("orderBys", [])):
        place = dimensions.index(order["dimension"]["dimensionName"])
        keys.sort(key=lambda key, place=place: key[place], reverse=bool(order.get("desc")))
    return Counted([_row(key, sums[key], metrics) for key in keys], metadata)


def days_of(asked: Mapping[str, str], zone: str, now_ms: int) -> tuple[date, date]:
    """First and last day of a range; ``today``, ``yesterday`` and ``NdaysAgo`` are the property's.

    :raises Refused: 400, a day that is none, or a range that ends before it begins.
    """
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(ZoneInfo(zone)).date()
    first, last = (_day(asked.get(name, ""), today) for name in ("startDate", "endDate"))
    if last < first:
        raise invalid("date_ranges", "INVALID_ARGUMENT", "The end date must not be before the start date.")
    return first, last


def _day(text: str, today: date) -> date:
    ago = re.fullmatch(r"(\d+)daysAgo", text)
    named = {"today": 0, "yesterday": 1}
    if ago or text in named:
        return today - timedelta(days=int(ago[1]) if ago else named[text])
    try:
        return date.fromisoformat(text if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else "")
    except ValueError:
        raise invalid("date_ranges", "INVALID_ARGUMENT", "A date is not of the form YYYY-MM-DD.") from None


def _sums(
    store: Store, now_ms: int, first: date, last: date, dimensions: Sequence[str], metrics: Sequence[str]
) -> dict[tuple[str, ...], list[float]]:
    sums: dict[tuple[str, ...], list[float]] = {}
    for fact in (document.body for document in store.page("ga4", "fact", EVERYTHING, order="id", limit=-1)):
        known = fact.get("known_at", 0) <= now_ms < fact.get("gone_at", now_ms + 1)
        if not known or not first.isoformat() <= fact["date"] <= last.isoformat():
            continue
        of_day = {"date": fact["date"].replace("-", ""), **fact["dimensions"]}
        key = tuple(of_day.get(name, "(not set)") for name in dimensions)
        row = sums.setdefault(key, [0.0] * len(metrics))
        for place, name in enumerate(metrics):
            row[place] += fact["metrics"].get(name, 0)
    return {key: row for key, row in sums.items() if any(row)}  # rows of nothing but zeros are not shown


def _limited(
    store: Store, sums: dict[tuple[str, ...], list[float]], dimensions: Sequence[str], metadata: dict[str, Any]
) -> dict[tuple[str, ...], list[float]]:
    """What the platform leaves out, and says so."""
    threshold, most = store.get_setting("ga4.threshold"), store.get_setting("ga4.cardinality")
    sampled = store.get_setting("ga4.sampled")
    if threshold:
        sums = {key: row for key, row in sums.items() if row[0] >= threshold}
        metadata["subjectToThresholding"] = True
    if sampled:
        metadata["samplingMetadatas"] = [{"samplesReadCount": str(sampled[0]), "samplingSpaceSize": str(sampled[1])}]
    if most and len(sums) > most:
        kept = sorted(sums, key=lambda key: (-sums[key][0], key))[:most]
        rest = [row for key, row in sums.items() if key not in set(kept)]
        other = {(OTHER,) * len(dimensions): [sum(column) for column in zip(*rest, strict=True)]}
        sums = {**{key: sums[key] for key in kept}, **other}
        metadata["dataLossFromOtherRow"] = True
    return sums


def _row(key: Sequence[str], sums: Sequence[float], metrics: Sequence[str]) -> dict[str, Any]:
    values = [
        str(int(value)) if METRICS[name] == "TYPE_INTEGER" else f"{value:g}"
        for name, value in zip(metrics, sums, strict=True)
    ]
    row: dict[str, Any] = {"metricValues": [{"value": value} for value in values]}
    return {"dimensionValues": [{"value": value} for value in key], **row} if key else row
