"""JSON over HTTP to a platform: one kept-open session, errors sorted, waiting as the platform asks.

A platform differs in how it says "slow down" or "your token is dead", not in what a client does about it.
So a connector gives an error table (``classify``) and the client does the rest: retriable calls are tried
again with growing pauses, quota answers wait for as long as the platform says and use up no try, all else
is raised at once. Texts carry method, path and the platform's code; never a body, a query value or a header.
"""

import os
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from tenacity import RetryCallState, Retrying, retry_if_exception_type
from urllib3.exceptions import NewConnectionError

from include import url_log
from include.errors import AudienceflowError, AuthError, FatalError, LostAnswerError, QuotaError, RetriableError
from include.exchange import Exchange, observer
from include.limit_headers import left, pause_asked, retry_after, stated_limit, used_up
from include.limits import Limiter, Quota

TIMEOUT = (5.0, 120.0)  # seconds to connect, seconds between bytes of the answer
TRIES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_QUOTA_WAIT = 900.0  # seconds spent waiting for quota in one call before the task gives up
NEVER_SENT = {"connect", "token_endpoint"}  # codes of failures before anything was asked
REQUEST_IDS = ("X-Request-Id", "X-HubSpot-Correlation-Id", "X-FB-Trace-ID")  # what a vendor's support asks for

__all__ = ["TRIES", "Headed", "JsonClient", "by_status", "pause_asked", "retry_after"]

Classify = Callable[[requests.Response], AudienceflowError | None]


def by_status(response: requests.Response) -> AudienceflowError | None:
    """The error table that holds where a platform has no odd ways: 401, 403, 429, 5xx, other 4xx."""
    status = response.status_code
    if status < 400:
        return None
    if status in (401, 403):
        return AuthError(f"answered {status}: the credentials are refused; check the Airflow connection.",
                         code=str(status))
    if status == 429:
        return QuotaError("answered 429: the limit is used up.", retry_after=pause_asked(response), code="429")
    if status in (408, 425) or status >= 500:
        return RetriableError(f"answered {status}.", retry_after=retry_after(response), code=str(status))
    return FatalError(f"answered {status}: the request is refused.", code=str(status))


class Headed(NamedTuple):
    """A decoded body with the headers it came with."""

    body: Any
    headers: Mapping[str, str]


