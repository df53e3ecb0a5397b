"""HubSpot on a bad day: searches that end at 10,000 results, ties, contacts that move, cursors that come again."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include.errors import AuthError, ConfigError, FatalError, QuotaError
from include.sources import hubspot
from include.sources.pages import Page, Window
from tests.include.sources.small_server import Answer, Asked, serving

CAP = 10_000
BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
START = int(BEGIN.timestamp() * 1000)
MAPPING: dict[str, Any] = {"email": ["properties", "email"], "ids": {}}
CHANGES = Window(BEGIN + hubspot.OVERLAP, BEGIN + timedelta(days=1))


class Account:
    """Contacts as id → time of change (epoch ms), searched and listed by HubSpot's rules."""

    def __init__(self, contacts: dict[int, int]) -> None:
        self.contacts = contacts
        self.searches = 0
        self.after_search: Callable[[], None] = lambda: None

    def answer(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            return self._listing(asked)
        if "/associations/" in asked.path:
            return Answer({"results": []})
        self.searches += 1
        made = self._search(asked.body)
        self.after_search()
        return made

    def _listing(self, asked: Asked) -> Answer:
        if asked.query["archived"] == "true":
            return Answer({"results": []})
        found = sorted(id for id in self.contacts if id > int(asked.query.get("after", 0)))[:100]
        more = {"paging": {"next": {"after": str(found[-1])}}} if found and found[-1] < max(self.contacts) else {}
        return Answer({"results": [self._shown(id) for id in found], **more})

    def _search(self, body: dict[str, Any]) -> Answer:
        [group], [sort] = body["filterGroups"], body["sorts"]
        found = [id for id in self.contacts if all(self._holds(id, one) for one in group["filters"])]
        found.sort(key=lambda id: (self._value(id, sort["propertyName"]), -id))  # ties: not the order of ids
        begin = int(body.get("after", 0))
        if begin + body["limit"] > CAP:
            return Answer({"category": "VALIDATION_ERROR"}, 400)
        return Answer({"total": len(found), "results": [self._shown(id) for id in found[begin:begin + body["limit"]]]})

    def _holds(self, id: int, one: dict[str, str]) -> bool:
        mine, value = self._value(id, one["propertyName"]), int(one["value"])
        return {"GTE": mine >= value, "GT": mine > value, "LT": mine < value}[one["operator"]]

    def _value(self, id: int, name: str) -> int:
        return id if name == "hs_object_id" else self.contacts[id]

    def _shown(self, id: int) -> dict[str, Any]:
        at = (BEGIN + timedelta(milliseconds=self.contacts[id] - START)).isoformat()
        return {"id": str(id), "properties": {"lastmodifieddate": at}, "updatedAt": at}


def read(answer: Callable[[Asked], Answer], window: Window = CHANGES) -> list[Page]:
    with serving(answer) as url:
        return list(hubspot.contacts(hubspot.client(url, "token"), window, MAPPING))


def ids(pages: Iterable[Page]) -> list[int]:
    return [int(row.key) for page in pages for row in page.rows]


def test_more_than_ten_thousand_changes_of_one_moment_all_arrive() -> None:
    tied = dict.fromkeys(range(1, CAP + 301), START + 5000)
    account = Account({**tied, 20_001: START + 4000, 20_002: START + 5001, 20_003: START + 9000})

    found = ids(read(account.answer))

    assert set(found) == set(account.contacts)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("last_of_page", [198, 199, 200, 201])
def test_ties_across_the_end_of_a_page_are_neither_lost_nor_doubled(last_of_page: int) -> None:
    contacts = {number: START + number * 10 for number in range(1, 402)}
    contacts |= dict.fromkeys(range(last_of_page - 2, last_of_page + 3), START + last_of_page * 10)
    account = Account(contacts)

    found = ids(read(account.answer))

    assert sorted(found) == sorted(contacts)


@pytest.mark.parametrize("tied", [200, 201, 400])
def test_a_moment_that_fills_whole_pages_is_read_once(tied: int) -> None:
    contacts = {**dict.fromkeys(range(1, tied + 1), START), **{1000 + n: START + n for n in range(1, 51)}}

    found = ids(read(Account(contacts).answer))

    assert set(found) == set(contacts)


def test_a_contact_that_changes_while_others_are_read_takes_nobody_with_it() -> None:
    account = Account({number: START + number for number in range(1, 451)})

    def move() -> None:
        account.contacts[account.searches] = START + 100_000 + account.searches

    account.after_search = move

    assert set(ids(read(account.answer))) == set(account.contacts)


def test_each_page_of_changes_can_be_resumed_where_it_ends() -> None:
    account = Account({number: START + number for number in range(1, 301)})

    first, *_ = read(account.answer)

    since = datetime.fromisoformat(first.cursor["since"])
    rest = read(account.answer, Window(since, CHANGES.until))
    assert set(ids([first, *rest])) == set(account.contacts)


def test_a_search_in_another_order_is_refused() -> None:
    unsorted = [{"id": str(n), "properties": {"lastmodifieddate": (BEGIN + timedelta(seconds=9 - n)).isoformat()}}
                for n in range(3)]

    with pytest.raises(FatalError, match="not in the order"):
        read(lambda asked: Answer({"results": unsorted}))


def test_a_listing_that_names_the_same_next_page_twice_is_refused() -> None:
    at = BEGIN.isoformat()
    same = {"results": [{"id": "1", "updatedAt": at}], "paging": {"next": {"after": "1"}}}

    with pytest.raises(FatalError, match="the same next page twice"):
        read(lambda asked: Answer(same), Window(None, CHANGES.until))


def test_a_first_load_goes_on_at_the_page_it_stopped_at_and_looks_for_what_changed_since_it_began() -> None:
    account = Account(dict.fromkeys(range(1, 251), START))
    whole = read(account.answer, Window(None, CHANGES.until))
    state = whole[0].cursor

    later = CHANGES.until + timedelta(days=2)
    account.contacts[7] = int(later.timestamp() * 1000) - 1

    rest = read(account.answer, Window(None, later, state))

    assert state["listing_after"] == "100"
    assert ids(rest) == [*range(101, 251), 7]
    assert rest[-1].cursor == {"since": later.isoformat()}


def test_more_properties_than_a_search_body_takes_is_told_before_it_is_sent() -> None:
    account = Account({1: START})
    mapping = {**MAPPING, "ids": {f"id{n}": f"properties\x1fa_property_with_a_long_name_{n}" for n in range(100)}}

    with serving(account.answer) as url, pytest.raises(ConfigError, match=r"hubspot\.yaml names 103 properties"):
        list(hubspot.contacts(hubspot.client(url, "token"), CHANGES, mapping))
    assert account.searches == 0


def refusal(status: int, headers: dict[str, str] | None = None, **body: str) -> Callable[[Asked], Answer]:
    return lambda asked: Answer(body, status, headers or {})


def test_a_token_that_expired_stops_at_once() -> None:
    with pytest.raises(AuthError):
        read(refusal(401, category="EXPIRED_AUTHENTICATION"))


def test_a_token_without_the_scope_says_which() -> None:
    with pytest.raises(AuthError, match=r"crm\.objects\.contacts\.read"):
        read(refusal(403, category="MISSING_SCOPES"))


def test_a_daily_limit_is_not_waited_for() -> None:
    with pytest.raises(QuotaError, match="DAILY") as raised:
        read(refusal(429, {"Retry-After": "86400"}, policyName="DAILY"))
    assert raised.value.retry_after >= 86400


def test_a_limit_is_waited_for_as_long_as_the_header_says() -> None:
    account, asked_at = Account({1: START}), []

    def answer(asked: Asked) -> Answer:
        asked_at.append(datetime.now(UTC))
        if len(asked_at) == 1:
            return Answer({"policyName": "TEN_SECONDLY_ROLLING"}, 429, {"Retry-After": "0.4"})
        return account.answer(asked)

    assert ids(read(answer)) == [1]
    assert asked_at[1] - asked_at[0] >= timedelta(seconds=0.4)
