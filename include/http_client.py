"""JSON over HTTP to a platform: one kept-open session, errors sorted, waiting as the platform asks.

A platform differs in how it says "slow down" or "your token is dead", not in what a client does about it.
So a connector gives an error table (``classify``) and the client does the rest: retriable calls are tried
again with growing pauses, quota answers wait for as long as the platform says and use up no try, all else
is raised at once. Texts carry method, path and the platform's code; never a body, a query value or a header.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from include.errors import AudienceflowError, AuthError, FatalError, LostAnswerError, QuotaError, RetriableError

TIMEOUT = (5.0, 120.0)  # seconds to connect, seconds between bytes of the answer
TRIES = 5
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
LONGEST_QUOTA_WAIT = 900.0  # seconds spent waiting for quota in one call before the task gives up

Classify = Callable[[requests.Response], AudienceflowError | None]


def retry_after(response: requests.Response) -> float | None:
    """Seconds of the Retry-After header; None when it is missing or a date."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.replace(".", "", 1).isdigit() else None


def by_status(response: requests.Response) -> AudienceflowError | None:
    """The error table that holds where a platform has no odd ways: 401, 403, 429, 5xx, other 4xx."""
    status = response.status_code
    if status < 400:
        return None
    if status in (401, 403):
        return AuthError(f"answered {status}: the credentials are refused; check the Airflow connection.", code=str(status))
    if status == 429:
        return QuotaError("answered 429: the limit is used up.", retry_after=retry_after(response), code="429")
    if status in (408, 425) or status >= 500:
        return RetriableError(f"answered {status}.", retry_after=retry_after(response), code=str(status))
    return FatalError(f"answered {status}: the request is refused.", code=str(status))


class JsonClient:
    """A session with one platform.

    :param base_url: scheme, host and any path prefix; paths are appended to it.
    :param classify: turns an answer into an error, or None when it is good. Gets every answer, also a 200.
    :param tries: how often a retriable call is made in all.
    :param connections: how many connections may be open at once.
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
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._classify = classify
        self._tries = tries
        self._timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False  # a netrc of the machine must not replace the connection's credentials
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
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> Any:
        """Make one call and return the decoded body, or None for an empty one.

        :param repeatable: False when doing it twice does harm: then a lost answer is raised, not retried.
        :raises LostAnswerError: the call went out, no answer came (after all tries, if repeatable).
        :raises QuotaError: still no quota after waiting LONGEST_QUOTA_WAIT seconds.
        :raises RetriableError: still failing after all tries.
        :raises FatalError: refused; trying again cannot help.
        """
        waited = _Waiting(self._tries, repeatable)
        for attempt in Retrying(retry=retry_if_exception_type(RetriableError), stop=waited.is_over, wait=waited.pause,
                                sleep=time.sleep, reraise=True):
            with attempt:
                return self._once(method, path, params=params, json=json, form=form, headers=headers)
        raise AssertionError("unreachable: Retrying either returns or raises")

    def _once(self, method: str, path: str, *, params: Any, json: Any, form: Any, headers: Any) -> Any:
        body = form if json is None else orjson.dumps(json)
        extra = dict(headers or {})
        if json is not None:
            extra.setdefault("Content-Type", "application/json")
        try:
            response = self._session.request(method, self.base_url + path, params=params, data=body, headers=extra,
                                             timeout=self._timeout)
        except requests.ConnectTimeout as error:
            raise RetriableError(f"{method} {path}: no connection within {self._timeout[0]} s.", code="connect") from error
        except requests.Timeout as error:
            raise LostAnswerError(f"{method} {path}: no answer within {self._timeout[1]} s.", code="timeout") from error
        except (requests.ConnectionError, requests.exceptions.ChunkedEncodingError) as error:
            raise LostAnswerError(f"{method} {path}: the connection broke.", code="reset") from None if _has_body(error) else error
        problem = self._classify(response)
        if problem is not None:
            problem.args = (f"{method} {path}: {problem.args[0]}",)
            raise problem
        return orjson.loads(response.content) if response.content else None

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


def _has_body(error: requests.RequestException) -> bool:
    """Whether the chained error could print what was sent."""
    return bool(error.request is not None and error.request.body)


class _Waiting:
    """How long to pause and when to stop; quota waits are counted in seconds, other failures in tries."""

    def __init__(self, tries: int, repeatable: bool) -> None:
        self._tries_left = tries
        self._repeatable = repeatable
        self._quota_seconds = 0.0

    def is_over(self, state: RetryCallState) -> bool:
        error = state.outcome.exception()
        if isinstance(error, LostAnswerError) and not self._repeatable:
            return True
        if isinstance(error, QuotaError):
            return self._quota_seconds >= LONGEST_QUOTA_WAIT
        self._tries_left -= 1
        return self._tries_left <= 0

    def pause(self, state: RetryCallState) -> float:
        error = state.outcome.exception()
        asked = getattr(error, "retry_after", None)
        seconds = asked if asked is not None else min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (state.attempt_number - 1))
        if isinstance(error, QuotaError):
            self._quota_seconds += max(seconds, 0.05)
        return seconds