class JsonClient:
    """A session with one platform.

    A proxy and a certificate bundle of the environment (``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``) are used. A redirect
    is an error: following one would turn a POST into a GET and could carry credentials elsewhere.

    :param base_url: scheme, host and any path prefix; paths are appended to it.
    :param classify: turns an answer into an error, or None when it is good. Gets every answer, also a 200.
    :param tries: how often a retriable call is made in all.
    :param connections: how many connections may be open at once.
    :param limiter: asked before each try and told of each "too many"; None where nobody shares the account.
    """

    def __init__(
        self,
        base_url: str,
        *,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | tuple[str, str] | None = None,
        classify: Classify = by_status,
        tries: int = TRIES,
        connections: int = 10,
        timeout: tuple[float, float] = TIMEOUT,
        limiter: Limiter | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._limiter = limiter
        self._classify = classify
        self._tries = tries
        self._timeout = timeout
        self._stated: Mapping[str, str] = {}
        url_log.install()
        self._session = requests.Session()
        self._session.trust_env = False  # a netrc of the machine must not replace the connection's credentials
        self._session.proxies.update(requests.utils.get_environ_proxies(self.base_url))
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._session.mount(self.base_url, HTTPAdapter(pool_connections=connections, pool_maxsize=connections))
        self._session.headers.update({"Accept": "application/json", **(headers or {})})
        self._session.auth = auth

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        form: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
        decode: Callable[[bytes], Any] = orjson.loads,
        headed: bool = False,
    ) -> Any:
        """Make one call and return the decoded body, or None for an empty one.

        :param form: fields of a form, or the whole body of one; its content type is then among the headers.
        :param decode: reads the body of a good answer; a typed decoder where a page's rows should stay bytes.
        :param headed: return a `Headed`, where a platform says in its headers what the body does not (totals, links).
        :param repeatable: False when doing it twice does harm: what leaves open whether it was done (no answer, a 5xx)
            is raised then, not retried.
        :raises LostAnswerError: the call went out, no answer came (after all tries, if repeatable).
        :raises QuotaError: still no quota after waiting LONGEST_QUOTA_WAIT seconds.
        :raises RetriableError: still failing after all tries.
        :raises FatalError: refused; trying again cannot help.
        """
        waited = _Waiting(self._tries, repeatable)
        for attempt in Retrying(retry=retry_if_exception_type(RetriableError), stop=waited.is_over, wait=waited.pause,
                                sleep=time.sleep, reraise=True):
            with attempt:
                return self._once(method, path, params=params, json=json, form=form, headers=headers, decode=decode,
                                  headed=headed)
        raise AssertionError("unreachable: Retrying either returns or raises")

    def _once(self, method: str, path: str, *, params: Any, json: Any, form: Any, headers: Any,
              decode: Callable[[bytes], Any], headed: bool) -> Any:
        extra = dict(headers or {})
        if json is not None:
            extra.setdefault("Content-Type", "application/json")
        body = form if json is None else orjson.dumps(json)
        began, watching = time.monotonic(), observer()
        response: requests.Response | None = None
        answer = None
        try:
            response = self._limited(f"{method} {path}", method, path, params=params, data=body, headers=extra)
            answer = self._read(f"{method} {path}", method, path, response, decode)
            return Headed(answer, response.headers) if headed else answer
        finally:
            if watching is not None:
                sent = len(body) if isinstance(body, bytes) else 0
                watching(_exchange(method, path, began, form if json is None else json, sent, response, answer))

    def _read(self, where: str, method: str, path: str, response: requests.Response,
              decode: Callable[[bytes], Any]) -> Any:
        self._stated = response.headers
        problem = _redirected(response) or self._classify(response)
        self._tell_limiter(problem, response, method, path)
        if problem is not None:
            problem.args = (f"{where}: {problem.args[0]}{_request_id(response)}",)
            raise problem
        if not response.content:
            return None
        try:
            return decode(response.content)
        except ValueError:  # not chained: a decoder's text quotes the body
            raise LostAnswerError(f"{where}: answered {response.status_code}, but not with the JSON that was expected"
                                  f"{_request_id(response)}.", code="body") from None

    def _tell_limiter(self, problem: AudienceflowError | None, response: requests.Response, method: str,
                      path: str) -> None:
        if self._limiter is None:
            return
        if (limit := stated_limit(response)) is not None:
            self._limiter.states(*limit, method, path)
        if isinstance(problem, QuotaError):
            self._limiter.told(problem.retry_after, method, path)
        elif (seconds := used_up(response)) is not None:
            self._limiter.told(seconds, method, path)
        elif problem is None:
            self._limiter.took(method, path)

    def _limited(self, where: str, method: str, path: str, **request: Any) -> requests.Response:
        if self._limiter is None:
            return self._send(where, method, path, **request)
        with self._limiter.connection():
            self._limiter.wait(method, path)
            return self._send(where, method, path, **request)

    def _send(self, where: str, method: str, path: str, **request: Any) -> requests.Response:
        # Nothing is chained: the library's own texts carry the query and sometimes what was sent.
        try:
            return self._session.request(method, self.base_url + path, timeout=self._timeout, allow_redirects=False,
                                         **request)
        except requests.exceptions.SSLError:
            raise FatalError(f"{where}: the certificate is refused; set REQUESTS_CA_BUNDLE if it is your own.",
                             code="tls") from None
        except requests.ConnectTimeout:
            raise RetriableError(f"{where}: no connection within {self._timeout[0]} s.", code="connect") from None
        except requests.Timeout:
            raise LostAnswerError(f"{where}: no answer within {self._timeout[1]} s.", code="timeout") from None
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError,
                requests.exceptions.ContentDecodingError) as error:
            if never_sent(error):
                raise RetriableError(f"{where}: nobody answers at the connection's host.", code="connect") from None
            raise LostAnswerError(f"{where}: the connection broke.", code="reset") from None

    def quota(self) -> dict[str, Quota]:
        """What the newest answer says is left of the account's limits; for checks, which make one call at a time."""
        return {name: Quota(*told) for name, told in left(self._stated).items()}

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def never_sent(error: requests.RequestException) -> bool:
    """Whether no connection came about at all: refused, no route, unknown host."""
    return bool(error.args) and isinstance(getattr(error.args[0], "reason", None), NewConnectionError)


def _redirected(response: requests.Response) -> FatalError | None:
    if not 300 <= response.status_code < 400:
        return None
    return FatalError(f"answered {response.status_code}: the platform has moved; correct the connection's host.",
                      code=str(response.status_code))


def _request_id(response: requests.Response) -> str:
    """The platform's own name of this call, as the end of a sentence; empty when it gives none."""
    return next((f" (request {response.headers[name]})" for name in REQUEST_IDS if name in response.headers), "")


def _exchange(method: str, path: str, began: float, request: Any, request_bytes: int,
              response: requests.Response | None, answer: Any) -> Exchange:
    if response is None:  # the time includes what the limiter made it wait
        return Exchange(method, path, time.monotonic() - began, request, request_bytes)
    found = next((response.headers[name] for name in REQUEST_IDS if name in response.headers), None)
    return Exchange(method, path, response.elapsed.total_seconds(), request, request_bytes, response.status_code,
                    answer, response.content, found)


class _Waiting:
    """How long to pause and when to stop; quota waits are counted in seconds, other failures in tries."""

    def __init__(self, tries: int, repeatable: bool) -> None:
        self._tries_left = tries
        self._repeatable = repeatable
        self._quota_seconds = 0.0

    def is_over(self, state: RetryCallState) -> bool:
        error = state.outcome.exception()
        if not self._repeatable and not isinstance(error, QuotaError) and error.code not in NEVER_SENT:
            return True
        if isinstance(error, QuotaError):  # a daily limit is not waited for: the task ends and says so
            return self._quota_seconds + (error.retry_after or 0) > LONGEST_QUOTA_WAIT
        self._tries_left -= 1
        return self._tries_left <= 0

    def pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception()
        asked = getattr(error, "retry_after", None)
        seconds = asked if asked is not None else _growing(state.attempt_number)
        if isinstance(error, QuotaError):
            seconds = max(seconds, 0.05)  # a platform that says 0 is not hammered
            self._quota_seconds += seconds
        return seconds


def _growing(attempt: int) -> float:
    """Half of the pause is by chance, so that workers which failed together do not come back together."""
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1))
    return longest * (0.5 + random.random() / 2)  # noqa: S311 (spreads load, protects nothing)
