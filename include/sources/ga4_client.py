"""A session with one property of Google Analytics 4: the Data API's calls, errors and quotas."""

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from include.google_auth import GoogleAuth
from include.http_client import JsonClient, by_status, pause_asked
from include.limits import Limiter

SCOPE = "https://www.googleapis.com/auth/analytics.readonly"
CONNECTIONS = 10  # requests of one property at once
TRIES = 3  # a property has ten server errors an hour: trying long would use them up for everybody
_PACIFIC = ZoneInfo("America/Los_Angeles")  # Google counts a day from midnight there


class Ga4Client(JsonClient):
    """A session with one property.

    :param secret: as `GoogleAuth` takes it.
    """

    def __init__(self, base_url: str, secret: str, property_id: str, *, limiter: Limiter | None = None) -> None:
        super().__init__(base_url, auth=GoogleAuth(secret, SCOPE), classify=classify, tries=TRIES,
                         connections=CONNECTIONS, limiter=limiter)
        self.property_id = str(property_id).removeprefix("properties/")

    def report(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The answer of ``runReport``, with the property's quota; raises like `JsonClient.request`."""
        path = f"/v1beta/properties/{self.property_id}:runReport"
        return self.request("POST", path, json={**body, "returnPropertyQuota": True})


def client(base_url: str, secret: str, property_id: str, *, limiter: Limiter | None = None) -> Ga4Client:
    """A session; ``secret`` is a service account's key file whose user is a viewer of the property."""
    return Ga4Client(base_url, secret, property_id, limiter=limiter)


def classify(response: requests.Response) -> AudienceflowError | None:
    """The Data API's error table, by ``status`` and the reason of ``ErrorInfo``.

    Which quota is used up is known by the words alone, and no page of Google's states them: they are those that other
    connectors to this interface recorded (read 2026-11-22).
    """
    if response.status_code < 400:
        return None
    status, reason, message = _told(response)
    if response.status_code == 429 or status == "RESOURCE_EXHAUSTED":
        asked = pause_asked(response)
        return QuotaError("answered 429: a quota of the property is used up.",
                          retry_after=_until_renewed(message) if asked is None else asked, code="429")
    if reason == "SERVICE_DISABLED":
        return AuthError("answered SERVICE_DISABLED: switch on the Google Analytics Data API in the service account's "
                         "Google Cloud project.", code=reason)
    if status == "PERMISSION_DENIED" or response.status_code == 403:
        return AuthError("answered 403: the service account may not read this property; make its e-mail address a "
                         "viewer of the property in Google Analytics.", code="403")
    if response.status_code == 400:
        return FatalError("answered 400: the property does not have a dimension or metric of the report, or not "
                          "together; correct include/sources/ga4.yaml.", code="400")
    return by_status(response)


def _told(response: requests.Response) -> tuple[str, str, str]:
    """Status, reason and words of an error; the words only tell quotas apart: nobody sees them."""
    try:
        error = orjson.loads(response.content)["error"]
        reasons = [str(one["reason"]) for one in error.get("details", ()) if "reason" in one]
        return str(error.get("status", "")), (reasons or [""])[0], str(error.get("message", "")).lower()
    except (orjson.JSONDecodeError, LookupError, TypeError, AttributeError):
        return "", "", ""


def _until_renewed(message: str) -> float | None:
    """Seconds until the quota that is named comes back; None for one of requests at once, which a moment renews.

    A day's quota says "per day … will return in under 24 hours": the day is looked for first. That of requests that may
    be thresholded, an hour's, names no time.
    """
    now = datetime.now(_PACIFIC)
    if "concurrent" in message:
        return None
    if "per day" in message:
        tomorrow = datetime.combine(now.date() + timedelta(days=1), time(), _PACIFIC)
        return (tomorrow - now.astimezone(UTC)).total_seconds()
    if "hour" in message or "thresholded" in message:
        return (now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1) - now).total_seconds()
    return None
