"""Shopify on a bad day: empty buckets, cursors that come again, orders too long for one answer."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import psycopg
import pytest

from include import landing, warehouse
from include.errors import AuthError, FatalError, QuotaError, RetriableError
from include.sources import shopify
from include.sources.mapping import staging_parameters
from include.sources.pages import Page, Window
from tests.include.sources.platforms import client_of
from tests.include.sources.small_server import Answer, Asked, serving
from tests.standins import Standins

BEGIN = datetime(2026, 11, 20, tzinfo=UTC)
WINDOW = Window(BEGIN, BEGIN + timedelta(days=1))
LINES, REFUNDS, LINES_BACK = 560, 9, 130


def read(answer: Callable[[Asked], Answer], stream: Any = shopify.customers) -> list[Page]:
    with serving(answer) as url:
        return list(stream(shopify.client(url, "token"), WINDOW, {}))


def customers(*ids: int, cursor: str | None = None, cost: dict[str, Any] | None = None) -> Answer:
    nodes = [{"id": f"gid://shopify/Customer/{id}", "updatedAt": BEGIN.isoformat()} for id in ids]
    page = {"nodes": nodes, "pageInfo": {"hasNextPage": cursor is not None, "endCursor": cursor}}
    return Answer({"data": {"page": page}, "extensions": {"cost": cost} if cost else {}})


def bucket(asked: float, left: float, rate: float) -> dict[str, Any]:
    status = {"maximumAvailable": 1000.0, "currentlyAvailable": left, "restoreRate": rate}
    return {"requestedQueryCost": asked, "actualQueryCost": asked, "throttleStatus": status}


def refused(code: str, **extensions: Any) -> Answer:
    return Answer({"errors": [{"message": code, "extensions": {"code": code}}], "extensions": extensions})


class Script:
    """Answers one after the other, the last one for ever; keeps when it was asked."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = answers
        self.times: list[float] = []
        self.variables: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Answer:
        self.times.append(time.monotonic())
        self.variables.append(asked.body["variables"])
        return self.answers[min(len(self.times), len(self.answers)) - 1]


def test_throttled_waits_until_the_bucket_holds_what_was_asked_for() -> None:
    script = Script(refused("THROTTLED", cost=bucket(asked=300, left=100, rate=500)), customers(1))

    assert [row.key for page in read(script.answer) for row in page.rows] == ["1"]
    assert script.times[1] - script.times[0] >= 200 / 500


def test_the_next_page_waits_for_its_points_instead_of_being_throttled() -> None:
    script = Script(customers(1, cursor="a", cost=bucket(asked=300, left=150, rate=500)), customers(2))

    assert [row.key for page in read(script.answer) for row in page.rows] == ["1", "2"]
    assert script.times[1] - script.times[0] >= 0.9 * 150 / 500


def test_a_full_bucket_is_not_waited_for() -> None:
    script = Script(customers(1, cursor="a", cost=bucket(asked=300, left=900, rate=0.1)), customers(2))

    assert len(read(script.answer)) == 3
    assert script.times[1] - script.times[0] < 10  # at this rate the next 300 points would take most of an hour


def test_a_bucket_that_takes_longer_than_patience_is_raised() -> None:
    script = Script(refused("THROTTLED", cost=bucket(asked=900, left=0, rate=0.5)))

    with pytest.raises(QuotaError):
        read(script.answer)
    assert len(script.times) == 1


def test_430_waits_as_long_as_it_says() -> None:
    script = Script(Answer({}, 430, {"Retry-After": "0.3"}), customers(1))

    assert len(read(script.answer)) == 2
    assert script.times[1] - script.times[0] >= 0.3


def test_an_error_inside_the_interface_is_tried_again() -> None:
    assert len(read(Script(refused("INTERNAL_SERVER_ERROR"), customers(1)).answer)) == 2


@pytest.mark.parametrize(("code", "error", "word"), [
    ("ACCESS_DENIED", AuthError, "read_all_orders"),
    ("MAX_COST_EXCEEDED", FatalError, "MAX_COST_EXCEEDED"),
    ("undefinedField", FatalError, "undefinedField"),
])
def test_what_cannot_be_mended_by_waiting_stops_at_once(code: str, error: type[Exception], word: str) -> None:
    script = Script(refused(code))

    with pytest.raises(error, match=word):
        read(script.answer)
    assert len(script.times) == 1


@pytest.mark.parametrize("endless", [
    (customers(1, cursor="a"), customers(2, cursor="a")),
    (Answer({"data": {"page": {"nodes": [], "pageInfo": {"hasNextPage": True, "endCursor": None}}}}),),
], ids=["the_same_cursor_twice", "no_cursor"])
def test_paging_that_would_never_end_is_refused(endless: tuple[Answer, ...]) -> None:
    with pytest.raises(FatalError, match="never end"):
        read(Script(*endless).answer)


