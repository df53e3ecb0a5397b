"""Google Analytics: whether the service account may view the property, and what is left of its tokens of a day.

Source: Data API, quotas (a standard property has 200,000 tokens a day). A service account's key does not end; what a
person consented to in test mode ends after seven days, which nothing tells: write ``expires_on`` into the connection.
"""

from include.destinations.base import Checked
from include.limits import Quota
from include.sources.ga4 import Ga4Client

TOKENS_A_DAY = 200_000  # of a standard property


def check(client: Ga4Client) -> Checked:
    """Read the number of yesterday's sessions."""
    days = [{"startDate": "yesterday", "endDate": "yesterday"}]
    told = client.report({"dateRanges": days, "metrics": [{"name": "sessions"}], "limit": "1"})
    left = told.get("propertyQuota", {}).get("tokensPerDay", {}).get("remaining")
    quota = {} if left is None else {"tokens a day": Quota(max(TOKENS_A_DAY, int(left)), int(left), lasts=True)}
    return Checked(f"property {client.property_id}", ("analytics.readonly",), quota=quota)
