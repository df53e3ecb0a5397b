"""Salesforce's interface: access tokens that end, errors as a JSON list, a limit that answers 403.

Sources: REST API Developer Guide (resources_query, headers_api_usage, errorcodes), help article 000386264 (a request's
URI and headers have 16,384 bytes) and Salesforce's own Postman collection (read 2026-11-21). A day's requests belong to
the whole company: the answer's ``Sforce-Limit-Info`` tells how many are used and how many there are.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any
from urllib.parse import urlencode, urlsplit

import google.auth.crypt
import google.auth.jwt
import orjson
import requests

from include.errors import AudienceflowError, AuthError, ConfigError, FatalError, QuotaError, RetriableError
from include.http_client import JsonClient, by_status
from include.limit_headers import ROLLING_PAUSE
from include.limits import Limiter, Quota, Rate

VERSION = "66.0"
RATES = (Rate(100_000, 86_400),)  # of an Enterprise Edition without licences; each answer states the company's own
LONGEST_QUERY = 14_000  # bytes of an encoded query: 16,384 less path and headers
JWT_SECONDS = 180  # the vendor takes an assertion that ends within three minutes
JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_PATH = "/services/oauth2/token"  # noqa: S105 (a path)
NO_SESSION = "INVALID_SESSION_ID"
_NO_COLUMN = re.compile(r"No such column '([\w.]+)' on entity '(\w+)'")  # names of fields, never a value
_LATER = ("SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION")
_LATER_AT_DOOR = ("unknown_error", "server_error", "temporarily_unavailable")  # OAuth codes


@dataclass(frozen=True)
class Credentials:
    """What a connection opens the account with.

    With ``username`` the secret is the private key (PEM) of the app's certificate and an assertion is signed with it;
    with ``refresh_token`` the app was authorised by a person; with neither the app acts as its own user.

    :param client_id: the app's consumer key.
    :param secret: its consumer secret, or the private key.
    :param audience: whom an assertion is meant for; ``https://test.salesforce.com`` in a sandbox.
    """

    client_id: str
    secret: str
    refresh_token: str | None = None
    username: str | None = None
    audience: str = "https://login.salesforce.com"

    def form(self) -> dict[str, str]:
        """The fields of a request for an access token."""
        if self.username:
            return {"grant_type": JWT_GRANT, "assertion": self._assertion(self.username)}
        known = {"client_id": self.client_id, "client_secret": self.secret}
        if self.refresh_token:
            return {"grant_type": "refresh_token", **known, "refresh_token": self.refresh_token}
        return {"grant_type": "client_credentials", **known}

    def _assertion(self, username: str) -> str:
        now = int(time.time())
        claims = {"iss": self.client_id, "sub": username, "aud": self.audience, "iat": now, "exp": now + JWT_SECONDS}
        try:
            signer = google.auth.crypt.RSASigner.from_string(self.secret)
        except ValueError:  # not chained: the text may quote the key
            raise ConfigError(
                "The Salesforce connection names a username, so its password must be the private key of "
                "the app's certificate (PEM); it is none."
            ) from None
        return google.auth.jwt.encode(signer, claims).decode()


@dataclass(frozen=True)
class _Session:
    """Calls with one access token."""

    http: JsonClient


class SalesforceClient:
    """One company's account. Asks for an access token before the first call, and for another when that one has ended.

    :param base_url: My Domain of the company, ``https://acme.my.salesforce.com``.
    :param version: of the interface; jobs must be read with the version that made them.
    :param poll_seconds: pause before a job is asked for the first time; it grows from there.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        version: str = VERSION,
        limiter: Limiter | None = None,
        poll_seconds: float = 1.0,
    ) -> None:
        self._door = JsonClient(base_url, classify=classify_token)
        self._credentials = credentials
        self._limiter = limiter
        self._held: _Session | None = None
        self._lock = Lock()
        self.version = version
        self.poll_seconds = poll_seconds
        self.data = f"/services/data/v{version}"

    def request(self, method: str, path: str, **options: Any) -> Any:
        """One call, as `JsonClient.request` makes it; a session that has ended is renewed once.

        :param path: from the host on, as ``nextRecordsUrl`` gives it.
        """
        session = self._session(stale=None)
        try:
            return session.http.request(method, path, **options)
        except AuthError as refused:
            if refused.code != NO_SESSION:
                raise
        return self._session(stale=session).http.request(method, path, **options)

    def query(
        self,
        soql: str,
        *,
        deleted: bool = False,
        size: int | None = None,
        decode: Callable[[bytes], Any] = orjson.loads,
    ) -> Any:
        """The first page of a query.

        :param deleted: also rows in the recycle bin.
        :param size: rows a page; the platform gives 2,000 when it is not said, and takes it as a hint.
        """
        if (length := query_length(soql)) > LONGEST_QUERY:
            raise ConfigError(
                f"A query has {length} bytes and Salesforce takes {LONGEST_QUERY}: include/sources/salesforce.yaml "
                "names too many fields. Take out those that no trait or segment needs."
            )
        path = f"{self.data}/{'queryAll' if deleted else 'query'}"
        headers = {} if size is None else {"Sforce-Query-Options": f"batchSize={size}"}
        return self.request("GET", path, params={"q": soql}, headers=headers, decode=decode)

    def _session(self, stale: "_Session | None") -> "_Session":
        """The session of all threads; one that is ``stale`` is renewed by whoever comes first."""
        with self._lock:
            if self._held is None or self._held is stale:
                self._held = self._open()
            return self._held

    def _open(self) -> "_Session":
        answer = self._door.request("POST", TOKEN_PATH, form=self._credentials.form())
        token, instance = answer.get("access_token"), str(answer.get("instance_url", "")).rstrip("/")
        if not token or not _trustworthy(instance, self._door.base_url):
            raise AuthError(
                "The token endpoint gave no access token, or an address that is not Salesforce's; check "
                "the connection's host.",
                code="token",
            )
        return _Session(
            JsonClient(instance, headers={"Authorization": f"Bearer {token}"}, classify=classify, limiter=self._limiter)
        )

    def quota(self) -> dict[str, Quota]:
        """What the newest answer says is left of the company's day; for checks."""
        return {} if self._held is None else self._held.http.quota()

    def close(self) -> None:
        """Close all connections."""
        self._door.close()
        if self._held is not None:
            self._held.http.close()


