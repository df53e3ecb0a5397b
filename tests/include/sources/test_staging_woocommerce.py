"""What WooCommerce's records mean: which orders moved money and how much, who bought, what a plugin says of consent."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from include import landing, publishing, quality, warehouse
from include.sources.mapping import staging_parameters
from include.sources.registry import STREAMS
from include.standins.merchant_orders import Line, Purchase
from include.standins.merchant_people import Record
from include.standins.merchant_world import GOODS
from include.standins.woocommerce_records import customer, order
from tests.include.sources.woo_shop import AT, MUG, Item, Returned, Shop
from tests.standins import Standins, running_standins

UNTIL = AT + timedelta(days=30)
LATER = AT + timedelta(days=2)
CUP = Item("CUP", "Cup", 1, 1190, tax_cents=190)
SALES = [("sale", "MUG", 2, 2000), ("sale", "CUP", 1, 1190)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("woo") / "state", platforms=("woocommerce",)) as running:
        yield running


@pytest.fixture
def shop(server: Standins) -> Shop:
    server.reset()
    return Shop(server)


def staged(conn: psycopg.Connection, shop: Shop, stream: str, until: datetime = UNTIL) -> list[dict[str, Any]]:
    landed = landing.land(conn, stream, shop.client, until=until)
    return warehouse.rows(conn, STREAMS[stream].staging_statement, staging_parameters(stream, [landed.batch_id]))


def moved(rows: list[dict[str, Any]], order_key: str = "7") -> list[tuple[Any, ...]]:
    mine = sorted((row for row in rows if row["order_key"] == order_key), key=lambda row: row["entry_no"])
    return [(row["kind"], row["sku"], row["quantity"], row["amount_minor"]) for row in mine]


BACK = [("return", "MUG", -2, -2000), ("return", "CUP", -1, -1190)]
LINES_BACK = [Returned(LATER, ((0, 1),)), Returned(LATER, ((0, 1), (1, 1)))]
# What is put into the shop, and which entries it must give.
MONEY: dict[str, tuple[dict[str, Any], list[tuple[Any, ...]]]] = {
    "paid": ({"status": "processing"}, SALES),
    "done": ({"status": "completed"}, SALES),
    "a_status_of_a_plugin_that_was_paid": ({"status": "shipped", "paid": AT}, SALES),
    "a_status_of_a_plugin_that_was_not": ({"status": "quote"}, []),
    "waiting_for_the_transfer": ({"status": "on-hold"}, []),
    "not_paid": ({"status": "pending"}, []),
    "payment_failed": ({"status": "failed"}, []),
    "called_off_before_it_was_paid": ({"status": "cancelled"}, []),
    "called_off_after_it_was_paid": ({"status": "cancelled", "paid": AT}, SALES + BACK),
    "called_off_and_refunded": (
        {"status": "cancelled", "paid": AT, "back": LINES_BACK[:1]},
        [*SALES, ("return", "MUG", -1, -1000)],
    ),
    "draft": ({"status": "checkout-draft", "paid": AT}, []),
    "trash": ({"status": "trash", "paid": AT}, []),
    "test_payment": ({"meta": {"_wcpay_mode": "test"}}, []),
    "test_payment_elsewhere": ({"meta": {"_ppcp_paypal_payment_mode": "sandbox"}}, []),
    "live_payment": ({"meta": {"_wcpay_mode": "prod", "gift": "test"}}, SALES),
    "lines_come_back_in_two_parts": (
        {"status": "refunded", "back": LINES_BACK},
        [*SALES, ("return", "MUG", -1, -1000), ("return", "MUG", -1, -1000), ("return", "CUP", -1, -1190)],
    ),
    "an_amount_comes_back": ({"back": [Returned(LATER, cents=500)]}, [*SALES, ("return", None, None, -500)]),
    "all_comes_back_with_the_postage": (
        {"status": "refunded", "back": [Returned(LATER, cents=3690)]},
        [*SALES, ("return", None, None, -3190)],
    ),
    "a_line_and_then_more_than_the_rest": (
        {"back": [Returned(LATER, ((0, 1),)), Returned(LATER, cents=2000), Returned(LATER, cents=2000)]},
        [*SALES, ("return", "MUG", -1, -1000), ("return", None, None, -2000), ("return", None, None, -190)],
    ),
    "prices_without_tax": ({"with_tax": False}, [("sale", "MUG", 2, 2000), ("sale", "CUP", 1, 1000)]),
    "yen": ({"currency": "JPY"}, [("sale", "MUG", 2, 20), ("sale", "CUP", 1, 12)]),
}


def test_only_money_that_moved_is_staged_and_refunds_never_give_back_more_than_was_paid(
    conn: psycopg.Connection, shop: Shop
) -> None:
    for number, (given, _) in enumerate(MONEY.values(), 1):
        shop.put_orders([number], items=(MUG, CUP), **given)

    rows = staged(conn, shop, "woocommerce.orders")

    found = {case: moved(rows, str(number)) for number, case in enumerate(MONEY, 1)}
    assert found == {case: expected for case, (_, expected) in MONEY.items()}
    assert {tuple(row["bad_casts"]) for row in rows} == {()}


def test_a_sale_is_dated_when_it_was_placed_and_a_return_when_it_came_back(
    conn: psycopg.Connection, shop: Shop
) -> None:
    shop.put_orders([7], changed=LATER, paid=AT + timedelta(days=1), back=[Returned(LATER, ((0, 1),))])

    rows = staged(conn, shop, "woocommerce.orders")

    assert [(row["kind"], row["occurred_at"], row["changed_at"]) for row in rows] == [
        ("sale", AT, LATER),
        ("return", LATER, LATER),
    ]
    assert [(row["local_hour"], row["local_weekday"]) for row in rows] == [(10, 5), (10, 7)]


def test_a_guest_is_known_by_what_stands_on_the_order_and_has_no_account(conn: psycopg.Connection, shop: Shop) -> None:
    shop.put_orders([7], phone="030 123456", country="DE")
    shop.put_orders([8], customer_id=25)

    rows = {row["order_key"]: row for row in staged(conn, shop, "woocommerce.orders")}

    assert (rows["7"]["ids"], rows["7"]["email"], rows["7"]["phone"], rows["7"]["phone_country"]) == (
        {},
        "p7@inbox.example",
        "030 123456",
        "DE",
    )
    assert rows["8"]["ids"] == {"woocommerce_customer": "25"}


def test_what_cannot_be_read_is_named(conn: psycopg.Connection, shop: Shop) -> None:
    shop.put_orders([7], currency="coins")
    shop.put_orders([8], items=[Item("MUG", "Mug", 1, 1000)])
    shop.server.put(
        "woocommerce",
        "order",
        *(
            {**one, "body": {**one["body"], "line_items": [{**one["body"]["line_items"][0], "total": "ten"}]}}
            for one in shop.server.documents("woocommerce", "order").values()
            if one["id"] == "8"
        ),
    )

    rows = {row["order_key"]: row for row in staged(conn, shop, "woocommerce.orders")}

    assert (rows["7"]["bad_casts"], rows["7"]["amount_minor"]) == (["currency"], 2000)
    assert (rows["8"]["bad_casts"], rows["8"]["amount_minor"]) == (["amount_minor"], None)


SAID = {
    "asked_and_agreed": (
        {"marketing_consent_email": "yes", "marketing_consent_email_at": "2026-11-01T08:00:00"},
        ("granted", datetime.fromisoformat("2026-11-01T08:00:00+00:00")),
    ),
    "took_it_back": ({"marketing_consent_email": "no"}, ("withdrawn", None)),
    "never_asked": ({}, (None, None)),
    "an_answer_nobody_knows": ({"marketing_consent_email": "maybe"}, (None, None)),
    "an_answer_that_is_a_list": ({"marketing_consent_email": ["yes"]}, (None, None)),
    "another_plugins_key": ({"consent": "yes"}, (None, None)),
}


def test_consent_is_what_the_plugins_field_says_and_unknown_is_no(conn: psycopg.Connection, shop: Shop) -> None:
    for number, (meta, _) in enumerate(SAID.values(), 1):
        shop.put_customers([number], meta=meta)

    rows = {row["record_key"]: row for row in staged(conn, shop, "woocommerce.customers")}

    found = {
        case: (rows[str(number)]["consent_email"], rows[str(number)]["consent_email_at"])
        for number, case in enumerate(SAID, 1)
    }
    assert found == {case: expected for case, (_, expected) in SAID.items()}
    assert {row["consent_ads"] for row in rows.values()} == {None}


def test_a_customers_address_and_times_are_read(conn: psycopg.Connection, shop: Shop) -> None:
    shop.put_customers([25], first_name="Ann", city="Köln", postcode="50667", country="DE", phone="0221 5555555")
    shop.put_customers([26], email="")

    ann, nobody = staged(conn, shop, "woocommerce.customers")

    assert (ann["ids"], ann["first_name"], ann["city"], ann["country"], ann["phone_country"], ann["changed_at"]) == (
        {"woocommerce_customer": "25"},
        "Ann",
        "Köln",
        "DE",
        "DE",
        AT,
    )
    assert (nobody["email"], nobody["city"], nobody["deleted"]) == (None, None, False)


def test_who_is_gone_from_the_list_of_customers_is_deleted(conn: psycopg.Connection, shop: Shop) -> None:
    shop.put_customers([25, 26, 27])
    staged(conn, shop, "woocommerce.customers")
    shop.delete_customers(26)

    rows = staged(conn, shop, "woocommerce.customers", UNTIL + timedelta(hours=1))

    assert [(row["record_key"], row["deleted"]) for row in rows] == [("26", True)]


def publish(conn: psycopg.Connection, url: str, shop: Shop, until: datetime) -> publishing.Published:
    stream = STREAMS["woocommerce.orders"]
    landing.land(conn, stream.name, shop.client, until=until)
    quality.check_stream(conn, url, stream)
    done = publishing.publish_stream(conn, stream)
    conn.commit()
    return done


def test_an_order_put_into_the_trash_leaves_staging_and_comes_back_with_it(
    conn: psycopg.Connection, warehouse_url: str, shop: Shop
) -> None:
    shop.put_orders([7, 8])
    now = datetime.now(AT.tzinfo)
    assert publish(conn, warehouse_url, shop, now) == publishing.Published(rows=2, deleted=0, quarantined=0)
    shop.call("DELETE", "/orders/7")
    assert publish(conn, warehouse_url, shop, now + timedelta(hours=1)).deleted == 1
    shop.put_orders([7], changed=now + timedelta(hours=2))

    assert publish(conn, warehouse_url, shop, now + timedelta(hours=3)).rows == 1
    assert conn.execute("select count(*) from staging.woocommerce_orders").fetchone() == (2,)


def test_the_merchants_own_records_can_be_kept_here(conn: psycopg.Connection, shop: Shop) -> None:
    person = Record(
        "woocommerce.customers",
        "25",
        1,
        AT,
        AT,
        email_typed="a@inbox.example",
        first_name="Ann",
        country="DE",
        email_consent=("granted", AT),
        ads_consent=("withdrawn", AT),
    )
    bought = Purchase(
        "shopify.orders",
        "7",
        1,
        AT,
        LATER,
        (Line(GOODS[0], 2, 500),),
        {},
        "25",
        "a@inbox.example",
        None,
        "DE",
        ("Köln", "NW", "50667"),
        ("Ann", "Lee"),
        refund=(LATER, ((0, 1),)),
    )
    for kind, document in (("customer", customer(person)), ("order", order(bought))):
        shop.server.put(
            "woocommerce",
            kind,
            {
                "id": document.id,
                "body": document.body,
                "changed_at": document.changed_at,
                "created_at": document.created_at,
            },
        )

    [ann], entries = staged(conn, shop, "woocommerce.customers"), staged(conn, shop, "woocommerce.orders")

    assert (ann["consent_email"], ann["consent_ads"], ann["consent_email_at"]) == ("granted", "withdrawn", AT)
    assert moved(entries) == [("sale", GOODS[0].sku, 2, 1000), ("return", GOODS[0].sku, -1, -500)]
    assert {row["email"] for row in entries} == {"a@inbox.example"}
