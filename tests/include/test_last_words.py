"""A withdrawal in the last version of a record that its source deleted: it counts, whoever else carries the address."""

from typing import Any

import psycopg
import pytest

from include.identity.build import build_persons
from tests.include.gate import CONTACTS, STREAMS, good, land, pass_unseen
from tests.include.identity.staged import AS_OF

CUSTOMERS = STREAMS["shopify_customers"]
LATER = "2026-11-20T15:00:00+00:00"


def leaving(number: int, **changed: Any) -> dict[str, Any]:
    """A contact as its source shows it after the deletion, withdrawn from e-mail."""
    said = {"deleted": True, "changed_at": LATER, "consent_email": "withdrawn", "consent_email_at": LATER}
    return good(CONTACTS, number, **(said | changed))


def answers(conn: psycopg.Connection) -> dict[tuple[str, str], str]:
    """(Address, purpose) → today's answer of the person with that address."""
    found = conn.execute(
        "select p.email, c.purpose, c.state from consent.person_consent as c"
        " inner join profile.person as p using (person_id)"
    )
    return {(email, purpose): state for email, purpose, state in found}


def customer_and_contact(conn: psycopg.Connection) -> None:
    """One person in two systems, both of which say yes to e-mail."""
    land(conn, CUSTOMERS, good(CUSTOMERS, 1))
    land(conn, CONTACTS, good(CONTACTS, 1))
    pass_unseen(conn, CUSTOMERS)
    pass_unseen(conn, CONTACTS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn)["person1@shop.example", "email"] == "granted"


def test_who_withdrew_and_was_deleted_between_two_loads_is_withdrawn_everywhere(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, leaving(1))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 1
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"


@pytest.mark.parametrize("spelling", ["person1@shop.example", " Person1@SHOP.example"])
def test_it_counts_though_no_living_version_was_ever_seen(conn: psycopg.Connection, spelling: str) -> None:
    land(conn, CUSTOMERS, good(CUSTOMERS, 1))
    pass_unseen(conn, CUSTOMERS)
    build_persons(conn, as_of=AS_OF)
    land(conn, CONTACTS, leaving(7, email=spelling, ids={}))
    pass_unseen(conn, CONTACTS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"
    assert conn.execute("select count(*) from identity.record where stream = 'hubspot.contacts'").fetchone() == (0,)


SILENT = {"consent_email": None, "consent_email_at": None, "consent_ads": None, "consent_ads_at": None, "ids": {}}
SAID = {"consent_email": "withdrawn", "consent_email_at": None, "changed_at": "2026-11-20T09:00:00+00:00"}


def test_a_withdrawal_that_landed_beside_a_silent_deletion_counts(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, good(CONTACTS, 1, **SAID))
    land(conn, CONTACTS, leaving(1, **SILENT, email=None))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 1
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"


def test_a_withdrawal_that_was_published_and_deleted_between_two_builds_counts(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, good(CONTACTS, 1, **SAID))
    pass_unseen(conn, CONTACTS)
    land(conn, CONTACTS, leaving(1, **SILENT, email=None))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 1
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"


def test_a_withdrawal_that_the_record_took_back_before_its_deletion_is_none(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, good(CONTACTS, 1, **SAID))
    again = "2026-11-20T12:00:00+00:00"
    land(conn, CONTACTS, good(CONTACTS, 1, consent_email_at=again, changed_at=again))
    land(conn, CONTACTS, leaving(1, **SILENT, email=None))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 0
    assert answers(conn)["person1@shop.example", "email"] == "granted"


def test_whoever_comes_later_under_the_address_finds_the_withdrawal(conn: psycopg.Connection) -> None:
    land(conn, CONTACTS, leaving(1))
    pass_unseen(conn, CONTACTS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {}
    land(conn, CUSTOMERS, good(CUSTOMERS, 1))
    pass_unseen(conn, CUSTOMERS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"


def test_a_newer_grant_elsewhere_counts_again(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, leaving(1))
    pass_unseen(conn, CONTACTS)
    newer = "2026-11-21T09:00:00+00:00"
    land(conn, CUSTOMERS, good(CUSTOMERS, 1, changed_at=newer, consent_email_at=newer))
    pass_unseen(conn, CUSTOMERS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn)["person1@shop.example", "email"] == "granted"


def test_a_last_yes_is_no_statement(conn: psycopg.Connection) -> None:
    land(conn, CUSTOMERS, good(CUSTOMERS, 1, consent_email="withdrawn"))
    pass_unseen(conn, CUSTOMERS)
    build_persons(conn, as_of=AS_OF)
    land(conn, CONTACTS, leaving(1, consent_email="granted"))  # its "no" to ads is a last word all the same
    pass_unseen(conn, CONTACTS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {
        ("person1@shop.example", "email"): "withdrawn",
        ("person1@shop.example", "ads"): "withdrawn",
    }


def test_a_last_word_is_written_once_and_survives_a_rebuild(conn: psycopg.Connection) -> None:
    customer_and_contact(conn)
    land(conn, CONTACTS, leaving(1))
    pass_unseen(conn, CONTACTS)
    build_persons(conn, as_of=AS_OF)
    land(conn, CONTACTS, leaving(1))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 0
    assert build_persons(conn, as_of=AS_OF, rebuild=True)["statements"] == 0
    assert answers(conn)["person1@shop.example", "email"] == "withdrawn"


def test_a_last_word_without_a_time_is_no_younger_withdrawal_when_it_was_said_before(
    conn: psycopg.Connection,
) -> None:
    customer_and_contact(conn)
    said = {"consent_email": "withdrawn", "consent_email_at": None, "changed_at": "2026-11-20T09:00:00+00:00"}
    land(conn, CONTACTS, good(CONTACTS, 1, **said))
    newer = "2026-11-20T12:00:00+00:00"
    land(conn, CUSTOMERS, good(CUSTOMERS, 1, changed_at=newer, consent_email_at=newer))
    pass_unseen(conn, CONTACTS)
    pass_unseen(conn, CUSTOMERS)
    build_persons(conn, as_of=AS_OF)
    assert answers(conn)["person1@shop.example", "email"] == "granted"
    land(conn, CONTACTS, leaving(1, consent_email_at=None))
    pass_unseen(conn, CONTACTS)
    assert build_persons(conn, as_of=AS_OF)["statements"] == 0
    assert answers(conn)["person1@shop.example", "email"] == "granted"