def query_length(soql: str) -> int:
    """Bytes of a query within a URI."""
    return len(urlencode({"q": soql}))


def _trustworthy(instance: str, door: str) -> bool:
    """The token goes to this address from now on: never less safe than the connection's own."""
    return bool(instance) and urlsplit(instance).scheme in ("https", urlsplit(door).scheme)


def classify(response: requests.Response) -> AudienceflowError | None:
    """Salesforce's error table, by ``errorCode``: a limit and a missing right both answer 403.

    Known by the words alone: which of two limits REQUEST_LIMIT_EXCEEDED means, and which field is missing.
    """
    if response.status_code < 400:
        return None
    code, message = _first_error(response)
    match code:
        case "REQUEST_LIMIT_EXCEEDED" if "Concurrent" in message:
            return QuotaError("answered REQUEST_LIMIT_EXCEEDED: too many long requests at once.", code=code)
        case "REQUEST_LIMIT_EXCEEDED":
            return QuotaError(
                "answered REQUEST_LIMIT_EXCEEDED: the company's requests of a day are used up.",
                retry_after=ROLLING_PAUSE,
                code=code,
            )
        case "INVALID_SESSION_ID":
            return AuthError("answered INVALID_SESSION_ID: the session has ended.", code=code)
        case "INVALID_FIELD" | "INVALID_TYPE" | "API_ERROR":
            return FatalError(f"answered {code}: {_missing(message)}", code=code)
    if code in _LATER:
        return RetriableError(f"answered {code}.", code=code)
    return _by_status(response, code)


def _by_status(response: requests.Response, code: str | None) -> AudienceflowError:
    status = response.status_code
    if status in (401, 403):
        return AuthError(
            f"answered {status} {code or ''}: the app's user may not do this; give it a permission set "
            "with API Enabled and read access to the objects.",
            code=code or str(status),
        )
    problem = by_status(response)
    if type(problem) is FatalError:
        return FatalError(f"answered {status} {code or ''}: the request is refused.", code=code or str(status))
    return problem or FatalError(f"answered {status}.", code=str(status))


def _missing(message: str) -> str:
    found = _NO_COLUMN.search(message)
    what = f"{found[2]} has no field {found[1]}" if found else "the query names what is not there"
    return (
        f"{what}, or the app's user may not see it. Correct include/sources/salesforce.yaml, or give the user "
        "field-level access."
    )


def _first_error(response: requests.Response) -> tuple[str | None, str]:
    """Code and words of ``[{"message": …, "errorCode": …}]``; the words only tell cases apart: nobody sees them."""
    try:
        [first, *_] = orjson.loads(response.content)
        return str(first["errorCode"]), str(first.get("message", ""))
    except (ValueError, TypeError, LookupError, AttributeError):
        return None, ""


def classify_token(response: requests.Response) -> AudienceflowError | None:
    """The table of the token endpoint: too many logins at once, and a bad moment, say nothing about credentials.

    That of too many logins is known by its words alone: its code is ``invalid_grant``, as of a wrong key.
    """
    if _first_error(response)[0] is not None:  # the data interface answered: its limits stand before
        return classify(response)
    code = _oauth_error(response)
    if response.status_code >= 400 and b"login rate exceeded" in response.content.lower():
        return QuotaError("answered that too many logins were made; wait.", code=code)
    if response.status_code >= 400 and code in _LATER_AT_DOOR:
        return RetriableError(f"answered {code}.", code=code)
    if response.status_code in (400, 401, 403):
        return AuthError(
            f"answered {code}: the app's credentials are refused; check consumer key, "
            "secret and flow in the Airflow connection and in the app's settings.",
            code=code,
        )
    return by_status(response)


def _oauth_error(response: requests.Response) -> str:
    """The OAuth code (``invalid_grant``), which names nobody."""
    try:
        found: Mapping[str, Any] = orjson.loads(response.content)
        code = str(found["error"])
    except (ValueError, TypeError, LookupError):
        return str(response.status_code)
    return code if re.fullmatch(r"[a-z_]{1,40}", code) else str(response.status_code)
