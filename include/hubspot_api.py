"""What HubSpot as a source and as a destination share: the limits of an account."""

from include.limits import Rate

# https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines and .../api-reference/search/guide
# (read 2026-11-21): 190 requests in 10 s for a private app of a Professional account (an answer's headers state the
# plan's own figure), 625,000 a day, 5 searches a second.
SEARCHES = "/search$"
RATES = (Rate(190, 10), Rate(625_000, 86_400), Rate(5, 1, only=SEARCHES))
