"""The golden record: which value wins, and that its source is told."""

from typing import Any

import psycopg

from include.identity.build import build_persons
from tests.include.identity.staged import AS_OF, minute, publish_orders, publish_persons

SHOP, LIST, TILL = "shopify.customers", "mailchimp.members", "files.persons"
SAME = {"ids": {"shop": "7x"}}
IN_THE_CRM = {
    **SAME,
    "record_key": "1",
    "email": "crm@firm.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "gender": "f",
    "city": "London",
    "postcode": "N1",
    "country": "GB",
    "language": "en",
    "changed_at": minute(10),
    "created_at": minute(3),
    "interests": ["Running", "yoga"],
}
AT_THE_SHOP = {
    **SAME,
    "record_key": "2",
    "stream": SHOP,
    "email": "shop@firm.example",
    "first_name": "Ada",
    "last_name": "King",
    "city": "Leeds",
    "postcode": "LS1",
    "country": "GB",
    "phone": "07400123456",
    "phone_country": "GB",
    "changed_at": minute(20),
    "created_at": minute(1),
    "interests": ["cooking", " running "],
}
ON_THE_LIST = {
    **SAME,
    "record_key": "3",
    "stream": LIST,
    "email": "list@firm.example",
    "first_name": "Ada",
    "last_name": "King",
    "language": "de",
    "country": "DE",
    "email_client": "Gmail",
    "changed_at": minute(30),
    "created_at": minute(2),
}
WINNERS = {
    "email": "hubspot.contacts",
    "phone": SHOP,
    "first_name": SHOP,
    "last_name": SHOP,
    "gender": "hubspot.contacts",
    "language": "hubspot.contacts",
    "country": SHOP,
    "city": SHOP,
    "postcode": SHOP,
    "email_client": LIST,
}


def golden(conn: psycopg.Connection) -> dict[str, Any]:
    with conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        found = cursor.execute("select * from profile.person").fetchall()
    assert len(found) == 1
    return found[0]


def test_each_field_takes_its_winner_and_names_the_stream(conn: psycopg.Connection) -> None:
    publish_persons(conn, [IN_THE_CRM, AT_THE_SHOP, ON_THE_LIST])
    build_persons(conn, as_of=AS_OF)
    found = golden(conn)
    assert (found["email"], found["phone"]) == ("crm@firm.example", "+447400123456")  # most trusted
    assert (found["first_name"], found["last_name"]) == ("Ada", "King")  # most frequent, taken together
    # Most recent. The list's time of change may be our own sync's: its values count from when the member was made.
    assert (found["language"], found["email_client"]) == ("en", "Gmail")
    # The list's record is newer but knows the country only: an address is taken from one record, the most complete.
    assert (found["city"], found["postcode"], found["country"]) == ("Leeds", "LS1", "GB")
    assert found["interests"] == ["cooking", "running", "yoga"]
    assert found["customer_since"] == minute(1)
    assert found["winners"] == WINNERS


def test_a_shared_mailbox_is_not_a_persons_address(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            {"record_key": "1", "email": "info@firm.example", "ids": {"shop": "7x"}},
            {"record_key": "2", "stream": TILL, "email": "ada@firm.example", "ids": {"shop": "7x"}},
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert (golden(conn)["email"], golden(conn)["winners"]["email"]) == ("ada@firm.example", TILL)


def test_somebody_known_by_an_order_only_is_reachable(conn: psycopg.Connection) -> None:
    publish_orders(
        conn, [{"record_key": "o", "email": "Ada@firm.example", "occurred_at": minute(5), "amount_minor": 1}]
    )
    build_persons(conn, as_of=AS_OF)
    assert (golden(conn)["email"], golden(conn)["customer_since"]) == ("ada@firm.example", minute(5))


def test_only_what_changed_is_written_again(conn: psycopg.Connection) -> None:
    rows = [{"record_key": str(number), "email": f"p{number}@firm.example", "city": "Berlin"} for number in range(5)]
    publish_persons(conn, rows)
    assert build_persons(conn, as_of=AS_OF)["profiles"] == 5
    publish_persons(conn, [rows[0], {**rows[1], "city": "Hamburg"}])  # one seen again as it was, one moved
    assert build_persons(conn, as_of=AS_OF)["profiles"] == 1
    publish_persons(conn, [{**rows[1], "city": None}])
    assert build_persons(conn, as_of=AS_OF)["profiles"] == 1
    assert conn.execute("select count(*) from profile.person where city = 'Berlin'").fetchone() == (4,)
