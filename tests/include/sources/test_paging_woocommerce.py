"""WooCommerce on a bad day: rows that move under the reader, firewalls, lists that hide what they count."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from requests_oauthlib import OAuth1

from include.errors import AuthError, FatalError, QuotaError
from include.sources import woocommerce
from include.sources.checks.woocommerce import check
from include.sources.pages import Page
from include.sources.woocommerce_client import credentials
from tests.include.sources.small_server import Answer, Asked, serving
from tests.include.sources.woo_shop import AT, Returned, Shop, keys, window
from tests.standins import Standins, running_standins

SMALL = {"options": {"page_size": 8}}  # two of each page are on the next one too


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("woo") / "state", platforms=("woocommerce",)) as running:
        yield running


@pytest.fixture
def shop(server: Standins) -> Shop:
    server.reset()
    return Shop(server)


def read_while(pages: Iterator[Page], happens: Callable[[], None], after: int) -> list[Page]:
    """All pages; behind the so-maniest something happens in the shop."""
    found = []
    for number, page in enumerate(pages, 1):
        found.append(page)
        if number == after:
            happens()
    return found


@pytest.mark.parametrize(
    "gone",
    [range(1, 2), range(1, 8), range(1, 27), range(20, 31)],
    ids=["one", "most_of_a_page", "all_that_was_read", "those_around"],
)
def test_customers_deleted_while_they_are_read_hide_nobody_else(shop: Shop, gone: Sequence[int]) -> None:
    shop.put_customers(range(1, 61))

    found = keys(
        iter(
            read_while(
                woocommerce.customers(shop.client, window(), SMALL), lambda: shop.delete_customers(*gone), after=4
            )
        )
    )

    assert len(found) == len(set(found))
    assert set(found) >= set(range(1, 61)) - set(gone)


def test_customers_who_register_while_others_are_read_are_read_too(shop: Shop) -> None:
    shop.put_customers(range(1, 31))

    found = keys(
        iter(
            read_while(
                woocommerce.customers(shop.client, window(), SMALL), lambda: shop.put_customers(range(31, 41)), after=3
            )
        )
    )

    assert found == list(range(1, 41))


def test_orders_that_change_while_they_are_read_are_left_to_the_next_window(shop: Shop) -> None:
    """Each leaves the window that is being read, and all behind it move up."""
    shop.put_orders(range(1, 41))
    until = AT + timedelta(hours=1)
    moved = range(1, 21)

    first = keys(
        iter(
            read_while(
                woocommerce.orders(shop.client, window(until=until), SMALL),
                lambda: shop.put_orders(moved, changed=until + timedelta(minutes=1)),
                after=3,
            )
        )
    )
    second = keys(woocommerce.orders(shop.client, window(until, until + timedelta(hours=1)), SMALL))

    assert set(first) >= set(range(21, 41))
    assert set(second) == set(moved)


def test_orders_that_a_plugin_hides_do_not_end_the_list_early(shop: Shop) -> None:
    shop.put_orders(range(1, 41))
    hidden = [*range(3, 8), *range(20, 31)]
    shop.server.settings({"woocommerce.hidden": hidden})

    found = keys(woocommerce.orders(shop.client, window(), SMALL))

    assert found == [id for id in range(1, 41) if id not in hidden]


def test_a_list_that_never_joins_is_given_up() -> None:
    totals = count(1000)

    def answer(asked: Asked) -> Answer:
        rows = [{"id": 5}] if asked.query["offset"] == "0" else []
        return Answer(rows, headers={"X-WP-Total": str(next(totals))})

    with serving(answer) as url, pytest.raises(FatalError, match="vanish faster"):
        list(woocommerce.customers(woocommerce.client(url, "cs", "ck"), window(), SMALL))


@pytest.mark.parametrize(
    ("rows", "headers", "said"),
    [
        ([{"id": 2}, {"id": 1}], {"X-WP-Total": "2"}, "not in the order"),
        ([{"id": 1}], {}, "has no X-WP-Total"),
    ],
)
def test_a_list_that_cannot_be_trusted_is_refused(rows: list[Any], headers: dict[str, str], said: str) -> None:
    with serving(lambda asked: Answer(rows, headers=headers)) as url, pytest.raises(FatalError, match=said):
        list(woocommerce.customers(woocommerce.client(url, "cs", "ck"), window(), {}))


def test_only_a_whole_list_says_that_everybody_came(shop: Shop) -> None:
    shop.put_customers(range(1, 21))

    first, later = (list(woocommerce.customers(shop.client, window(since), SMALL)) for since in (None, AT))

    assert [page.whole for page in first] == [()] * len(first)
    assert [page.whole for page in later[:-1]] == [()] * (len(later) - 1)
    assert later[-1].whole == ("",)
    assert {page.cursor for page in later[:-1] if page.cursor} == set()  # so that it lands in one piece


def test_all_keys_are_listed_and_nothing_but_them(shop: Shop) -> None:
    shop.put_customers(range(1, 21))
    shop.put_orders(range(1, 21))
    shop.call("DELETE", "/orders/3")

    customers, orders, newer = (
        [key for page in keys_of(shop.client, given, SMALL) for key in page]
        for keys_of, given in (
            (woocommerce.customer_keys, window()),
            (woocommerce.order_keys, window()),
            (woocommerce.order_keys, window(AT + timedelta(seconds=2))),
        )
    )

    assert customers == [str(id) for id in range(1, 21)]
    assert orders == [str(id) for id in range(1, 21) if id != 3]
    assert newer == []
    assert shop.server.recorded("woocommerce")[-1].answer == b"[]"


@pytest.mark.parametrize("stream", [woocommerce.customers, woocommerce.orders])
def test_pain_29_a_first_load_that_was_killed_goes_on_where_it_stopped(shop: Shop, stream: Any) -> None:
    (shop.put_customers if stream is woocommerce.customers else shop.put_orders)(range(1, 81))
    pages = stream(shop.client, window(), SMALL)
    landed = [next(pages) for _ in range(8)]
    pages.close()
    before, state = shop.asked(), landed[-1].cursor

    rest = list(stream(shop.client, window(until=AT + timedelta(days=9), **state), SMALL))

    assert keys(iter(landed)) + keys(iter(rest)) == list(range(1, 81))
    assert shop.asked() - before < 8
    assert rest[-1].cursor == {"since": window().until.isoformat()}  # what changed since is the next window's


def test_a_load_that_goes_on_where_most_rows_have_left_its_window_finds_its_place_in_few_steps(shop: Shop) -> None:
    shop.put_orders(range(1, 31))
    scan = {"since": None, "until": window().until.isoformat(), "last_id": 20, "offset": 8_000}

    found = keys(woocommerce.orders(shop.client, window(scan=scan), SMALL))

    assert found == list(range(21, 31))
    assert shop.asked() < 20


def test_a_scan_of_another_window_is_not_gone_on_with(shop: Shop) -> None:
    shop.put_orders(range(1, 21))
    scan = {"since": None, "until": AT.isoformat(), "last_id": 15, "offset": 14}

    found = keys(woocommerce.orders(shop.client, window(AT - timedelta(days=1), scan=scan), SMALL))

    assert found == list(range(1, 21))


def test_pain_32_an_order_that_is_written_late_is_in_the_next_window(shop: Shop) -> None:
    until = AT + timedelta(hours=1)
    shop.put_orders([1], changed=until - woocommerce.OVERLAP)  # seen only now, dated before the last window's end

    assert keys(woocommerce.orders(shop.client, window(until, until + timedelta(hours=1)), {})) == [1]


def test_orders_in_the_trash_come_last_and_are_passed_over_by_a_first_load(shop: Shop) -> None:
    shop.put_orders([1, 2])
    shop.call("DELETE", "/orders/1")
    until = AT + timedelta(days=365)

    assert keys(woocommerce.orders(shop.client, window(until=until), {})) == [2]
    assert keys(woocommerce.orders(shop.client, window(AT, until), {})) == [2, 1]


def test_refunds_arrive_whole_also_when_they_are_many(shop: Shop) -> None:
    shop.put_orders([7], back=[Returned(AT, ((0, 1),)) for _ in range(23)])

    [row] = [row for page in woocommerce.orders(shop.client, window(), SMALL) for row in page.rows]

    assert [row.payload.count(b'"amount":"10.00"'), row.payload.count(b'"total":"-10.00"')] == [23, 23]


def test_an_order_that_vanishes_before_its_refunds_are_read_is_landed_as_it_was_listed() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.path.endswith("/refunds"):
            return Answer({"code": "woocommerce_rest_order_invalid_id", "data": {"status": 404}}, 404)
        return Answer([{"id": 7, "refunds": [{"id": 9, "reason": "", "total": "-1.00"}]}], headers={"X-WP-Total": "1"})

    with serving(answer) as url:
        pages = list(woocommerce.orders(woocommerce.client(url, "cs", "ck"), window(), {}))

    assert pages[0].rows[0].payload == b'{"id":7,"refunds":[{"id":9,"reason":"","total":"-1.00"}]}'


@pytest.mark.parametrize(("kind", "seconds"), [("throttle", 0.4), ("error", 0.0)])
def test_pain_28_a_busy_shop_is_waited_for(shop: Shop, kind: str, seconds: float) -> None:
    shop.put_customers([1, 2])
    shop.server.faults({"platform": "woocommerce", "kind": kind, "next": 1, "seconds": seconds})

    assert keys(woocommerce.customers(shop.client, window(), {})) == [1, 2]
    assert shop.asked() == 2


PAGE_FOR_PEOPLE = b"<html>blocked</html>"


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        (401, {"code": "woocommerce_rest_cannot_view"}, AuthError, "woocommerce_rest_cannot_view"),
        (403, {"code": "woocommerce_rest_cannot_view"}, AuthError, "may not read"),
        (404, {"code": "rest_no_route"}, FatalError, "permalinks"),
        (400, {"code": "rest_invalid_param"}, FatalError, "rest_invalid_param"),
        (404, PAGE_FOR_PEOPLE, FatalError, "404"),
    ],
)
def test_what_cannot_be_mended_by_waiting_stops_at_once(
    status: int, body: Any, error: type[Exception], said: str
) -> None:
    calls = []

    def answer(asked: Asked) -> Answer:
        calls.append(asked)
        return Answer(body, status)

    with serving(answer) as url, pytest.raises(error, match=said):
        list(woocommerce.customers(woocommerce.client(url, "cs", "ck"), window(), {}))
    assert len(calls) == 1


def test_a_firewalls_403_is_waited_out_and_no_word_about_the_key() -> None:
    answers = [Answer(PAGE_FOR_PEOPLE, 403, {"Retry-After": "0.1"}), Answer([{"id": 1}], headers={"X-WP-Total": "1"})]

    with serving(lambda asked: answers.pop(0)) as url:
        assert keys(woocommerce.customers(woocommerce.client(url, "cs", "ck"), window(), {})) == [1]


def test_a_shop_that_asks_for_hours_is_not_waited_for() -> None:
    with serving(lambda asked: Answer({}, 429, {"Retry-After": "7200"})) as url, pytest.raises(QuotaError):
        list(woocommerce.customers(woocommerce.client(url, "cs", "ck"), window(), {}))


def test_the_secret_travels_over_https_only(shop: Shop) -> None:
    shop.put_customers([1])
    list(woocommerce.customers(shop.client, window(), {}))

    assert credentials("https://shop.example", "ck", "cs") == ("ck", "cs")
    assert isinstance(credentials("http://shop.example", "ck", "cs"), OAuth1)
    [asked] = shop.server.recorded("woocommerce")
    assert "oauth_signature" in asked.query
    assert "authorization" not in asked.headers
    assert shop.account["token"] not in asked.query


def test_the_connections_check_tells_the_shop_and_how_much_is_in_it_and_a_refused_key(shop: Shop) -> None:
    shop.put_customers([1, 2])
    shop.put_orders([7])

    checked = check(shop.client)

    assert (checked.account, checked.scopes) == ("shop 127.0.0.1", ("read",))
    assert checked.limits == {"customers": 2, "orders": 1}
    with pytest.raises(AuthError, match="consumer key is refused"):
        check(woocommerce.client(shop.account["base_url"], "cs_other", shop.account["consumer_key"]))
