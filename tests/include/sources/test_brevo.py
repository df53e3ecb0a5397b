"""Brevo as a source: offsets that shift, days for moments, who may not be written to; against its specification."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psycopg
import pytest

from include.errors import FatalError
from include.sources import brevo
from include.sources.mapping import table_mapping
from include.sources.pages import Page, Window
from include.standins import brevo_records as records
from tests.conformance import check_openapi
from tests.include.sources.small_server import Answer, Asked, serving
from tests.include.sources.staged_rows import land, put, staged
from tests.standins import Standins

SPEC = "brevo/brevo-v3.openapi.json"
CONTACTS, EVENTS = "brevo.contacts", "brevo.events"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
NOW = datetime.now(UTC).replace(microsecond=0)
LONG_AGO = NOW - 300 * DAY
EVERYTHING, TODAY = Window(None, NOW), Window(NOW - DAY, NOW)
FAULTS_OF_THE_FILE = (r"'too_many_requests' is not one of",)  # its list of codes has none for too many calls


def contact(number: int, modified_at: datetime, **more: Any) -> list[tuple[str, dict[str, Any]]]:
    return records.contact(number, f"p{number}@inbox.example", created_at=LONG_AGO, modified_at=modified_at, **more)


def test_brevo_is_asked_as_its_specification_says(
    conn: psycopg.Connection, empty_standins: Standins, vendor_specs: str
) -> None:
    put(empty_standins, "brevo", chain.from_iterable(contact(number, LONG_AGO) for number in range(1, 1101)))
    put(empty_standins, "brevo", records.event(1, "opened", "p1@inbox.example", NOW - 3 * DAY))
    empty_standins.faults({"platform": "brevo", "kind": "throttle", "seconds": 0, "next": 1})
    assert land(conn, empty_standins, CONTACTS, NOW - 2 * DAY) == 1100
    assert land(conn, empty_standins, EVENTS, NOW - 2 * DAY) == 1
    put(empty_standins, "brevo", contact(7, NOW - DAY))

    assert land(conn, empty_standins, CONTACTS, NOW) == 1
    assert land(conn, empty_standins, EVENTS, NOW) == 0

    recorded = empty_standins.recorded("brevo")
    assert {200, 429} == {one.status for one in recorded}
    found = check_openapi(Path(vendor_specs) / SPEC, recorded, "/brevo/v3", allowed=FAULTS_OF_THE_FILE)
    assert found == []
    asked = [parse_qs(one.query) for one in recorded if one.path.endswith("events")]
    kinds = {"opened", "clicks", "hardBounces", "spam", "unsubscribed"}
    assert {query["event"][0] for query in asked} == kinds
    assert len(asked) <= 2 * len(kinds) + 1, "a hundred calls an hour are all there are"


def test_only_a_confirmed_opt_in_grants_and_a_blacklist_or_a_list_that_was_left_withdraws(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    confirmed = {"DOUBLE_OPT-IN": "1"}
    put(
        empty_standins,
        "brevo",
        chain.from_iterable(
            (
                contact(1, NOW - DAY, SMS="491701234567", FIRSTNAME="Ann"),
                contact(2, NOW - DAY, blacklisted=True, **confirmed),
                contact(3, NOW - DAY, left=[4], **confirmed),
                contact(4, NOW - DAY, sms_blacklisted=True, **confirmed),
            )
        ),
    )

    land(conn, empty_standins, CONTACTS, NOW)

    rows = staged(conn, CONTACTS)
    assert [(row["consent_email"], row["consent_email_at"]) for row in rows.values()] == [
        (None, None),
        ("withdrawn", None),
        ("withdrawn", None),
        ("granted", LONG_AGO),
    ]
    assert (rows["1"]["first_name"], rows["1"]["phone"], rows["1"]["changed_at"]) == ("Ann", "491701234567", NOW - DAY)


class Account:
    """Contacts by id, asked for by Brevo's rules, changed between two questions.

    :ivar between: called after each answer.
    """

    def __init__(self, ids: range) -> None:
        self.ids = list(ids)
        self.between: Callable[[Account], None] = lambda account: None
        self.asked: list[int] = []

    def answer(self, asked: Asked) -> Answer:
        offset, limit = int(asked.query["offset"]), int(asked.query["limit"])
        assert limit <= 1000
        assert asked.query["sort"] == "asc"
        self.asked.append(offset)
        assert len(self.asked) < 60, "asked without end"
        found = [{"id": id, "email": f"p{id}@x.example"} for id in sorted(self.ids)[offset : offset + limit]]
        made = Answer({"contacts": found, "count": len(self.ids)})
        self.between(self)
        return made


def read(account: Account, window: Window = EVERYTHING) -> list[Page]:
    with serving(account.answer) as url:
        return list(brevo.contacts(brevo.client(url, "xkeysib"), window, table_mapping(CONTACTS)))


def numbers(pages: list[Page]) -> list[int]:
    return [int(row.key) for page in pages for row in page.rows]


@pytest.mark.parametrize("window", [EVERYTHING, TODAY], ids=["all", "changed"])
@pytest.mark.parametrize("deleted", [1, 9, 10, 11, 400, 990], ids=str)
def test_contacts_deleted_while_others_are_read_take_nobody_with_them(deleted: int, window: Window) -> None:
    account = Account(range(1, 4501))
    account.between = lambda account: account.ids.__delitem__(slice(0, deleted))

    found = numbers(read(account, window))

    assert len(found) == len(set(found))
    assert set(found) >= set(account.ids)


def test_contacts_that_come_into_the_filter_in_front_push_nobody_out_and_nobody_comes_twice() -> None:
    account = Account(range(10_001, 13_501))
    new = iter(range(1, 10_000))
    account.between = lambda account: account.ids.extend(next(new) for _ in range(300))

    found = numbers(read(account, TODAY))

    assert len(found) == len(set(found))
    assert set(found) >= set(range(10_001, 13_501))


def test_keys_are_those_of_everybody_who_is_there_whoever_goes_meanwhile() -> None:
    account = Account(range(1, 3201))
    account.between = lambda account: account.ids.__delitem__(slice(0, 40))

    with serving(account.answer) as url:
        pages = list(brevo.contact_keys(brevo.client(url, "k"), EVERYTHING, table_mapping(CONTACTS)))

    assert {int(key) for page in pages for key in page} >= set(account.ids)


@pytest.mark.parametrize("deleted", [0, 5, 700], ids=str)
def test_a_first_load_goes_on_where_it_ended(deleted: int) -> None:
    account = Account(range(1, 3201))
    first, second, *_ = read(account)
    del account.ids[:deleted]
    account.asked.clear()

    rest = read(account, Window(None, NOW, second.cursor))

    assert set(numbers([first, second, *rest])) >= set(account.ids)
    assert len(account.asked) <= 3 + deleted // 400
    assert rest[-1].cursor == {"since": NOW.isoformat()}


def test_contacts_in_another_order_are_refused() -> None:
    answer = Answer({"contacts": [{"id": 2}, {"id": 1}], "count": 2})
    with serving(lambda asked: answer) as url, pytest.raises(FatalError, match="order of their creation"):
        list(brevo.contacts(brevo.client(url, "k"), EVERYTHING, table_mapping(CONTACTS)))


def test_events_have_our_names_are_told_apart_and_leave_the_readers_machine_out(
    conn: psycopg.Connection, empty_standins: Standins
) -> None:
    at, who = NOW - DAY, "p1@inbox.example"
    put(
        empty_standins,
        "brevo",
        chain.from_iterable(
            (
                records.event(1, "opened", who, at, ip="192.0.2.7"),
                records.event(2, "opened", who, at, ip="192.0.2.7"),
                records.event(3, "opened", who, at + MINUTE),
                records.event(4, "clicks", who, at, link="https://shop.example/a"),
                records.event(5, "clicks", who, at, link="https://shop.example/b"),
                records.event(6, "hardBounces", "p2@inbox.example", at, reason="no such box"),
                records.event(7, "unsubscribed", who, at),
                records.event(8, "delivered", who, at),
            )
        ),
    )

    land(conn, empty_standins, EVENTS, NOW)

    rows = staged(conn, EVENTS)
    assert sorted(row["name"] for row in rows.values()) == [
        "email_bounced",
        "email_clicked",
        "email_clicked",
        "email_opened",
        "email_opened",
        "email_unsubscribed",
    ]
    clicked = {row["properties"]["url"] for row in rows.values() if row["name"] == "email_clicked"}
    assert clicked == {"https://shop.example/a", "https://shop.example/b"}
    assert not any("@" in key for key in rows), "a key is told in alerts"
    payloads = conn.execute("select payload::text from raw.brevo_events").fetchall()
    assert not any("192.0.2" in text for (text,) in payloads)
    put(empty_standins, "brevo", records.event(9, "spam", who, NOW - 2 * DAY))
    assert land(conn, empty_standins, EVENTS, NOW) == 1, "what is told days late"


def test_no_question_about_statistics_is_of_more_than_90_days() -> None:
    spans: list[tuple[date, date]] = []

    def answer(asked: Asked) -> Answer:
        spans.append((date.fromisoformat(asked.query["startDate"]), date.fromisoformat(asked.query["endDate"])))
        return Answer({})

    with serving(answer) as url:
        client, mapping = brevo.client(url, "k"), table_mapping(EVENTS)
        list(brevo.events(client, EVERYTHING, mapping))
        first, spans[:] = set(spans), []
        list(brevo.events(client, Window(NOW - 200 * DAY, NOW), mapping))

    assert first == {(NOW.date() - 89 * DAY, NOW.date())}
    assert max((end - begin).days for begin, end in spans) == 89
    days = {begin + DAY * number for begin, end in spans for number in range((end - begin).days + 1)}
    assert days == {NOW.date() - DAY * number for number in range(204)}
