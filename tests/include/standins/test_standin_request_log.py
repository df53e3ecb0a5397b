"""The request log."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from include.standins.request_log import Recorded, RequestLog


def one(number: int = 0, **facts: object) -> Recorded:
    known = {
        "at": 1.0,
        "seconds": 0.1,
        "platform": "meta",
        "method": "POST",
        "path": f"/meta/{number}",
        "query": "",
        "headers": {},
        "body": b'{"n": 1}',
        "status": 200,
        "answer": b"{}",
    }
    return Recorded(**{**known, **facts})


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RequestLog]:
    opened = RequestLog(tmp_path / "log.sqlite", secrets=["TOKEN"])
    yield opened
    opened.close()


def test_no_secret_reaches_the_file(log: RequestLog, tmp_path: Path) -> None:
    log.record(
        one(
            path="/slack/TOKEN",
            query="access_token=TOKEN",
            body=b"access_token=TOKEN&x=1",
            headers={"authorization": "Bearer TOKEN", "X-Shopify-Access-Token": "TOKEN", "accept": "*/*"},
        )
    )
    found = next(log.read())
    assert (found.path, found.query, found.body) == ("/slack/***", "access_token=***", b"access_token=***&x=1")
    assert found.headers == {"accept": "*/*"}
    assert b"TOKEN" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_reading_streams_all_in_order_and_can_go_on_behind_one(log: RequestLog) -> None:
    for number in range(130):
        log.record(one(number, method="GET" if number % 2 else "POST"))
    assert [found.path for found in log.read()] == [f"/meta/{number}" for number in range(130)]
    assert len(list(log.read(method="GET"))) == 65
    assert [found.path for found in log.read(path="/meta/12_", after=125)] == [f"/meta/{n}" for n in range(125, 130)]


def test_a_large_run_keeps_all_bodies_sent_but_only_answers_that_refuse(tmp_path: Path) -> None:
    log = RequestLog(tmp_path / "log.sqlite", answers="refusals")
    log.record(one(body=b"sent", answer=b"long"))
    log.record(one(body=b"sent too", answer=b"no", status=400))
    assert [(found.body, found.answer) for found in log.read()] == [(b"sent", None), (b"sent too", b"no")]
    log.close()


def test_over_the_wire_and_back_it_is_the_same(log: RequestLog) -> None:
    log.record(one(body=b"\xff\x00", answer=None, status=None, fault="reset", applied=False))
    found = next(log.read())
    assert Recorded.from_wire(found.to_wire()) == found


def test_counts_name_broken_connections_as_status_zero(log: RequestLog) -> None:
    log.record(one())
    log.record(one(status=None))
    assert log.counts() == [
        {"platform": "meta", "method": "POST", "status": 0, "requests": 1},
        {"platform": "meta", "method": "POST", "status": 200, "requests": 1},
    ]
