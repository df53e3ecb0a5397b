"""What platforms say about their limits, each in headers of its own."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import orjson
import pytest
import requests

from include.errors import QuotaError
from include.http_client import JsonClient
from include.limit_headers import pause_asked, stated_limit, used_up
from include.limits import Rate
from include.shared_limiter import SharedLimiter


def answer(body: object = None, **headers: str) -> requests.Response:
    """An answer with these headers, underscores for hyphens."""
    response = requests.Response()
    response._content = b"" if body is None else orjson.dumps(body)
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


RETRY_INFO = {
    "error": {
        "code": 429,
        "status": "RESOURCE_EXHAUSTED",
        "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "metadata": {"quota_limit": "perMinute"}},
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "12.5s"},
        ],
    }
}


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answer(Retry_After="7", RateLimit_Reset="60"), 7.0),
        (answer(RateLimit_Reset="41"), 41.0),
        (answer(x_sib_ratelimit_reset="30"), 30.0),
        (answer(RETRY_INFO), 12.5),
        (answer({"error": {"details": "RetryInfo"}}), None),
        (answer({"retry": "RetryInfo"}), None),
        (answer(), None),
    ],
    ids=["retry-after first", "klaviyo", "brevo", "google", "odd google", "odd body", "silent"],
)
def test_the_pause_is_found_wherever_the_platform_says_it(response: requests.Response, seconds: float | None) -> None:
    assert pause_asked(response) == seconds


def test_a_reset_may_be_a_moment() -> None:
    seconds = pause_asked(answer(X_RateLimit_Reset=str(int(time.time()) + 60)))
    assert seconds == pytest.approx(60, abs=2)


@pytest.mark.parametrize(
    ("response", "seconds"),
    [
        (answer(RateLimit_Remaining="0", RateLimit_Reset="9"), 9.0),
        (answer(x_sib_ratelimit_remaining="0", x_sib_ratelimit_reset="3"), 3.0),
        (answer(RateLimit_Remaining="1", RateLimit_Reset="9"), None),
        (answer(RateLimit_Remaining="0"), None),
        (answer(), None),
    ],
)
def test_the_last_call_of_a_window_is_noticed(response: requests.Response, seconds: float | None) -> None:
    assert used_up(response) == seconds


def test_hubspot_states_the_limit_of_the_account_s_own_plan() -> None:
    told = answer(X_HubSpot_RateLimit_Max="100", X_HubSpot_RateLimit_Interval_Milliseconds="10000")
    assert stated_limit(told) == (100, 10.0)
    assert stated_limit(answer(X_HubSpot_RateLimit_Max="100")) is None


class _Platform(ThreadingHTTPServer):
    """Gives the scripted answers (status and headers) in turn, and 200 after them."""

    daemon_threads = True

    def __init__(self, *script: tuple[int, dict[str, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = list(script)
        self.calls = 0


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.calls += 1
        status, headers = self.server.script.pop(0) if self.server.script else (200, {})
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing on the console."""


@pytest.fixture
def serve() -> Iterator[object]:
    servers: list[_Platform] = []

    def start(*script: tuple[int, dict[str, str]]) -> _Platform:
        servers.append(_Platform(*script))
        Thread(target=servers[-1].serve_forever, args=(0.05,), daemon=True).start()
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def client(platform: _Platform, limiter: SharedLimiter, tries: int = 1) -> JsonClient:
    return JsonClient(f"http://127.0.0.1:{platform.server_port}", limiter=limiter, tries=tries)


def test_too_many_uses_up_no_try_and_makes_the_account_s_other_workers_wait_as_long(
    serve: object, warehouse_url: str
) -> None:
    """A 429 counted as a failure, and only the worker that got it slowed down."""
    platform = serve((429, {"Retry-After": "0.5"}), (429, {"Retry-After": "0.5"}))
    first, second = (SharedLimiter(warehouse_url, "platform 1") for _ in range(2))
    assert client(platform, first).request("GET", "/x") == {}
    assert platform.calls == 3
    first.told(0.6)
    began = time.monotonic()
    client(platform, second).request("GET", "/x")
    assert time.monotonic() - began >= 0.5
    first.close()
    second.close()


def test_a_pause_longer_than_is_waited_for_ends_the_call(serve: object, warehouse_url: str) -> None:
    platform = serve((429, {"Retry-After": "3600"}))
    limiter = SharedLimiter(warehouse_url, "platform 1")
    with pytest.raises(QuotaError) as raised:
        client(platform, limiter).request("GET", "/x")
    assert raised.value.retry_after == 3600
    other = SharedLimiter(warehouse_url, "platform 1")
    with pytest.raises(QuotaError, match=r"used up for 3[56]"):
        client(platform, other).request("GET", "/x")
    assert platform.calls == 1, "the other worker is not told by the platform, but by the first"
    limiter.close()
    other.close()


def test_a_window_that_is_used_up_is_waited_for_before_the_platform_has_to_refuse(
    serve: object, warehouse_url: str
) -> None:
    platform = serve((200, {"RateLimit-Remaining": "0", "RateLimit-Reset": "1"}))
    limiter = SharedLimiter(warehouse_url, "platform 1")
    asked = client(platform, limiter)
    asked.request("GET", "/x")
    began = time.monotonic()
    asked.request("GET", "/x")
    assert time.monotonic() - began >= 0.7
    limiter.close()


def test_a_plan_smaller_than_the_declared_one_is_kept_to(serve: object, warehouse_url: str) -> None:
    headers = {"X-HubSpot-RateLimit-Max": "2", "X-HubSpot-RateLimit-Interval-Milliseconds": "1000"}
    platform = serve(*[(200, headers)] * 3)
    limiter = SharedLimiter(warehouse_url, "hubspot 1", (Rate(190, 1.0),))
    asked, began = client(platform, limiter), time.monotonic()
    for _ in range(3):
        asked.request("GET", "/x")
    assert time.monotonic() - began >= 1.0
    limiter.close()
