"""How WooCommerce knows who asks: Basic over HTTPS, OAuth 1.0a "one-legged" over plain HTTP, and never the other way.

Written from the steps of https://woocommerce.github.io/woocommerce-rest-api-docs/#authentication and WooCommerce's
``class-wc-rest-authentication.php`` (read 2026-11-22), without the library that connectors sign with.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from urllib.parse import parse_qsl, quote

from starlette.requests import Request

REQUIRED = ("oauth_consumer_key", "oauth_timestamp", "oauth_nonce", "oauth_signature", "oauth_signature_method")
METHODS = {"HMAC-SHA1": hashlib.sha1, "HMAC-SHA256": hashlib.sha256}
WINDOW = 15 * 60  # seconds a signature may be away from now, and a nonce is remembered


class Refused(Exception):
    """Not signed in; the text is WordPress' own.

    :param code: WordPress' name for it.
    """

    def __init__(self, message: str, code: str = "woocommerce_rest_authentication_error") -> None:
        super().__init__(message)
        self.code = code


class Credentials:
    """One consumer key of a shop."""

    def __init__(self, key: str, secret: str) -> None:
        self._key, self._secret = key, secret
        self._nonces: dict[str, float] = {}

    def check(self, request: Request) -> None:
        """Let the request through.

        :raises Refused: it is not signed in, or not in the way its scheme asks for.
        """
        query = dict(parse_qsl(request.url.query, keep_blank_values=True))
        if is_https(request) and self._basic(request, query):
            return
        self._oauth(request, query)

    def _basic(self, request: Request, query: Mapping[str, str]) -> bool:
        """Whether key and secret came as Basic, or in the query, where servers strip the header."""
        key, secret = query.get("consumer_key"), query.get("consumer_secret")
        if not key or not secret:
            key, secret = basic_of(request)
        if key != self._key:
            return False
        if not hmac.compare_digest(secret or "", self._secret):
            raise Refused("Consumer secret is invalid.")
        return True

    def _oauth(self, request: Request, query: dict[str, str]) -> None:
        missing = [name for name in REQUIRED if not query.get(name)]
        if len(missing) == len(REQUIRED):
            raise Refused("Sorry, you cannot list resources.", "woocommerce_rest_cannot_view")
        if missing:
            raise Refused(
                f"Missing OAuth parameters {', '.join(missing)}", "woocommerce_rest_authentication_missing_parameter"
            )
        if query["oauth_consumer_key"] != self._key:
            raise Refused("Consumer key is invalid.")
        if query["oauth_signature_method"] not in METHODS:
            raise Refused("Invalid signature - signature method is invalid.")
        address = str(request.url.replace(query="", fragment=""))
        given = query.pop("oauth_signature")
        if not hmac.compare_digest(signature(request.method, address, query, self._secret), given):
            raise Refused("Invalid signature - provided signature does not match.")
        self._once(query["oauth_timestamp"], query["oauth_nonce"])

    def _once(self, stamp: str, nonce: str) -> None:
        now = time.time()  # the real one: moving the platforms' clock must not lock everybody out
        if not stamp.isdigit() or abs(now - int(stamp)) > WINDOW:
            raise Refused("Invalid timestamp.")
        self._nonces = {one: at for one, at in self._nonces.items() if at > now - WINDOW}
        if nonce in self._nonces:
            raise Refused("Invalid nonce - nonce has already been used.")
        self._nonces[nonce] = int(stamp)


def is_https(request: Request) -> bool:
    """Whether WordPress takes the request for one over TLS, as behind a proxy that says so."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"


def basic_of(request: Request) -> tuple[str | None, str | None]:
    """User and password of the Authorization header."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None, None
    return user, password


def signature(method: str, address: str, parameters: Mapping[str, str], secret: str) -> str:
    """The signature of a call, step by step as documented.

    :param address: the URL without its query.
    :param parameters: all of the query but the signature itself, decoded.
    """
    pairs = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in parameters.items())
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    text = "&".join((method.upper(), quote(address, safe="~"), quote(normal, safe="~")))
    made = hmac.new(f"{secret}&".encode(), text.encode(), METHODS[parameters["oauth_signature_method"]])
    return base64.b64encode(made.digest()).decode()
