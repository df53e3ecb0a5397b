"""Mailchimp on a bad day: offsets that shift, crowded seconds, "since" with and without its own second."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest

from include.errors import AuthError, FatalError, QuotaError, RetriableError
from include.sources import mailchimp
from include.sources.pages import Page, Window
from tests.include.sources.mailing_list import BEGIN, List, shown
from tests.include.sources.small_server import Answer, Asked, serving

EVERYTHING = Window(None, BEGIN + timedelta(days=1))
BOTH = pytest.mark.parametrize("inclusive", [True, False], ids=["since_and_later", "later_than_since"])
ACTIVITY: dict[str, Any] = {"options": {}}


def read(answer: Callable[[Asked], Answer], window: Window = EVERYTHING) -> list[Page]:
    with serving(answer) as url:
        return list(mailchimp.members(mailchimp.client(url, "key", "list"), window, {}))


def numbers(pages: Iterable[Page]) -> list[int]:
    return [int(row.key) for page in pages for row in page.rows]


@BOTH
@pytest.mark.parametrize("a_second", [1, 3, 7, 600])
def test_ties_across_the_end_of_a_page_are_neither_lost_nor_doubled(inclusive: bool, a_second: int) -> None:
    members = {number: number // a_second for number in range(2500)}

    found = numbers(read(List(members, inclusive=inclusive).answer))

    assert sorted(found) == sorted(members)


@BOTH
@pytest.mark.parametrize("sizes", [
    (300, 2300, 5), (1000, 1, 1000), (1001, 999, 1001, 3), (999, 1000, 1), (1200, 1200, 1200), (1, 0, 1000, 0, 1),
], ids=str)
def test_seconds_that_hold_more_than_a_page_arrive_whole(inclusive: bool, sizes: tuple[int, ...]) -> None:
    members = {second * 10_000 + number: second for second, size in enumerate(sizes) for number in range(size)}

    found = numbers(read(List(members, inclusive=inclusive).answer))

    assert set(found) == set(members)


@BOTH
def test_a_member_that_changes_while_others_are_read_takes_nobody_with_it(inclusive: bool) -> None:
    mailing_list = List({number: number for number in range(2500)}, inclusive=inclusive)
    moved = iter(range(0, 2500, 50))

    def move(asked: Asked) -> None:
        mailing_list.members[next(moved)] = 10_000

    mailing_list.after_answer = move

    assert set(numbers(read(mailing_list.answer))) == set(mailing_list.members)


def test_a_crowded_second_that_loses_a_member_between_its_pages_is_read_anew() -> None:
    mailing_list = List({**dict.fromkeys(range(2500), 5), 9000: 6})

    def leave(asked: Asked) -> None:
        if asked.query["offset"] == "1000":  # the members behind move one place to the front
            mailing_list.members.pop(0, None)

    mailing_list.after_answer = leave

    assert set(numbers(read(mailing_list.answer))) >= {*range(1, 2500), 9000}


def test_a_crowded_second_that_never_keeps_still_is_given_up_for_now() -> None:
    mailing_list = List(dict.fromkeys(range(3000), 5))
    mailing_list.after_answer = lambda asked: (
        mailing_list.members.popitem() if asked.query["offset"] != "0" else None) and None

    with pytest.raises(RetriableError, match="keep changing"):
        read(mailing_list.answer)


def test_each_page_can_be_resumed_where_it_ends() -> None:
    mailing_list = List({number: number // 3 for number in range(2500)})

    first = next(page for page in read(mailing_list.answer) if page.rows)

    rest = read(mailing_list.answer, Window(datetime.fromisoformat(first.cursor["since"]), EVERYTHING.until))
    assert set(numbers([first, *rest])) == set(mailing_list.members)


def test_members_in_another_order_are_refused() -> None:
    answer = Answer({"members": [shown(1, 9), shown(2, 3)], "total_items": 2})

    with pytest.raises(FatalError, match="not in the order"):
        read(lambda asked: answer)


def test_a_page_that_comes_again_and_again_ends_the_reading() -> None:
    """An account whose filter by time does not work gives the first page for ever."""
    page = Answer({"members": [shown(number, number) for number in range(1000)], "total_items": 5000})
    asked: list[Asked] = []

    def answer(one: Asked) -> Answer:
        asked.append(one)
        if len(asked) > 50:
            raise RuntimeError("asked without end")
        return page

    with pytest.raises((FatalError, RetriableError), match="paging"):
        read(answer)


def report(campaign: str, recipient: int, *acts: dict[str, Any]) -> dict[str, Any]:
    return {"campaign_id": campaign, "list_id": "list", "email_id": str(recipient),
            "email_address": f"p{recipient}@inbox.example", "activity": list(acts)}


def activity(reports: Callable[[int, int], list[dict[str, Any]]], total: int, window: Window) -> list[Page]:
    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/campaigns"):
            return Answer({"campaigns": [{"id": "c1"}], "total_items": 1})
        offset, count = int(asked.query["offset"]), int(asked.query["count"])
        return Answer({"emails": reports(offset, count), "total_items": total})

    with serving(answer) as url:
        return list(mailchimp.activity(mailchimp.client(url, "key", "list"), window, ACTIVITY))


def opened(second: int) -> dict[str, Any]:
    return {"action": "open", "timestamp": (BEGIN + timedelta(seconds=second)).isoformat(), "ip": "192.0.2.1"}


def test_a_report_of_several_pages_arrives_whole_and_without_addresses_of_machines() -> None:
    everybody = [report("c1", number, opened(number)) for number in range(2300)]

    pages = activity(lambda offset, count: everybody[offset:offset + count], 2300, EVERYTHING)

    rows = [row for page in pages for row in page.rows]
    assert len({row.key for row in rows}) == 2300
    assert all(b"192.0.2.1" not in row.payload for row in rows)


def test_equal_events_of_one_moment_stay_apart_and_those_outside_the_window_are_left() -> None:
    acts = [opened(3600), opened(3600), opened(3600), opened(1), opened(90_000)]
    window = Window(BEGIN + timedelta(hours=1), BEGIN + timedelta(hours=2))

    pages = activity(lambda offset, count: [report("c1", 1, *acts)], 1, window)

    assert len({row.key for page in pages for row in page.rows}) == 3


def test_a_report_that_promises_more_than_it_gives_ends() -> None:
    everybody = [report("c1", number, opened(number)) for number in range(1500)]

    pages = activity(lambda offset, count: everybody[offset:offset + count], 9999, EVERYTHING)

    assert sum(len(page.rows) for page in pages) == 1500


def sent(number: int, days_ago: float) -> dict[str, Any]:
    at = (EVERYTHING.until - timedelta(days=days_ago)).isoformat()
    return {"id": f"c{number}", "send_time": at, "settings": {"title": f"No. {number}"}}


def campaigns(listed: list[dict[str, Any]], reports: list[dict[str, Any]], window: Window) -> tuple[list[Page], Any]:
    """The pages read, and the time from which campaigns were asked for."""
    since: set[str | None] = set()

    def answer(asked: Asked) -> Answer:
        since.add(asked.query.get("since_send_time"))
        found, name = (listed, "campaigns") if asked.path.endswith("/campaigns") else (reports, "reports")
        offset = int(asked.query["offset"])
        return Answer({name: found[offset : offset + int(asked.query["count"])], "total_items": len(found)})

    with serving(answer) as url:
        client = mailchimp.client(url, "key", "list")
        pages = list(mailchimp.campaigns(client, window, {"options": {"figures_days": 90}}))
    [asked] = since
    return pages, asked


def test_campaigns_come_with_their_figures_and_one_without_a_report_or_after_the_window_waits() -> None:
    listed = [sent(1, 3), sent(2, 1), sent(3, -0.1)]
    reports = [{"id": f"c{number}", "emails_sent": number, "list_name": "x"} for number in (3, 1)]

    pages, since = campaigns(listed, reports, EVERYTHING)

    [row] = [row for page in pages for row in page.rows]
    told = orjson.loads(row.payload)
    assert (row.key, told["report"]["emails_sent"], since) == ("c1", 1, None)
    assert "list_name" not in told["report"]


def test_the_keys_are_those_of_the_campaigns_there_are() -> None:
    found = [sent(number, number / 100) for number in range(1500)]

    def answer(asked: Asked) -> Answer:
        offset, count = int(asked.query["offset"]), int(asked.query["count"])
        return Answer({"campaigns": found[offset : offset + count], "total_items": len(found)})

    with serving(answer) as url:
        pages = list(mailchimp.campaign_keys(mailchimp.client(url, "key", "list"), EVERYTHING, {}))

    assert [key for page in pages for key in page] == [one["id"] for one in found]


def test_figures_of_young_campaigns_are_asked_for_again() -> None:
    window = Window(BEGIN, EVERYTHING.until)

    pages, since = campaigns([sent(number, 1) for number in range(1500)], [], window)

    assert datetime.fromisoformat(since) == BEGIN - timedelta(days=90)
    assert pages[-1].cursor == {"since": window.until.isoformat()}


def test_a_key_that_is_revoked_stops_at_once() -> None:
    with pytest.raises(AuthError):
        read(lambda asked: Answer({"title": "API Key Invalid", "status": 401}, 401))


def test_a_bare_403_is_a_busy_gate_and_one_with_a_problem_document_a_refusal() -> None:
    asked: list[Asked] = []

    def busy_once(one: Asked) -> Answer:
        asked.append(one)
        return Answer(b"<html>busy</html>", 403, {"Retry-After": "0"}) if len(asked) == 1 else List({7: 7}).answer(one)

    assert numbers(read(busy_once)) == [7]
    with pytest.raises(AuthError):
        read(lambda one: Answer({"title": "Forbidden", "status": 403}, 403))


def test_a_limit_that_asks_for_an_hour_is_not_waited_for() -> None:
    with pytest.raises(QuotaError):
        read(lambda asked: Answer({"title": "Too Many Requests"}, 429, {"Retry-After": "3600"}))
