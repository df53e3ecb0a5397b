"""What Klaviyo as a source and as a destination share: revision, headers, pages, and the limits of its endpoints."""

from urllib.parse import parse_qs, urlsplit

from include.limits import Rate

REVISION = "2026-07-15"
MEDIA_TYPE = "application/vnd.api+json"
JOBS = "/profile-bulk-import-jobs"
# Per endpoint, as the specification states them (burst and steady); the shared limiter takes them together. Asking for
# predictive_analytics would cut those of profiles to 10 and 150: it is never asked for.
RATES = (
    Rate(10, 1, rf"^POST {JOBS}$"),
    Rate(150, 60, rf"^POST {JOBS}$"),
    Rate(10, 1, rf"^GET {JOBS}"),
    Rate(150, 60, rf"^GET {JOBS}"),
    Rate(10, 1, r"^DELETE /lists/"),
    Rate(150, 60, r"^DELETE /lists/"),
    Rate(10, 1, r"^POST /lists$"),
    Rate(75, 1, r"^GET /profiles$"),
    Rate(700, 60, r"^GET /profiles$"),
    Rate(350, 1, r"^GET /events$"),
    Rate(3500, 60, r"^GET /events$"),
)


def api_root(base_url: str) -> str:
    """The address calls are made under: of the connection's host, with any path prefix."""
    return f"{base_url.rstrip('/')}/api"


def headers(token: str) -> dict[str, str]:
    """What every call carries; without ``revision`` the platform refuses it."""
    return {"Authorization": f"Klaviyo-API-Key {token}", "revision": REVISION, "Accept": MEDIA_TYPE}


def cursor(link: str | None) -> str | None:
    """The cursor of a link to the next page. Only the cursor is taken of it: a link may name any host, and the key must
    go to the connection's own."""
    found = parse_qs(urlsplit(link).query).get("page[cursor]") if link else None
    return found[0] if found else None
