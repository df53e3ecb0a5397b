"""The company a person works for: named by a CRM's contact, joined by the record's person, as of a day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pytest

from include.identity.build import build_persons
from tests.include.identity.staged import publish_persons, traits_of

DAY = date(2026, 11, 21)
MADE = datetime(2026, 10, 1, tzinfo=UTC)
COLUMNS = ("company_name", "company_domain", "company_industry", "company_employees", "company_country")


def person(key: str, email: str, company: str | None, changed: datetime = MADE, **more: Any) -> dict[str, Any]:
    named = {"company_key": company, "company_stream": "hubspot.companies" if company else None}
    return {"record_key": key, "email": f"{email}@firm.example", "changed_at": changed, **named, **more}


def put_company(conn: psycopg.Connection, key: str, stream: str = "hubspot.companies", **more: Any) -> None:
    row = {
        **{"stream": stream, "key": key, "created_at": MADE, "name": f"Firm {key}", "domain": f"firm{key}.example"},
        **{"industry": "RETAIL", "employees": 250, "country": "DE", **more},
    }
    conn.execute(
        "insert into staging.company (stream, record_key, raw_id, batch_id, payload_hash, created_at, name, domain,"
        " industry, employees, country) values (%(stream)s, %(key)s, 0, 0, '', %(created_at)s, %(name)s, %(domain)s,"
        " %(industry)s, %(employees)s, %(country)s)",
        row,
    )


@pytest.fixture
def people(conn: psycopg.Connection) -> psycopg.Connection:
    """Ada is two contacts of HubSpot at two companies; Bob's is not there, Eve names none, Kim is Salesforce's."""
    publish_persons(
        conn,
        [
            person("1", "ada", "8"),
            person("2", "ada", "9", MADE + timedelta(days=1)),
            person("3", "bob", "77"),
            person("4", "eve", None),
            person("003A", "kim", "8", stream="salesforce.contacts", company_stream="salesforce.accounts"),
        ],
    )
    put_company(conn, "8")
    put_company(conn, "9", employees=None, country="AT")
    put_company(conn, "8", "salesforce.accounts", industry="BANKING", employees=12)
    return conn


def test_a_person_has_the_company_of_the_record_that_changed_last_and_of_its_own_system(
    people: psycopg.Connection,
) -> None:
    build_persons(people, as_of=DAY)

    nothing = (None,) * len(COLUMNS)
    assert traits_of(people, COLUMNS) == {
        "ada": ("Firm 9", "firm9.example", "RETAIL", None, "AT"),
        "bob": nothing,
        "eve": nothing,
        "kim": ("Firm 8", "firm8.example", "BANKING", 12, "DE"),
    }


def test_a_company_that_was_made_later_is_not_known_on_the_day(people: psycopg.Connection) -> None:
    people.execute("update staging.company set created_at = %s", (datetime(2026, 11, 21, 12, tzinfo=UTC),))

    build_persons(people, as_of=DAY - timedelta(days=1))
    before = traits_of(people, COLUMNS)["kim"]
    build_persons(people, as_of=DAY)

    assert (before[0], traits_of(people, COLUMNS)["kim"][0]) == (None, "Firm 8")
