"""What platforms say about their limits, in headers of their own: how long to wait, and what the account may do.

Sources: RFC 9110 (Retry-After); IETF draft "RateLimit header fields" as Klaviyo uses it (RateLimit-Limit, -Remaining,
-Reset; on a 429 only Retry-After); Brevo, API limits (x-sib-ratelimit-*); HubSpot, usage guidelines
(X-HubSpot-RateLimit-*); Salesforce, REST API limits (Sforce-Limit-Info: api-usage=18/5000, of a rolling day);
google.rpc.RetryInfo in the body of a Google error (all read 2026-11-21).
"""

import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson
import requests

RESETS = ("RateLimit-Reset", "X-RateLimit-Reset", "x-sib-ratelimit-reset")
LEFT = (
    ("RateLimit-Remaining", "RateLimit-Reset"),
    ("X-RateLimit-Remaining", "X-RateLimit-Reset"),
    ("x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"),
)
# Limits as answers state them: by what people call them, the header of the limit, of what is left, whether that lasts.
STATED = {
    "calls a day": ("X-HubSpot-RateLimit-Daily", "X-HubSpot-RateLimit-Daily-Remaining", True),
    "calls at a time": ("X-HubSpot-RateLimit-Max", "X-HubSpot-RateLimit-Remaining", False),
    "calls in the window": ("RateLimit-Limit", "RateLimit-Remaining", False),
    "calls in Brevo's window": ("x-sib-ratelimit-limit", "x-sib-ratelimit-remaining", False),
}
EPOCH = 1_000_000_000  # a reset above this is a moment, below it seconds from now
SALESFORCE_USAGE = re.compile(r"api-usage=(\d+)/(\d+)")
ROLLING_DAY, ROLLING_PAUSE = 86_400.0, 3_600.0  # used calls of a rolling day come back hour by hour
RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"


def retry_after(response: requests.Response) -> float | None:
    """Seconds of the Retry-After header, which is a number or an HTTP date; None when it is missing or neither."""
    value = response.headers.get("Retry-After", "").strip()
    if (seconds := _number(value)) is not None:
        return seconds
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def pause_asked(response: requests.Response) -> float | None:
    """Seconds an answer that says "too many" asks to wait, wherever it says so; None when it does not."""
    asked = retry_after(response)
    if asked is None:
        asked = _retry_info(response)
    if asked is None:
        asked = next((found for name in RESETS if (found := _reset(response, name)) is not None), None)
    return asked


def used_up(response: requests.Response) -> float | None:
    """Seconds until calls come back, when an answer says that it was the last one of its window; else None."""
    for remaining, reset in LEFT:
        if response.headers.get(remaining, "").strip() == "0":
            return _reset(response, reset)
    usage = SALESFORCE_USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
    return ROLLING_PAUSE if usage and int(usage[1]) >= int(usage[2]) else None


def stated_limit(response: requests.Response) -> tuple[int, float] | None:
    """Calls and seconds of the account's own limit, where the answer states both (HubSpot, Salesforce); else None."""
    if usage := SALESFORCE_USAGE.search(response.headers.get("Sforce-Limit-Info", "")):
        return int(usage[2]), ROLLING_DAY
    calls = _number(response.headers.get("X-HubSpot-RateLimit-Max", ""))
    milliseconds = _number(response.headers.get("X-HubSpot-RateLimit-Interval-Milliseconds", ""))
    return (int(calls), milliseconds / 1000) if calls and milliseconds else None


def left(headers: Mapping[str, str]) -> dict[str, tuple[int, int, bool]]:
    """Of each limit an answer states: how many, how many are left, whether that lasts for the day."""
    found: dict[str, tuple[int, int, bool]] = {}
    for name, (limit, remaining, lasts) in STATED.items():
        most, rest = _first(headers.get(limit, "")), _first(headers.get(remaining, ""))
        if most is not None and rest is not None:
            found[name] = (most, rest, lasts)
    if usage := SALESFORCE_USAGE.search(headers.get("Sforce-Limit-Info", "")):
        used, most = int(usage[1]), int(usage[2])
        found["calls a day"] = (most, max(0, most - used), True)
    return found


def _first(text: str) -> int | None:
    """The number a limit begins with: Klaviyo and the draft write ``75, 75;w=1, 700;w=60``."""
    number = _number(text.partition(",")[0].partition(";")[0])
    return None if number is None else int(number)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def _reset(response: requests.Response, name: str) -> float | None:
    value = _number(response.headers.get(name, ""))
    return max(0.0, value - time.time()) if value is not None and value > EPOCH else value


def _retry_info(response: requests.Response) -> float | None:
    """``error.details[]`` of a Google answer, with ``"retryDelay": "12.5s"``."""
    if b"RetryInfo" not in response.content:
        return None
    try:
        details: Any = orjson.loads(response.content)["error"]["details"]
        found = [one["retryDelay"] for one in details if one.get("@type") == RETRY_INFO]
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return None
    return _number(str(found[0]).removesuffix("s")) if found else None
