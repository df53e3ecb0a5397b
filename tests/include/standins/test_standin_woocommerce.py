"""WooCommerce's stand-in, held to what the vendor documents; no machine-readable specification exists.

Each fact stands with its source, all read 2026-11-22. D: https://woocommerce.github.io/woocommerce-rest-api-docs/,
C: the class of WooCommerce's own code that decides it.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from include.standins.woocommerce_auth import signature
from tests.include.sources.woo_shop import AT, Returned, Shop, gmt
from tests.standins import Standins, running_standins

# Fields of a record. D: #customer-properties, #order-properties, #order-refund-properties, and those of their parts.
ADDRESS = {"first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country"}
CUSTOMER = {
    *{"id", "date_created", "date_created_gmt", "date_modified", "date_modified_gmt", "email", "first_name"},
    *{"last_name", "role", "username", "billing", "shipping", "is_paying_customer", "avatar_url", "meta_data"},
}
ORDER = {
    *{"id", "parent_id", "number", "order_key", "created_via", "status", "currency", "date_created"},
    *{"date_created_gmt", "date_modified", "date_modified_gmt", "discount_total", "shipping_total", "total"},
    *{"prices_include_tax", "customer_id", "billing", "shipping", "date_paid", "date_paid_gmt", "date_completed"},
    *{"date_completed_gmt", "meta_data", "line_items", "refunds"},
}
LINE = {
    *{"id", "name", "product_id", "variation_id", "quantity", "subtotal", "subtotal_tax", "total", "total_tax"},
    *{"meta_data", "sku", "price"},
}
REFUND = {
    *{"id", "date_created", "date_created_gmt", "amount", "reason", "refunded_by", "refunded_payment", "meta_data"},
    *{"line_items"},
}
SHORT_REFUND = {"id", "reason", "total"}  # D: #order-refunds-properties: of an order, not of its refunds
# Values of `orderby`. C: WC_REST_Customers_V1_Controller and WC_REST_CRUD_Controller, get_collection_params.
ORDER_BY = {
    "/customers": {"id", "include", "name", "registered_date"},
    "/orders": {"date", "id", "include", "title", "slug", "modified"},
}
# What is refused, with the name of the refusal. D: #errors; C: as above, per_page has a maximum of 100.
REFUSED = (
    ("/customers", {"per_page": "101"}, 400, "rest_invalid_param"),
    ("/customers", {"per_page": "0"}, 400, "rest_invalid_param"),
    ("/customers", {"orderby": "modified"}, 400, "rest_invalid_param"),
    ("/orders", {"orderby": "date_modified"}, 400, "rest_invalid_param"),
    ("/orders", {"order": "up"}, 400, "rest_invalid_param"),
    ("/orders", {"status": "paid"}, 400, "rest_invalid_param"),
    ("/orders", {"modified_after": "soon"}, 400, "rest_invalid_param"),
    ("/customers/99", {}, 404, "woocommerce_rest_invalid_id"),
    ("/orders/99", {}, 404, "woocommerce_rest_shop_order_invalid_id"),
    ("/orders/99/refunds", {}, 404, "woocommerce_rest_order_invalid_id"),
    ("/people", {}, 404, "rest_no_route"),
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("woo") / "state", platforms=("woocommerce",)) as running:
        yield running


@pytest.fixture
def shop(server: Standins) -> Shop:
    server.reset()
    return Shop(server)


def listed(shop: Shop, path: str, **params: Any) -> list[int]:
    answer = shop.call("GET", path, per_page=100, **params)
    assert answer.status_code == 200
    return [one["id"] for one in answer.json()]


def test_records_have_the_documented_fields(shop: Shop) -> None:
    shop.put_customers([1])
    shop.put_orders([7], back=[Returned(AT, ((0, 1),))])

    [customer], [order] = shop.call("GET", "/customers").json(), shop.call("GET", "/orders").json()
    [refund] = shop.call("GET", "/orders/7/refunds").json()

    links = {"_links"}  # D: of every record
    assert set(customer) == CUSTOMER | links
    assert set(customer["billing"]) == ADDRESS | {"email", "phone"}
    assert set(order) == ORDER | links
    assert set(order["line_items"][0]) == LINE == set(refund["line_items"][0])
    assert set(order["refunds"][0]) == SHORT_REFUND
    assert set(refund) == REFUND | links


def test_money_is_text_and_a_refund_is_negative_where_the_order_tells_it(shop: Shop) -> None:  # D: #orders, example
    shop.put_orders([7], back=[Returned(AT, ((0, 1),))])

    [order], [refund] = shop.call("GET", "/orders").json(), shop.call("GET", "/orders/7/refunds").json()

    [sold], [back] = order["line_items"], refund["line_items"]
    assert (order["total"], sold["total"], order["refunds"][0]["total"]) == ("20.00", "20.00", "-10.00")
    assert (refund["amount"], back["total"], back["quantity"]) == ("10.00", "-10.00", -1)


def test_times_have_no_zone_and_stand_in_utc_and_on_the_sites_clock(shop: Shop) -> None:  # D: #order-properties
    shop.put_orders([7])

    [order] = shop.call("GET", "/orders").json()

    assert order["date_modified_gmt"] == "2026-11-20T09:00:00"
    assert order["date_modified"] == "2026-11-20T10:00:00"


@pytest.mark.parametrize("path", ORDER_BY)
def test_lists_are_sorted_by_what_is_documented(shop: Shop, path: str) -> None:
    assert {by: shop.call("GET", path, orderby=by).status_code for by in ORDER_BY[path]} == dict.fromkeys(
        ORDER_BY[path], 200
    )


@pytest.mark.parametrize(("path", "params", "status", "code"), REFUSED)
def test_refusals_have_their_names(shop: Shop, path: str, params: dict[str, str], status: int, code: str) -> None:
    answer = shop.call("GET", path, **params)

    assert (answer.status_code, answer.json()["code"], answer.json()["data"]["status"]) == (status, code, status)


def test_pages_tell_how_many_there_are_and_where_the_next_one_is(shop: Shop) -> None:  # D: #pagination
    shop.put_customers(range(1, 26))

    first, last = (shop.call("GET", "/customers", page=page, orderby="id") for page in (1, 3))

    assert [one["id"] for one in first.json()] == list(range(1, 11))  # ten a page unless more is asked for
    assert (first.headers["X-WP-Total"], first.headers["X-WP-TotalPages"]) == ("25", "3")
    assert 'rel="next"' in first.headers["Link"]
    assert 'rel="prev"' in last.headers["Link"]
    assert 'rel="next"' not in last.headers["Link"]


def test_an_offset_takes_the_place_of_a_page(shop: Shop) -> None:  # C: WC_REST_CRUD_Controller::prepare_objects_query
    shop.put_customers(range(1, 26))

    assert listed(shop, "/customers", orderby="id", offset=20) == [21, 22, 23, 24, 25]
    assert listed(shop, "/customers", orderby="id", offset=90) == []


def test_customers_have_no_filter_by_their_change_and_nobody_says_so(shop: Shop) -> None:  # D: #list-all-customers
    shop.put_customers([1, 2])

    assert sorted(listed(shop, "/customers", modified_after="2030-01-01T00:00:00")) == [1, 2]


def test_a_list_of_customers_holds_those_of_one_role_unless_all_are_asked_for(shop: Shop) -> None:  # D: as above
    shop.put_customers([1])
    shop.put_customers([2], role="subscriber")

    assert listed(shop, "/customers") == [1]
    assert sorted(listed(shop, "/customers", role="all")) == [1, 2]


def test_orders_are_filtered_by_their_change_on_the_sites_clock_unless_told_otherwise(shop: Shop) -> None:
    # D: #list-all-orders, dates_are_gmt; C: WP_Query's date query leaves its own second out
    for number in range(4):
        shop.put_orders([number + 1], changed=AT + timedelta(seconds=number))
    low, high = gmt(AT), gmt(AT + timedelta(seconds=3))

    assert sorted(listed(shop, "/orders", modified_after=low, modified_before=high, dates_are_gmt="true")) == [2, 3]
    assert listed(shop, "/orders", modified_after=low, modified_before=high) == []


def test_the_trash_is_left_out_unless_it_is_asked_for(shop: Shop) -> None:  # D: #list-all-orders, status
    shop.put_orders([1, 2])
    shop.put_orders([3], status="checkout-draft")

    assert shop.call("DELETE", "/orders/1").json()["status"] == "trash"
    assert sorted(listed(shop, "/orders")) == [2, 3]
    assert sorted(listed(shop, "/orders", status="processing")) == [2]
    assert listed(shop, "/orders", status="trash") == [1]
    assert shop.call("DELETE", "/orders/1").status_code == 410
    assert shop.call("DELETE", "/orders/1", force="true").status_code == 200
    assert listed(shop, "/orders", status="trash") == []


def test_customers_have_no_trash(shop: Shop) -> None:  # D: #delete-a-customer
    shop.put_customers([1])

    assert shop.call("DELETE", "/customers/1").status_code == 501
    shop.delete_customers(1)
    assert listed(shop, "/customers") == []


def refusal_of(shop: Shop, auth: Any = None, headers: Any = None, **params: Any) -> str | None:
    answer = shop.call("GET", "/customers", auth=auth, headers=headers, **params)
    return None if answer.status_code == 200 else answer.json()["code"]


def unsigned(request: Any) -> Any:
    return request


TLS = {"X-Forwarded-Proto": "https"}


def test_basic_opens_the_shop_over_https_and_not_over_plain_http(shop: Shop) -> None:  # D: #authentication
    basic = (shop.account["consumer_key"], shop.account["token"])

    assert refusal_of(shop, auth=basic, headers=TLS) is None
    assert refusal_of(shop, auth=unsigned, headers=TLS, consumer_key=basic[0], consumer_secret=basic[1]) is None
    assert refusal_of(shop, auth=(basic[0], "cs_wrong"), headers=TLS) == "woocommerce_rest_authentication_error"
    assert refusal_of(shop, auth=basic) == "woocommerce_rest_cannot_view"
    assert refusal_of(shop, auth=unsigned) == "woocommerce_rest_cannot_view"


def signed(shop: Shop, **changed: str) -> dict[str, str]:
    """The query of a call that a client signs by hand, by the vendor's steps."""
    now = str(int(datetime.now().timestamp()))
    given = {
        "oauth_consumer_key": shop.account["consumer_key"],
        "oauth_nonce": "n1",
        "search": "a b~ü",
        "oauth_signature_method": "HMAC-SHA256",
        "oauth_timestamp": now,
        **changed,
    }
    address = f"{shop.account['base_url']}/wp-json/wc/v3/customers"
    return {**given, "oauth_signature": signature("GET", address, given, shop.account["token"])}


