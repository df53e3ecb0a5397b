"""Consent: the newest statement per identifier, the strictest per person, unknown is no row."""

from datetime import datetime
from typing import Any

import psycopg
import pytest

from include.identity.build import build_persons
from tests.include.identity.staged import AS_OF, delete, minute, persons, publish_persons

SHOP = "shopify.customers"


def contact(key: str, email: str | None, state: str | None, at: datetime | None, **more: Any) -> dict[str, Any]:
    return {"record_key": key, "email": email, "consent_email": state, "consent_email_at": at, **more}


def answers(conn: psycopg.Connection) -> dict[str, str]:
    """Record key → answer for e-mail of its person."""
    states = {
        str(person): state
        for person, state in conn.execute("select person_id, state from consent.person_consent where purpose = 'email'")
    }
    return {key: states[person] for (_, key), person in persons(conn).items() if person in states}


def ledger_rows(conn: psycopg.Connection) -> int:
    return conn.execute("select count(*) from consent.ledger").fetchone()[0]


def test_unknown_has_no_row(conn: psycopg.Connection) -> None:
    publish_persons(conn, [contact("1", "a@firm.example", None, None)])
    assert build_persons(conn, as_of=AS_OF)["consents"] == 0
    assert answers(conn) == {}


def test_the_newest_statement_of_an_address_counts_whichever_system_took_it(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            contact("crm", "a@firm.example", "withdrawn", minute(5)),
            contact("shop", "A@firm.example", "granted", minute(6), stream=SHOP, consent_text="v2"),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {"crm": "granted", "shop": "granted"}
    deciding = conn.execute(
        "select l.stream, l.text_version from consent.person_consent as c "
        "inner join consent.ledger as l on l.consent_id = c.consent_id"
    ).fetchall()
    assert deciding == [(SHOP, "v2")]
    publish_persons(conn, [contact("crm", "a@firm.example", "withdrawn", minute(7))])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"withdrawn"}


def test_a_tie_is_a_withdrawal(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            contact("1", "a@firm.example", "granted", minute(5)),
            contact("2", "a@firm.example", "withdrawn", minute(5), stream=SHOP),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"withdrawn"}


def test_a_merge_takes_the_strictest_and_a_split_gives_each_its_own_again(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            contact("yes", "yes@firm.example", "granted", minute(9), created_at=minute(1)),
            contact("no", "no@firm.example", "withdrawn", minute(2), created_at=minute(2)),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {"yes": "granted", "no": "withdrawn"}
    publish_persons(conn, [{"record_key": "bridge", "ids": {"email": ["yes@firm.example", "no@firm.example"]}}])
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {"yes": "withdrawn", "no": "withdrawn", "bridge": "withdrawn"}
    publish_persons(conn, [contact("no", "no@firm.example", "granted", minute(20), created_at=minute(2))])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"granted"}  # lifted by a newer grant of the same address
    publish_persons(conn, [contact("no", "no@firm.example", "withdrawn", minute(21), created_at=minute(2))])
    delete(conn, "person", "hubspot.contacts", "bridge")
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {"yes": "granted", "no": "withdrawn"}


def test_statements_are_written_once_and_never_changed(conn: psycopg.Connection) -> None:
    row = contact("1", "a@firm.example", "granted", minute(5), consent_ads="withdrawn", consent_ads_at=minute(5))
    publish_persons(conn, [row])
    assert build_persons(conn, as_of=AS_OF)["statements"] == 2
    publish_persons(conn, [{**row, "city": "Berlin", "changed_at": minute(50)}])
    assert build_persons(conn, as_of=AS_OF)["statements"] == 0
    assert build_persons(conn, as_of=AS_OF, rebuild=True)["statements"] == 0
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute("delete from consent.ledger")


def test_a_grant_without_a_time_does_not_outweigh_a_dated_withdrawal_when_the_record_changes(
    conn: psycopg.Connection,
) -> None:
    publish_persons(
        conn,
        [
            contact("crm", "a@firm.example", "granted", None, created_at=minute(1), changed_at=minute(90)),
            contact("shop", "a@firm.example", "withdrawn", minute(50), stream=SHOP),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"withdrawn"}
    publish_persons(
        conn,
        [contact("crm", "a@firm.example", "granted", None, created_at=minute(1), changed_at=minute(99), city="Berlin")],
    )
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"withdrawn"}
    assert ledger_rows(conn) == 2
    publish_persons(conn, [contact("crm", "a@firm.example", "withdrawn", None, changed_at=minute(100))])
    build_persons(conn, as_of=AS_OF)
    publish_persons(conn, [contact("crm", "a@firm.example", "granted", None, changed_at=minute(110))])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"granted"}  # we saw it change, after the withdrawal
    assert ledger_rows(conn) == 4


