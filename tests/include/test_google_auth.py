"""Google's token endpoint: a key that is refused is told apart from an endpoint that is out of order."""

from collections.abc import Iterator

import pytest

from include.errors import AuthError, RetriableError
from include.google_auth import GoogleAuth
from include.http_client import JsonClient
from include.sources.ga4_client import SCOPE
from include.standins.faults import Fault
from include.standins.ga4 import PROPERTY
from include.standins.google_sign_in import key_file
from tests.include.sources.contract.stage import Stage
from tests.include.sources.small_server import Answer, Asked, serving

PAGE = b"<html><title>Bad Gateway</title></html>"
OUT_OF_ORDER = [
    pytest.param(Answer(PAGE, 502), id="a gateway's page"),
    pytest.param(Answer({"error": {"code": 502}}, 502), id="a gateway's JSON"),
    pytest.param(Answer(PAGE), id="a page instead of a token"),
    pytest.param(Answer(b'{"access_tok'), id="half a token"),
    pytest.param(Answer([]), id="no object"),
    pytest.param(Answer({"error": {"code": 429}}, 429), id="a limit"),
]
REFUSALS = [
    *(
        Answer({"error": word, "error_description": "who@example.com"}, 400)
        for word in ("invalid_grant", "invalid_scope")
    ),
    Answer({"error": "invalid_client", "error_description": "who@example.com"}, 401),
    Answer({"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "who@example.com"}}, 401),
]


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    platform = Stage("ga4")
    with platform.serving():
        yield platform


def auth(stage: Stage, url: str) -> GoogleAuth:
    return GoogleAuth(key_file(stage.store, "ga4", url), SCOPE)


@pytest.mark.parametrize("answer", OUT_OF_ORDER)
def test_an_endpoint_that_is_out_of_order_does_not_make_the_key_a_bad_one(stage: Stage, answer: Answer) -> None:
    with serving(lambda asked: answer) as url, pytest.raises(RetriableError, match="token_uri") as raised:
        auth(stage, url)._token()
    assert raised.value.code == "token_endpoint"


@pytest.mark.parametrize("answer", REFUSALS)
def test_a_key_that_is_refused_is_not_tried_again(stage: Stage, answer: Answer) -> None:
    asked: list[Asked] = []

    def refuse(one: Asked) -> Answer:
        asked.append(one)
        return answer

    with serving(refuse) as url, pytest.raises(AuthError, match="key is refused") as raised:
        JsonClient(url, auth=auth(stage, url)).request("GET", "/x")
    assert len(asked) == 1
    assert "example.com" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_a_call_gets_through_when_the_endpoint_is_back(stage: Stage) -> None:
    stage.context.faults.replace(Fault("*", "error", path="^/token$", status=502, next=1))
    client = JsonClient(stage.url, auth=auth(stage, stage.url))
    body = {"dateRanges": [{"startDate": "2025-11-19", "endDate": "2025-11-19"}], "metrics": [{"name": "sessions"}]}
    assert client.request("POST", f"/v1beta/properties/{PROPERTY}:runReport", json=body)["kind"]
    assert stage.context.faults.state()[0]["hit"] == 1
