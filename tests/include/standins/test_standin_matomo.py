"""Matomo's stand-in is no gentler than the platform: its defaults, its days, its errors, where a token counts."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from include.standins.matomo_records import Act, Visit, kind_of, visit
from tests.include.sources.contract.stage import Stage

NOON = datetime(2025, 11, 19, 11, tzinfo=UTC)  # Berlin's noon; the stage's present is two days later


@pytest.fixture(scope="module")
def platform() -> Iterator[Stage]:
    stage = Stage("matomo")
    with stage.serving():
        yield stage


@pytest.fixture
def stage(platform: Stage) -> Stage:
    platform.renew()
    return platform


def ask(stage: Stage, status: int = 200, **asked: Any) -> Any:
    """The answer of a well-formed call."""
    form = {
        "module": "API",
        "method": "Live.getLastVisitsDetails",
        "format": "JSON",
        "token_auth": stage.context.tokens["matomo"],
        "idSite": "1",
        "period": "range",
        "date": "2025-11-19,2025-11-19",
        **asked,
    }
    answer = requests.post(f"{stage.url}/index.php", data=form, timeout=30)
    assert answer.status_code == status
    return answer.json()


def put(stage: Stage, *visits: Visit) -> None:
    for one in map(visit, visits):
        stage.store.put("matomo", kind_of(1), one["id"], one["body"], changed_at=one["changed_at"])


def numbers(visits: list[dict[str, Any]]) -> list[int]:
    return [int(one["idVisit"]) for one in visits]


def test_a_token_counts_in_the_body_of_a_post_and_nowhere_else(stage: Stage) -> None:
    good = {"module": "API", "method": "SitesManager.getSiteFromId", "format": "JSON", "idSite": "1"}
    token = {"token_auth": stage.context.tokens["matomo"]}
    url = f"{stage.url}/index.php"

    answers = [
        requests.get(url, params={**good, **token}, timeout=30),
        requests.post(url, params={**good, **token}, timeout=30),
        requests.post(url, params=token, data=good, timeout=30),
        requests.post(url, data={**good, "token_auth": "0" * 32}, timeout=30),
        requests.post(url, json={**good, **token}, timeout=30),
    ]

    assert {(one.status_code, one.json()["result"]) for one in answers} == {(401, "error")}
    assert requests.post(url, data={**good, **token}, timeout=30).json()["timezone"] == "Europe/Berlin"


def test_ten_visits_come_the_newest_first_unless_something_else_is_asked_for(stage: Stage) -> None:
    put(stage, *(Visit(n, 1, NOON + timedelta(seconds=n // 2)) for n in range(1, 14)))

    assert numbers(ask(stage)) == list(range(13, 3, -1))
    assert numbers(ask(stage, filter_limit=-1, filter_sort_order="asc")) == list(range(1, 14))
    assert numbers(ask(stage, filter_limit=3, filter_offset=2, filter_sort_order="asc")) == [3, 4, 5]


def test_later_than_a_moment_is_strictly_later_and_about_the_last_action(stage: Stage) -> None:
    put(stage, Visit(1, 1, NOON, (Act(0), Act(60))), Visit(2, 1, NOON + timedelta(seconds=30)))
    moment = int(NOON.timestamp()) + 30

    assert numbers(ask(stage, minTimestamp=moment)) == [1]
    assert numbers(ask(stage, minTimestamp=moment - 1)) == [1, 2]


def test_a_visit_belongs_to_the_day_of_its_last_action_on_the_sites_clock(stage: Stage) -> None:
    midnight = datetime(2025, 11, 19, 23, tzinfo=UTC)  # in Berlin
    put(
        stage,
        Visit(1, 1, midnight - timedelta(minutes=5), (Act(0), Act(600))),
        Visit(2, 1, midnight - timedelta(minutes=5)),
        Visit(3, 1, midnight),
    )

    assert numbers(ask(stage, filter_sort_order="asc")) == [2, 3]  # the midnight after a day is in it
    assert numbers(ask(stage, filter_sort_order="asc", date="2025-11-20,2025-11-20")) == [3, 1]


def test_today_has_no_end_and_asked_for_as_a_day_begins_yesterday(stage: Stage) -> None:
    now = stage.context.now()
    put(stage, Visit(1, 1, now - timedelta(days=1)), Visit(2, 1, now), Visit(3, 1, now + timedelta(days=2)))
    today = now.date().isoformat()

    assert numbers(ask(stage, filter_sort_order="asc", date=f"{today},{today}")) == [2, 3]
    assert numbers(ask(stage, filter_sort_order="asc", date=today, period="day")) == [1, 2, 3]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"idSite": "9"}, 401),
        ({"token_auth": "another"}, 401),
        ({"method": "Live.getEverything"}, 400),
        ({"date": "2025-11-19"}, 400),
        ({"date": "2025-11-19,2025-11-18"}, 400),
        ({"date": "soon,later"}, 400),
        ({"format": "XML"}, 400),
        ({"filter_limit": "many"}, 400),
    ],
    ids=str,
)
def test_an_error_comes_with_the_status_of_version_5_7(stage: Stage, asked: dict[str, str], status: int) -> None:
    assert ask(stage, status, **asked)["result"] == "error"


def test_columns_are_hidden_at_every_depth_and_actions_left_out_when_nobody_wants_them(stage: Stage) -> None:
    put(stage, Visit(1, 1, NOON))

    [hidden] = ask(stage, hideColumns="visitIp,url")
    [bare] = ask(stage, doNotFetchActions="1")

    assert "visitIp" not in hidden
    assert "url" not in hidden["actionDetails"][0]
    assert bare["visitIp"] == "203.0.113.7"
    assert bare["actionDetails"] == []


def test_a_question_that_is_too_large_is_aborted(stage: Stage) -> None:
    stage.store.set_setting("matomo.slow_above", 100)

    assert "execution time" in ask(stage, filter_limit=-1)["message"]
    assert ask(stage, filter_limit=100) == []
