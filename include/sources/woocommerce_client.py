"""WooCommerce's REST interface, version 3: two ways to sign in, pages by headers, refusals in its own words or none.

Sources (read 2026-11-22): https://woocommerce.github.io/woocommerce-rest-api-docs/ (authentication, pagination, errors)
and WooCommerce's own ``class-wc-rest-authentication.php``. Over HTTPS the consumer key and secret go as Basic; over
plain HTTP that is refused and every call is signed by OAuth 1.0a, with its parameters in the query, since WordPress
cannot read raw headers everywhere. The interface has no limits; the firewall or host in front of the shop has, and
answers 429, 503, or a 403 that is a page for people.
"""

from typing import Any, NamedTuple

import msgspec
import orjson
import requests
from requests.auth import AuthBase
from requests_oauthlib import OAuth1

from include.errors import AudienceflowError, AuthError, FatalError, RetriableError
from include.http_client import JsonClient, by_status, retry_after
from include.limits import Limiter

API = "/wp-json/wc/v3"
TOTAL = "X-WP-Total"

_read_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Listing(NamedTuple):
    """One page: its rows as sent, and how many rows the whole listing has at this moment."""

    rows: list[bytes]
    total: int


class WooCommerceClient(JsonClient):
    """A session with one shop. ``/wp-json/wc/v3`` is added when the connection's host does not end with it."""

    def __init__(self, base_url: str, consumer_key: str, secret: str, *, limiter: Limiter | None = None) -> None:
        super().__init__(
            api_root(base_url), auth=credentials(base_url, consumer_key, secret), classify=classify, limiter=limiter
        )

    def listing(self, path: str, params: dict[str, Any]) -> Listing:
        """Ask for a page of a list; raises like `JsonClient.request`.

        :raises FatalError: the answer does not say how many rows there are.
        """
        answer = self.request("GET", path, params=params, decode=_read_rows, headed=True)
        total = answer.headers.get(TOTAL, "")
        if not total.isdigit():
            raise FatalError(
                f"GET {path}: the answer has no {TOTAL}; a cache or proxy in front of the shop takes it "
                "away. Let it pass, or point the connection past it.",
                code="no_total",
            )
        return Listing([bytes(raw) for raw in answer.body or ()], int(total))


def api_root(base_url: str) -> str:
    """The interface's address from the shop's."""
    root = base_url.rstrip("/")
    return root if root.endswith(API) else root + API


def credentials(base_url: str, consumer_key: str, secret: str) -> AuthBase | tuple[str, str]:
    """Basic over HTTPS; over plain HTTP a signature of each call, so that the secret never travels."""
    if base_url.lower().startswith("https://"):
        return consumer_key, secret
    return OAuth1(consumer_key, client_secret=secret, signature_method="HMAC-SHA256", signature_type="query")


def classify(response: requests.Response) -> AudienceflowError | None:
    """WooCommerce's error table. What refuses without its words is not the shop but what stands before it."""
    if response.status_code < 400:
        return None
    code = _code(response)
    if response.status_code == 403 and code is None:
        return RetriableError(
            "answered 403 with a page for people: a firewall in front of the shop.",
            retry_after=retry_after(response),
            code="403",
        )
    if code == "rest_no_route":
        return FatalError(
            "answered rest_no_route: there is no WooCommerce at the connection's host, or the site's "
            "permalinks are plain; WooCommerce needs pretty ones.",
            code=code,
        )
    problem = by_status(response)
    if isinstance(problem, AuthError) and code:
        return AuthError(
            f"answered {response.status_code} {code}: the consumer key is refused or may not read; "
            "check the Airflow connection and the key's permissions.",
            code=code,
        )
    if type(problem) is FatalError:
        return FatalError(f"answered {response.status_code} {code or ''}: the request is refused.", code=code)
    return problem


def _code(response: requests.Response) -> str | None:
    """WordPress' name of the refusal; None where the body is none of its own."""
    try:
        value = orjson.loads(response.content).get("code")
    except (ValueError, AttributeError):
        return None
    return value if isinstance(value, str) else None
