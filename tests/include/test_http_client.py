"""What the client makes of answers, against a real server in this process."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from include.errors import AuthError, FatalError, LostAnswerError, QuotaError, RetriableError
from include.http_client import JsonClient
from include.runtime.postgres import free_port


class _Scripted(ThreadingHTTPServer):
    """Answers with what the script says, one after the other; the last one for ever."""

    script: list[tuple[int, dict[str, str], bytes]]
    calls = 0


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.calls += 1
        status, headers, body = self.server.script[min(self.server.calls, len(self.server.script)) - 1]
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
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def ask(server: _Scripted, *script: tuple[int, dict[str, str], bytes], **options: int) -> object:
    server.script = list(script)
    return JsonClient(f"http://127.0.0.1:{server.server_port}", **options).request("GET", "/x", params={"q": "secret"})


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
