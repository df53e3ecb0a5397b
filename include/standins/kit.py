"""What every stand-in is handed, and the few things all of them need.

A platform is a module ``include.standins.<platform>`` with::

    def routes(context: Context) -> list[BaseRoute]: ...            # paths as the vendor has them, without the prefix
    def fault_answer(kind: str, seconds: float) -> Response: ...    # optional: the vendor's own words for a fault
    def audience_members(store: Store) -> dict: ...                 # optional: for /_control/members
    def settle(context: Context) -> None: ...                        # optional: what is due by now, before that
    def prepare(store: Store, now_ms: int) -> None: ...             # optional: once, after the merchant is generated
    def account(store: Store, base_url: str) -> dict: ...           # optional: more for the connection, or a token
    CONNECTIONS_AT_ONCE: int                                        # optional: a limit the server holds

``fault_answer`` gets "throttle" (``seconds``: how long to wait), "error" (5xx) or "expired_token" and returns what
the platform answers then, headers included; without it a plain answer is given. Faults, the request log and the
prefix are the server's work: an endpoint never sees them. Endpoints may be plain functions (they run in a thread).
"""

import base64
import binascii
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from include.standins.faults import FaultPlan
from include.standins.limits import Clock
from include.standins.request_log import RequestLog
from include.standins.store import EVERYTHING, Document, Filter, Order, Store

__all__ = ["EVERYTHING", "TOKENS", "Context", "Document", "Filter", "Json", "Order", "Store", "json_body", "token_of"]

# The only credentials the stand-ins take. They open nothing but this machine's invented merchant.
TOKENS: Mapping[str, str] = {
    "hubspot": "pat-standin-hubspot",
    "shopify": "shpat_standin",
    "woocommerce": "cs_standin_woocommerce",
    "mailchimp": "standinkey-us1",
    "meta": "EAAstandin",
    "klaviyo": "pk_standin_klaviyo",
    "google": "standin-google-token-signature",
    "slack": "T000/B000/standin",
    "webhook": "whsec_c3RhbmRpbi13ZWJob29rLXNpZ25pbmctc2VjcmV0LTAx",
    "brevo": "xkeysib-standin",
    "tiktok": "standin-tiktok-access-token",
    "matomo": "0123456789abcdef0123456789abcdef",
    "ga4": "standin-ga4-token-signature",
    "salesforce": "standin-salesforce-consumer-secret",
}


@dataclass
class Context:
    """What a platform may use.

    :param clock: seconds since the epoch; tests move it forward through ``/_control/clock``.
    """

    store: Store
    log: RequestLog
    faults: FaultPlan
    tokens: Mapping[str, str] = field(default_factory=lambda: TOKENS)
    clock: Clock = time.time

    def now_ms(self) -> int:
        """The platforms' present, epoch milliseconds."""
        return int(self.clock() * 1000)

    def now(self) -> datetime:
        """The platforms' present, in UTC."""
        return datetime.fromtimestamp(self.clock(), UTC)


class Json(Response):
    """A JSON answer, written by orjson."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        return orjson.dumps(content)


def json_body(raw: bytes) -> Any:
    """The decoded body, or None when it is empty.

    :raises ValueError: it is not JSON.
    """
    return orjson.loads(raw) if raw else None


def token_of(request: Request) -> str | None:
    """The secret of the Authorization header: a Bearer token, or the password of Basic."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return None
    return None
