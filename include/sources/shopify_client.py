"""Shopify's Admin GraphQL interface: one endpoint, a bucket of points, errors inside answers of 200.

Source: https://shopify.dev/docs/api/usage/limits (read 2026-11-21): points flow back at a steady rate; a query that
asks for more than is there is answered 200 with the code THROTTLED and costs nothing.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError, QuotaError, RetriableError
from include.http_client import JsonClient, by_status, retry_after
from include.limits import Limiter, Quota
from include.shared_points import SharedPoints

VERSION = "2026-10"


class _Throttle(msgspec.Struct):
    maximumAvailable: float
    currentlyAvailable: float
    restoreRate: float


class _Cost(msgspec.Struct):
    requestedQueryCost: float | None = None
    actualQueryCost: float | None = None
    throttleStatus: _Throttle | None = None


class _Extensions(msgspec.Struct):
    cost: _Cost | None = None


class _Code(msgspec.Struct):
    code: str | None = None


class _Error(msgspec.Struct):
    extensions: _Code = msgspec.field(default_factory=_Code)


class _Failure(msgspec.Struct):
    errors: list[_Error] = []
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


class _Answer(msgspec.Struct):
    data: msgspec.Raw
    extensions: _Extensions = msgspec.field(default_factory=_Extensions)


_read_failure = msgspec.json.Decoder(_Failure).decode
_read_answer = msgspec.json.Decoder(_Answer).decode


def classify(response: requests.Response) -> AudienceflowError | None:
    """Shopify's error table: codes within a 200; 430 is its second way to say 429."""
    if response.status_code == 430:
        return QuotaError("answered 430: too many requests.", retry_after=retry_after(response), code="430")
    problem = by_status(response)
    if problem is not None or b'"errors"' not in response.content:
        return problem
    try:
        failure = _read_failure(response.content)
    except ValueError:
        return FatalError("answered 200 with errors in a form that is not known.", code="errors")
    return _by_code(failure) if failure.errors else None


def _by_code(failure: _Failure) -> AudienceflowError:
    codes = [error.extensions.code or "UNNAMED" for error in failure.errors]
    if "THROTTLED" in codes:
        return QuotaError("answered THROTTLED: the bucket is empty.", retry_after=_refill(failure.extensions.cost),
                          code="THROTTLED")
    if "ACCESS_DENIED" in codes:
        return AuthError("answered ACCESS_DENIED: the app lacks a scope; it needs read_customers, read_orders and, for "
                         "orders older than 60 days, read_all_orders.", code="ACCESS_DENIED")
    if "INTERNAL_SERVER_ERROR" in codes or "TIMEOUT" in codes:
        return RetriableError(f"answered {codes[0]}.", code=codes[0])
    return FatalError(f"answered {codes[0]}: the query is refused.", code=codes[0])


def _refill(cost: _Cost | None) -> float | None:
    """Seconds until the bucket holds what was asked for."""
    if cost is None or cost.throttleStatus is None or cost.throttleStatus.restoreRate <= 0:
        return None
    missing = (cost.requestedQueryCost or 0.0) - cost.throttleStatus.currentlyAvailable
    return max(0.1, missing / cost.throttleStatus.restoreRate)


class ShopifyClient:
    """One shop. Waits for points before it asks, so that THROTTLED is the exception and others find a bucket too.

    :param version: the quarterly version of the interface.
    :param points: the shop's points where several workers share them; None: this client counts for itself.
    """

    def __init__(self, base_url: str, token: str, *, version: str = VERSION, limiter: Limiter | None = None,
                 points: SharedPoints | None = None) -> None:
        self._http = JsonClient(base_url, headers={"X-Shopify-Access-Token": token}, classify=classify,
                                limiter=limiter)
        self._path = f"/admin/api/{version}/graphql.json"
        self._points = points
        self._costs: dict[str, float] = {}
        self._throttle: tuple[float, _Throttle] | None = None

    def query(self, document: str, variables: Mapping[str, Any], decode: Callable[[Any], Any] = orjson.loads, *,
              repeatable: bool = True) -> Any:
        """Ask and return ``data``, decoded; raises like `JsonClient.request`."""
        expected = self._costs.get(document, 0.0)
        self._wait(expected)
        answer = self._http.request("POST", self._path, json={"query": document, "variables": dict(variables)},
                                    decode=_read_answer, repeatable=repeatable)
        cost = answer.extensions.cost
        if cost is not None and cost.throttleStatus is not None:
            self._costs[document] = cost.requestedQueryCost or 0.0
            self._throttle = (time.monotonic(), cost.throttleStatus)
            self._tell(expected, cost, cost.throttleStatus)
        return decode(bytes(answer.data))

    def _tell(self, expected: float, cost: _Cost, throttle: _Throttle) -> None:
        if self._points is not None and throttle.restoreRate > 0:
            spent = cost.actualQueryCost if cost.actualQueryCost is not None else cost.requestedQueryCost
            self._points.told(size=throttle.maximumAvailable, per_second=throttle.restoreRate,
                              available=throttle.currentlyAvailable, refund=expected - (spent or 0.0))

    def _wait(self, cost: float) -> None:
        if self._points is not None:
            self._points.spend(cost)
            return
        if self._throttle is None:
            return
        at, throttle = self._throttle
        available = throttle.currentlyAvailable + (time.monotonic() - at) * throttle.restoreRate
        if available < cost <= throttle.maximumAvailable and throttle.restoreRate > 0:
            time.sleep((cost - available) / throttle.restoreRate)

    def quota(self) -> dict[str, Quota]:
        """What the newest answer says is left in the bucket; it fills within seconds."""
        if self._throttle is None:
            return {}
        _, told = self._throttle
        return {"points": Quota(int(told.maximumAvailable), int(told.currentlyAvailable))}

    def close(self) -> None:
        """Close all connections."""
        self._http.close()