def test_a_withdrawal_without_a_time_does_not_become_younger_when_somebody_touches_the_record(
    conn: psycopg.Connection,
) -> None:
    """A tag that we set moves the record's last change: the grant given since the unsubscribe still counts."""
    left = contact("list", "a@firm.example", "withdrawn", None, changed_at=minute(10), stream="mailchimp.members")
    publish_persons(conn, [left, contact("crm", "a@firm.example", "granted", minute(50))])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"granted"}
    publish_persons(conn, [{**left, "changed_at": minute(90)}])
    assert build_persons(conn, as_of=AS_OF)["statements"] == 0
    assert set(answers(conn).values()) == {"granted"}
    publish_persons(conn, [{**left, "consent_email": "granted", "consent_email_at": minute(5)}])  # of long ago
    build_persons(conn, as_of=AS_OF)
    publish_persons(conn, [{**left, "changed_at": minute(95)}])
    assert build_persons(conn, as_of=AS_OF)["statements"] == 1
    assert set(answers(conn).values()) == {"withdrawn"}  # we saw them leave once more


@pytest.mark.parametrize(
    ("row", "bearer"),
    [
        ({"email": "a@firm.example", "phone": "+4915112345678", "ids": {"shop": "1x"}}, ("email", "a@firm.example")),
        ({"email": "not an address", "phone": "+4915112345678", "ids": {"shop": "1x"}}, ("phone", "+4915112345678")),
        ({"ids": {"shop": " 1x "}}, ("shop", "1x")),
        (
            {"email": "info@firm.example", "phone": "+4915112345678"},
            ("phone", "+4915112345678"),
        ),  # a role mailbox is nobody's
        ({"email": "info@firm.example"}, ("email", "info@firm.example")),  # kept as proof, though it joins nobody
    ],
)
def test_a_statement_is_borne_by_the_best_identifier_of_its_record(
    conn: psycopg.Connection, row: dict[str, Any], bearer: tuple[str, str]
) -> None:
    publish_persons(conn, [{"record_key": "1", "consent_email": "granted", "consent_email_at": minute(1), **row}])
    build_persons(conn, as_of=AS_OF)
    assert conn.execute("select identifier_type, identifier_value from consent.ledger").fetchall() == [bearer]
    expected = {} if bearer[1].startswith("info@") else {"1": "granted"}
    assert answers(conn) == expected


def test_a_grant_under_a_shared_mailbox_speaks_for_nobody_else(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            contact("1", "office@firm.example", "granted", minute(1)),
            contact("2", "office@firm.example", None, None, ids={"shop": "2x"}),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {}


def test_a_withdrawal_outlives_the_record_that_stated_it(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            contact("1", "a@firm.example", "withdrawn", minute(5)),
            contact("2", "a@firm.example", "granted", minute(4), stream=SHOP),
        ],
    )
    build_persons(conn, as_of=AS_OF)
    delete(conn, "person", "hubspot.contacts", "1")
    build_persons(conn, as_of=AS_OF)
    assert answers(conn) == {"2": "withdrawn"}


def test_a_member_whom_our_own_sync_subscribed_is_no_new_grant(conn: psycopg.Connection) -> None:
    sent, echoed, own = minute(60), minute(61), minute(600)
    conn.execute(
        "insert into audience.audience (destination, audience_key, segment, purpose) "
        "values ('mailchimp', 't', 's', 'email')"
    )
    conn.execute("insert into audience.sync (audience_id) select audience_id from audience.audience")
    conn.execute(
        "insert into audience.batch (sync_id, audience_id, operation, sent, accepted, unknown, started_at, ended_at) "
        "select sync_id, audience_id, 'add', 1, 1, 0, %(at)s, %(at)s from audience.sync",
        {"at": sent},
    )
    conn.execute(
        "insert into audience.member (audience_id, person_id, identifier_hash, acknowledged, sent_identifiers) "
        "select audience_id, gen_random_uuid(), gen_random_uuid(), 'present', '{\"email\": \"a@firm.example\"}' "
        "from audience.audience"
    )
    withdrawn = contact("crm", "a@firm.example", "withdrawn", minute(30))
    member = contact("m", "a@firm.example", "granted", echoed, stream="mailchimp.members")
    publish_persons(conn, [withdrawn, member])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"withdrawn"}
    publish_persons(conn, [{**member, "consent_email_at": own}])
    build_persons(conn, as_of=AS_OF)
    assert set(answers(conn).values()) == {"granted"}, "a later opt-in is the person's own"
