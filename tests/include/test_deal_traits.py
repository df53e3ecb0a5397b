"""What deals say about a person: landed from Salesforce and HubSpot, joined by the record's person, as of a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from include.identity.build import build_persons
from tests.include.identity.staged import publish_persons, traits_of

DAY = date(2026, 11, 21)
MADE = datetime(2026, 10, 1, tzinfo=UTC)
COLUMNS = (
    "deal_currency",
    "open_deal_count",
    "open_deal_cents",
    "next_close_on",
    "won_deal_count",
    "won_deal_cents",
    "last_won_on",
    "lost_deal_count",
)
NOTHING = (None, 0, 0, None, 0, 0, None, 0)


def person(stream: str, key: str, email: str) -> dict[str, Any]:
    return {"stream": stream, "record_key": key, "email": f"{email}@firm.example"}


def put_deal(conn: psycopg.Connection, key: str, state: str, *people: str, **more: Any) -> None:
    """A deal in staging, of HubSpot's contacts when nothing else is said."""
    row = {
        "stream": "hubspot.deals",
        "record_key": key,
        "state": state,
        "stage": state,
        "people": list(people),
        "person_stream": "hubspot.contacts",
        "created_at": MADE,
        "amount": 1000,
        "currency": "EUR",
        "closes_on": DAY - timedelta(days=3),
        **more,
    }
    conn.execute(
        "insert into staging.deal (stream, record_key, raw_id, batch_id, payload_hash, created_at, stage, state,"
        " amount_minor, currency, closes_on, person_stream, person_keys) values (%(stream)s, %(record_key)s, 0, 0, '',"
        " %(created_at)s, %(stage)s, %(state)s, %(amount)s, %(currency)s, %(closes_on)s, %(person_stream)s, %(people)s)"
        " on conflict (stream, record_key) do update set person_keys = excluded.person_keys, state = excluded.state",
        row,
    )


@pytest.fixture
def people(conn: psycopg.Connection) -> psycopg.Connection:
    """Ada is two records of HubSpot and one of Salesforce; Bob and Eve are one each."""
    publish_persons(
        conn,
        [
            person("hubspot.contacts", "1", "ada"),
            person("hubspot.contacts", "2", "ada"),
            person("salesforce.contacts", "003A", "ada"),
            person("hubspot.contacts", "3", "bob"),
            person("hubspot.contacts", "4", "eve"),
        ],
    )
    return conn


def test_deals_of_all_records_of_a_person_are_counted_once_in_the_main_currency(people: psycopg.Connection) -> None:
    put_deal(people, "d1", "open", "1", "2", "3", closes_on=DAY + timedelta(days=9))
    put_deal(people, "d2", "open", "1", closes_on=DAY + timedelta(days=2), amount=None)
    put_deal(people, "d3", "won", "2", amount=5000)
    put_deal(people, "d4", "won", "1", amount=7000, currency="USD", closes_on=DAY)
    put_deal(people, "006A", "won", "003A", stream="salesforce.opportunities", person_stream="salesforce.contacts")
    put_deal(people, "d5", "lost", "3", "no such contact")
    put_deal(people, "d6", "won", "003A")  # a key of the other system: nobody's

    build_persons(people, as_of=DAY)

    assert traits_of(people, COLUMNS) == {
        "ada": ("EUR", 2, 1000, DAY + timedelta(days=2), 3, 6000, DAY, 0),
        "bob": ("EUR", 1, 1000, DAY + timedelta(days=9), 0, 0, None, 1),
        "eve": NOTHING,
    }


def test_a_deal_counts_as_it_stood_on_the_day(people: psycopg.Connection) -> None:
    put_deal(people, "d1", "won", "3", closes_on=DAY)
    put_deal(people, "d2", "open", "4", created_at=datetime(2026, 11, 21, 23, tzinfo=UTC))
    build_persons(people, as_of=DAY - timedelta(days=1))
    before = traits_of(people, COLUMNS)
    build_persons(people, as_of=DAY)
    after = traits_of(people, COLUMNS)

    assert before["bob"] == ("EUR", 1, 1000, DAY, 0, 0, None, 0)
    assert before["eve"] == NOTHING
    assert after["bob"] == ("EUR", 0, 0, None, 1, 1000, DAY, 0)
    assert after["eve"][1] == 1


def test_a_deal_that_loses_its_person_is_theirs_no_more(people: psycopg.Connection) -> None:
    put_deal(people, "d1", "open", "3")
    build_persons(people, as_of=DAY)
    put_deal(people, "d1", "open", "4")
    build_persons(people, as_of=DAY)

    assert {name: row[1] for name, row in traits_of(people, COLUMNS).items()} == {"ada": 0, "bob": 0, "eve": 1}