def test_the_window_is_asked_for_with_its_overlap_and_pages_with_their_cursor() -> None:
    script = Script(customers(1, cursor="a"), customers(2))

    read(script.answer)

    within = "updated_at:>='2026-11-19T23:50:00Z' AND updated_at:<'2026-11-21T00:00:00Z'"
    assert [one["filter"] for one in script.variables] == [within, within]
    assert [one["after"] for one in script.variables] == [None, "a"]


def amount(cents: int) -> dict[str, Any]:
    return {"shopMoney": {"amount": f"{cents / 100:.2f}", "currencyCode": "EUR"}}


def make_long(order: dict[str, Any]) -> dict[str, Any]:
    """An order with more lines than an answer holds, more refunds than are asked for, and refunds longer than that."""
    body, id = order["body"], order["id"]
    pattern = body["lineItems"][0]
    lines = [{**pattern, "id": f"gid://shopify/LineItem/{id}{no:04}", "sku": f"S{no}", "quantity": 2,
              "discountedTotalSet": amount(1000 + no)} for no in range(LINES)]
    at = BEGIN.isoformat().replace("+00:00", "Z")
    refunds = [{"id": f"gid://shopify/Refund/{id}-{one}", "createdAt": at, "processedAt": at,
                "refundLineItems": [{"id": f"gid://shopify/RefundLineItem/{one}{no:04}", "quantity": 1,
                                     "subtotalSet": amount(10 * one + 1),
                                     "lineItem": {name: lines[no][name] for name in ("id", "sku", "title")}}
                                    for no in range(LINES_BACK)]}
               for one in range(REFUNDS)]
    whole = {**body, "lineItems": lines, "refunds": refunds, "displayFinancialStatus": "PARTIALLY_REFUNDED",
             "test": False, "cancelledAt": None}
    return {**order, "body": whole}


def test_a_long_order_arrives_with_all_its_lines_and_all_lines_of_all_its_refunds(
    conn: psycopg.Connection, standins: Standins
) -> None:
    order = next(one for one in standins.documents("shopify", "order").values() if one["body"]["refunds"])
    standins.put("shopify", "order", make_long(order))

    landed = landing.land(conn, "shopify.orders", client_of(standins, "shopify"), until=datetime.now(UTC))

    [payload] = conn.execute("select payload::text from raw.record where record_key = %s", (order["id"],)).fetchone()
    sent = orjson.loads(payload)
    assert [line["sku"] for line in sent["lineItems"]["nodes"]] == [f"S{no}" for no in range(LINES)]
    assert [len(one["refundLineItems"]["nodes"]) for one in sent["refunds"]] == [LINES_BACK] * REFUNDS
    staged = [row for row in warehouse.rows(conn, "staging/stg_shopify__orders",
                                            staging_parameters("shopify.orders", [landed.batch_id]))
              if row["order_key"] == order["id"]]
    assert sum(row["amount_minor"] for row in staged if row["kind"] == "sale") == sum(range(1000, 1000 + LINES))
    assert len([row for row in staged if row["kind"] == "return"]) == REFUNDS * LINES_BACK
    assert sum(row["amount_minor"] for row in staged if row["kind"] == "return") == -LINES_BACK * sum(
        10 * one + 1 for one in range(REFUNDS))


@pytest.mark.parametrize("source", ["hubspot", "shopify", "mailchimp"])
def test_an_expired_token_stops_a_landing_and_leaves_nothing(
    conn: psycopg.Connection, standins: Standins, source: str
) -> None:
    stream = {"hubspot": "hubspot.contacts", "shopify": "shopify.orders", "mailchimp": "mailchimp.members"}[source]
    standins.faults({"platform": source, "kind": "expired_token", "skip": 1})

    with pytest.raises(AuthError):
        landing.land(conn, stream, client_of(standins, source), until=datetime.now(UTC))

    assert conn.execute("select count(*) from raw.record").fetchone() == (0,)
    assert conn.execute("select count(*) from ops.stream_cursor").fetchone() == (0,)


@pytest.mark.parametrize("kind", ["lost_answer", "half_answer", "reset", "throttle", "error"])
@pytest.mark.parametrize("stream", ["hubspot.contacts", "shopify.orders", "mailchimp.members"])
def test_a_call_that_fails_once_is_made_again_and_every_record_arrives_once(
    conn: psycopg.Connection, standins: Standins, stream: str, kind: str
) -> None:
    source = stream.partition(".")[0]
    standins.faults({"platform": source, "kind": kind, "skip": 1, "next": 1, "seconds": 0.05})

    landing.land(conn, stream, client_of(standins, source), until=datetime.now(UTC))

    assert [one["hit"] for one in standins.fault_state()] == [1]
    [(rows, keys)] = conn.execute("select count(*), count(distinct record_key) from raw.record").fetchall()
    assert rows == keys == len(standins.truth()["streams"][stream])


def test_a_platform_that_never_answers_is_retriable(conn: psycopg.Connection, standins: Standins) -> None:
    standins.faults({"platform": "shopify", "kind": "error", "status": 502})

    with pytest.raises(RetriableError):
        landing.land(conn, "shopify.customers", client_of(standins, "shopify"), until=datetime.now(UTC))