def test_a_signature_holds_once_and_for_a_quarter_of_an_hour(shop: Shop) -> None:  # D: #oauth-tips
    query = signed(shop)
    wrong = "woocommerce_rest_authentication_error"

    assert refusal_of(shop, auth=unsigned, **query) is None
    assert refusal_of(shop, auth=unsigned, **query) == wrong  # the same nonce
    assert refusal_of(shop, auth=unsigned, **{**signed(shop, oauth_nonce="n2"), "search": "other"}) == wrong
    assert refusal_of(shop, auth=unsigned, **signed(shop, oauth_nonce="n3", oauth_timestamp="1700000000")) == wrong
    assert refusal_of(shop, auth=unsigned, **signed(shop, oauth_consumer_key="ck_other", oauth_nonce="n4")) == wrong
    assert refusal_of(shop, auth=unsigned, oauth_nonce="n5") == "woocommerce_rest_authentication_missing_parameter"


def test_a_firewall_speaks_to_people(shop: Shop) -> None:
    shop.server.faults(
        {"platform": "woocommerce", "kind": "throttle", "next": 1, "seconds": 2},
        {"platform": "woocommerce", "kind": "error", "next": 1},
    )

    refused = [shop.call("GET", "/customers") for _ in range(2)]

    assert [one.status_code for one in refused] == [429, 503]
    assert refused[0].headers["Retry-After"] == "2"
    assert all(one.headers["Content-Type"].startswith("text/html") for one in refused)
