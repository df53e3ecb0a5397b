"""Google Analytics 4: a service account's key does not end; each answer tells what is left of the property's tokens."""

from collections.abc import Mapping
from typing import Any

from include.destinations.base import Checked
from include.limits import Quota
from include.sources.ga4_client import Ga4Client

# Of a standard property; one of Analytics 360 has ten times as many. The answer tells what is left, not of how many.
TOKENS = {"tokensPerDay": ("tokens a day", 200_000), "tokensPerProjectPerHour": ("tokens an hour", 14_000)}


def check(client: Ga4Client) -> Checked:
    """One small report of yesterday."""
    yesterday = [{"startDate": "yesterday", "endDate": "yesterday"}]
    answer = client.report({"dateRanges": yesterday, "metrics": [{"name": "eventCount"}], "limit": "1"})
    zone = answer.get("metadata", {}).get("timeZone", "UTC")
    return Checked(f"property {client.property_id}", limits={"time zone": zone}, quota=_quota(answer))


def _quota(answer: Mapping[str, Any]) -> dict[str, Quota]:
    told = answer.get("propertyQuota", {})
    left = {name: told[name]["remaining"] for name in TOKENS if "remaining" in told.get(name, {})}
    return {TOKENS[name][0]: Quota(max(TOKENS[name][1], remaining), remaining, lasts=name == "tokensPerDay")
            for name, remaining in left.items()}
