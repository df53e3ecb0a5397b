"""What the client makes of answers, against a real server in this process."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from include.errors import AuthError, FatalError, LostAnswerError, QuotaError, RetriableError
from include.http_client import JsonClient, retry_after
from include.runtime.postgres import free_port

HANGS_UP = 0  # in place of a status: the request was read, the connection ends without an answer


class _Scripted(ThreadingHTTPServer):
    """Answers with what the script says, one after the other; the last one for ever."""

    script: list[tuple[int, dict[str, str], bytes]]
    calls = 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.calls += 1
        status, headers, body = self.server.script[min(self.server.calls, len(self.server.script)) - 1]
        if status == HANGS_UP:
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def server() -> Iterator[_Scripted]:
    with _Scripted(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.05,), daemon=True).start()
        yield running
        running.shutdown()


def ask(server: _Scripted, *script: tuple[int, dict[str, str], bytes], repeatable: bool = True,
        **options: int) -> object:
    server.script = list(script)
    client = JsonClient(f"http://127.0.0.1:{server.server_port}", **options)
    return client.request("GET", "/x", params={"q": "secret"}, repeatable=repeatable)


def test_a_quota_answer_is_waited_for_and_uses_no_try(server: _Scripted) -> None:
    full = (429, {"Retry-After": "0"}, b"")
    assert ask(server, full, full, (200, {}, b"[1]"), tries=1) == [1]


def test_a_quota_that_lasts_longer_than_patience_is_raised_at_once(server: _Scripted) -> None:
    with pytest.raises(QuotaError):
        ask(server, (429, {"Retry-After": "86400"}, b""))
    assert server.calls == 1


def test_bad_credentials_are_not_tried_again(server: _Scripted) -> None:
    with pytest.raises(AuthError):
        ask(server, (401, {}, b""))
    assert server.calls == 1


def test_a_redirect_is_not_followed(server: _Scripted) -> None:
    with pytest.raises(FatalError, match="has moved"):
        ask(server, (302, {"Location": "http://127.0.0.1:9/"}, b""))


def test_an_answer_that_is_no_json_is_a_lost_answer_without_its_text(server: _Scripted) -> None:
    with pytest.raises(LostAnswerError) as raised:
        ask(server, (200, {"X-Request-Id": "r-1"}, b"<html>private</html>"), tries=1)
    assert "private" not in str(raised.value) and "secret" not in str(raised.value)
    assert "request r-1" in str(raised.value)


def test_nobody_at_the_host_is_retriable_and_was_never_sent() -> None:
    with pytest.raises(RetriableError) as raised:
        JsonClient(f"http://127.0.0.1:{free_port()}", tries=1).request("GET", "/x", params={"q": "secret"})
    assert not isinstance(raised.value, LostAnswerError)
    assert "secret" not in str(raised.value)


def test_an_answer_that_never_came_is_asked_for_again(server: _Scripted) -> None:
    assert ask(server, (HANGS_UP, {}, b""), (200, {}, b"[1]")) == [1]
    assert server.calls == 2


def test_an_answer_that_never_came_to_a_call_that_must_not_be_doubled_is_raised(server: _Scripted) -> None:
    with pytest.raises(LostAnswerError) as raised:
        ask(server, (HANGS_UP, {}, b""), (200, {}, b"[1]"), repeatable=False)
    assert server.calls == 1
    assert "secret" not in str(raised.value)


def test_a_server_s_failure_at_a_call_that_must_not_be_doubled_is_raised(server: _Scripted) -> None:
    """A 503 may come from a gateway whose back has done what it was asked."""
    with pytest.raises(RetriableError, match="answered 503"):
        ask(server, (503, {"Retry-After": "0"}, b""), (200, {}, b"[1]"), repeatable=False)
    assert server.calls == 1


def test_a_limit_is_waited_for_at_a_call_that_must_not_be_doubled(server: _Scripted) -> None:
    assert ask(server, (429, {"Retry-After": "0"}, b""), (200, {}, b"[1]"), repeatable=False) == [1]


def test_a_server_s_failure_is_tried_as_often_as_allowed(server: _Scripted) -> None:
    with pytest.raises(RetriableError, match="answered 503"):
        ask(server, (503, {"Retry-After": "0"}, b"private"), tries=3)
    assert server.calls == 3


def test_a_pause_the_server_asks_for_is_kept(server: _Scripted) -> None:
    begun = time.monotonic()
    assert ask(server, (503, {"Retry-After": "0.7"}, b""), (200, {}, b"[1]")) == [1]
    assert time.monotonic() - begun >= 0.7


def test_an_empty_answer_is_none(server: _Scripted) -> None:
    assert ask(server, (204, {}, b"")) is None


def answer_with(value: str) -> requests.Response:
    response = requests.Response()
    response.headers["Retry-After"] = value
    return response


@pytest.mark.parametrize(("value", "seconds"), [("7", 7.0), (" 0.5 ", 0.5), ("soon", None), ("", None), ("-3", None)])
def test_retry_after_is_a_number_of_seconds(value: str, seconds: float | None) -> None:
    assert retry_after(answer_with(value)) == seconds


def test_retry_after_may_be_a_date_and_one_that_passed_is_no_wait() -> None:
    now = datetime.now(UTC)
    later = retry_after(answer_with(format_datetime(now + timedelta(seconds=60), usegmt=True)))
    assert later is not None
    assert 50 < later <= 60
    assert retry_after(answer_with(format_datetime(now - timedelta(hours=1), usegmt=True))) == 0.0
