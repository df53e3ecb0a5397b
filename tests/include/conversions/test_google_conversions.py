"""Orders told to Google Ads, at its stand-in: once each, within consent and age, returns restated, whatever fails."""

import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import psycopg
import pytest

from include.conversions.sync import ConversionResult, sync_conversions
from include.destinations.normalise_google import email
from include.errors import AuthError, FatalError, LostAnswerError, RetriableError
from include.segments.control import Control
from tests.conformance_discovery import check_discovery
from tests.include.conversions.shop import Shop
from tests.include.destinations.contract.adapter import sha256
from tests.standins import Standins

REASON = "PROCESSING_ERROR_REASON_"


class Killed(BaseException):
    """The process died here."""


@pytest.fixture
def shop(warehouse_url: str, empty_standins: Standins) -> Iterator[Shop]:
    empty_standins.forget_requests()
    made = Shop(warehouse_url, empty_standins)
    yield made
    made.conn.close()


def counts(result: ConversionResult) -> tuple[int, int, int, int, int]:
    return (result.told, result.restated, result.confirmed, result.rejected, result.open)


def test_an_order_is_told_once_in_units_of_its_currency_with_time_in_utc_and_consent(shop: Shop) -> None:
    ann = shop.buyer("A.nn+x@Gmail.com")
    shop.order(ann, "1", 2050)
    shop.order(ann, "2", 1500, currency="JPY")
    shop.order(ann, "3", 12345, currency="KWD", stream="files.orders")
    assert counts(shop.sync()) == (3, 0, 3, 0, 0)
    assert shop.held() == {"shopify.orders/1": 20.5, "shopify.orders/2": 1500, "files.orders/3": 12.345}
    assert counts(shop.sync()) == (0, 0, 0, 0, 0)
    assert len(shop.events()) == 3
    first = next(one for one in shop.events() if one["transactionId"] == "shopify.orders/1")
    assert first["consent"] == {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    assert first["userData"] == {"userIdentifiers": [{"emailAddress": sha256("ann@gmail.com")}]}
    assert first["eventTimestamp"].endswith("Z")
    assert datetime.fromisoformat(first["eventTimestamp"]).utcoffset() == timedelta(0)
    assert {one["transactionId"]: one["eventSource"] for one in shop.events()} == {
        "shopify.orders/1": "WEB", "shopify.orders/2": "WEB", "files.orders/3": "OTHER",
    }  # fmt: skip


def test_only_orders_of_people_who_agree_to_ads_right_now_are_told(shop: Shop) -> None:
    withdrew, silent = shop.buyer("w@x.example", "withdrawn"), shop.buyer("s@x.example", None)
    late = shop.buyer("l@x.example")
    for number, person in enumerate((withdrew, silent, late)):
        shop.order(person, str(number))
    shop.order(shop.buyer(None), "nobody to name")
    assert counts(shop.sync()) == (1, 0, 1, 0, 0)
    shop.consent(late, "withdrawn")
    shop.consent(withdrew, "granted")
    shop.order(late, "2", returned=2050)  # a return of somebody who withdrew meanwhile is not told
    shop.sync()
    assert shop.held() == {"shopify.orders/2": 20.5, "shopify.orders/0": 20.5}
    said = b"".join(one.body for one in shop.standins.recorded("google"))
    assert sha256(email("s@x.example") or "").encode() not in said


def test_a_withdrawal_counts_until_the_call_is_taken(shop: Shop) -> None:
    ann, bob = shop.buyer("a@x.example"), shop.buyer("b@x.example")
    shop.order(ann, "1", days=2)
    shop.order(bob, "2", days=1)
    connector = shop.connector()
    connector.batch_size = 1

    def withdraw(step: str) -> None:
        if step == "taken":
            shop.consent(bob, "withdrawn")

    result = sync_conversions(shop.url, connector, run_id="r", wait_seconds=0, progress=withdraw)
    assert result.told == 1
    assert set(shop.held()) == {"shopify.orders/1"}


def test_orders_too_old_and_returns_without_their_order_are_not_told(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "old", days=63.1)
    shop.order(ann, "young", days=62.9)
    shop.order(ann, "return", 0, returned=500, purchase=False)
    shop.order(ann, "future", days=-1)
    assert counts(shop.sync()) == (1, 0, 1, 0, 0)
    assert set(shop.held()) == {"shopify.orders/young"}


def test_a_return_restates_the_value_down_to_zero_and_no_further(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    for key, days in (("1", 1), ("2", 1), ("3", 56)):
        shop.order(ann, key, 5000, days=days)
    shop.sync()
    shop.order(ann, "1", 5000, returned=1999)
    shop.order(ann, "2", 5000, returned=6000)
    shop.order(ann, "3", 5000, returned=5000)  # too old to be changed
    assert counts(shop.sync()) == (0, 2, 2, 0, 0)
    assert shop.held() == {"shopify.orders/1": 30.01, "shopify.orders/2": 0, "shopify.orders/3": 50}
    restated = [one for one in shop.events() if "lastUpdatedTimestamp" in one]
    assert [one["transactionId"] for one in restated] == ["shopify.orders/1", "shopify.orders/2"]
    assert counts(shop.sync()) == (0, 0, 0, 0, 0)


def test_a_restatement_is_settled_without_reading_what_all_other_orders_were_told(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    orders = 300
    for number in range(orders):
        shop.order(ann, str(number), 5000)
    shop.sync()
    shop.conn.execute("analyze")
    for number in range(orders):
        shop.order(ann, str(number), 5000, returned=1000)
    assert shop.sync().restated == orders
    rows = "select seq_tup_read + idx_tup_fetch as read from pg_stat_user_tables where relname = 'delivery'"
    assert shop.rows(rows)[0]["read"] < 20 * orders


def test_an_order_of_two_persons_is_told_once_with_its_whole_value_and_the_greater_buyer(shop: Shop) -> None:
    ann, bob = shop.buyer("a@x.example"), shop.buyer("b@x.example")
    shop.order(ann, "1", 1000)
    shop.order(bob, "1", 3000)
    shop.sync()
    assert shop.held() == {"shopify.orders/1": 40}
    assert shop.events()[0]["userData"]["userIdentifiers"] == [{"emailAddress": sha256("b@x.example")}]


@pytest.mark.parametrize("step", ["taken", "answered"])
def test_pain_32_a_run_killed_around_its_call_tells_no_order_twice_and_forgets_none(shop: Shop, step: str) -> None:
    ann = shop.buyer("a@x.example")
    for number in range(5):
        shop.order(ann, str(number))

    def kill(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        shop.sync(kill)
    assert counts(shop.sync()) == (5, 0, 5, 0, 0)
    assert len(shop.held()) == 5
    assert {shop.times(id) for id in shop.held()} == {1}
    assert {one["state"] for one in shop.rows("select state from conversion.batch")} == {"unknown", "confirmed"}


@pytest.mark.parametrize("step", ["settled", "asked"])
def test_pain_32_a_run_killed_before_its_result_is_written_asks_again_and_tells_nothing(shop: Shop, step: str) -> None:
    shop.order(shop.buyer("a@x.example"), "1")

    def kill(at: str) -> None:
        if at == step:
            raise Killed

    with pytest.raises(Killed):
        shop.sync(kill)
    shop.standins.advance(60)
    assert counts(shop.sync()) == (0, 0, 1, 0, 0)
    assert shop.times("shopify.orders/1") == 1


def test_nobody_of_the_global_control_group_is_in_any_request_though_no_audience_ever_drew_them(shop: Shop) -> None:
    addresses = {str(shop.buyer(f"p{number}@x.example")): f"p{number}@x.example" for number in range(30)}
    for number, person in enumerate(addresses):
        shop.order(uuid.UUID(person), str(number))
    shop.controls = (Control("global", 0.5),)
    result = shop.sync()
    drawn = {str(one["person_id"]): one["arm"] for one in shop.rows("select person_id, arm from experiment.assigned")}
    kept_out = {sha256(addresses[person]) for person, arm in drawn.items() if arm == "control"}
    sent = {one["emailAddress"] for event in shop.events() for one in event["userData"]["userIdentifiers"]}
    assert set(drawn) == set(addresses)
    assert 4 < len(kept_out) < 26
    assert sent == {sha256(address) for address in addresses.values()} - kept_out
    assert result.told == 30 - len(kept_out)
    assert counts(shop.sync()) == (0, 0, 0, 0, 0)


def test_a_question_that_fails_stops_neither_the_telling_nor_the_run(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1")
    shop.standins.settings({"google.request_seconds": 10**9})
    shop.sync()
    shop.order(ann, "2")
    shop.standins.settings({"google.request_seconds": 0})
    shop.standins.faults({"platform": "google", "kind": "error", "status": 503, "path": "requestStatus", "next": 1})
    assert counts(shop.sync()) == (1, 0, 2, 0, 0)


@pytest.mark.parametrize("kind", ["lost_answer", "error_after", "half_answer"])
def test_a_lost_answer_is_made_good_by_the_next_run(shop: Shop, kind: str) -> None:
    shop.order(shop.buyer("a@x.example"), "1")
    shop.standins.faults({"platform": "google", "kind": kind, "path": "events", "next": 1})
    with pytest.raises(RetriableError):
        shop.sync()
    assert counts(shop.sync()) == (1, 0, 1, 0, 0)
    assert shop.times("shopify.orders/1") == 1


def test_a_restatement_nobody_answered_is_told_again_though_the_value_is_back_to_what_it_was(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1", 5000)
    shop.sync()
    shop.order(ann, "1", 5000, returned=1000)
    shop.standins.faults({"platform": "google", "kind": "lost_answer", "path": "events", "next": 1})
    with pytest.raises(LostAnswerError):
        shop.sync()
    assert shop.held() == {"shopify.orders/1": 40}
    shop.order(ann, "1", 5000)  # the return was a mistake
    assert shop.sync().restated == 1
    assert shop.held() == {"shopify.orders/1": 50}


def test_one_bad_order_is_named_and_the_others_are_told(shop: Shop) -> None:
    ann, bad = shop.buyer("a@x.example"), shop.buyer("bad@x.example")
    shop.standins.settings({"google.refused": {sha256("bad@x.example"): REASON + "DENIED_CONSENT"}})
    shop.order(ann, "1")
    shop.order(bad, "2")
    result = shop.sync()
    assert (counts(result), result.outcome) == ((2, 0, 1, 1, 0), "partial")
    [told] = shop.rows("select * from conversion.told where attempt_state = 'rejected'")
    assert (told["transaction_id"], told["error_code"], told["acknowledged_minor"]) == (
        "shopify.orders/2", "denied_consent", None,
    )  # fmt: skip
    assert counts(shop.sync()) == (0, 0, 0, 0, 0)  # for good, until something changes
    shop.standins.settings({"google.refused": {}})
    shop.order(bad, "2", returned=50)
    assert counts(shop.sync()) == (1, 0, 1, 0, 0)


def test_a_request_that_fails_is_told_again_and_what_google_has_is_not_lost(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1", 5000)
    shop.sync()
    shop.order(ann, "1", 5000, returned=1000)
    shop.standins.settings({"google.fail_requests": REASON + "INTERNAL_ERROR"})
    result = shop.sync()
    assert (result.restated, result.open, result.outcome) == (1, 1, "partial")
    [told] = shop.rows("select acknowledged_minor, attempt_state from conversion.told")
    assert (told["acknowledged_minor"], told["attempt_state"]) == (5000, "retriable")
    shop.standins.settings({"google.fail_requests": None})
    assert counts(shop.sync()) == (0, 1, 1, 0, 0)
    assert shop.held() == {"shopify.orders/1": 40}


def test_nothing_is_confirmed_before_google_says_so_and_no_value_changes_meanwhile(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1", 5000)
    shop.standins.settings({"google.request_seconds": 10**9})
    connector = shop.connector()
    first = sync_conversions(shop.url, connector, run_id="1", wait_seconds=0)
    assert (counts(first), first.outcome, first.unconfirmed) == ((1, 0, 0, 0, 0), "partial", 1)
    shop.order(ann, "1", 5000, returned=1000)
    assert counts(sync_conversions(shop.url, connector, run_id="2", wait_seconds=0)) == (0, 0, 0, 0, 0)
    shop.standins.settings({"google.request_seconds": 0})
    assert counts(shop.sync()) == (0, 1, 2, 0, 0)
    assert shop.held() == {"shopify.orders/1": 40}


def test_more_orders_than_a_call_takes_go_in_several(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    for number in range(7):
        shop.order(ann, str(number), 100 + number)
    connector = shop.connector()
    connector.batch_size = 3
    result = sync_conversions(shop.url, connector, run_id="r", wait_seconds=5)
    assert result.told == 7
    sent = shop.standins.recorded("google", path="%events:ingest")
    assert [len(orjson.loads(one.body)["events"]) for one in sent] == [3, 3, 1]


def test_two_runs_at_once_do_not_tell_the_same_orders(shop: Shop) -> None:
    shop.order(shop.buyer("a@x.example"), "1")

    def second(step: str) -> None:
        if step == "taken":
            with pytest.raises(RetriableError, match="another run"):
                sync_conversions(shop.url, shop.connector(), run_id="second", wait_seconds=0)

    assert counts(shop.sync(second)) == (1, 0, 1, 0, 0)


def test_a_refusal_as_a_whole_is_an_error_that_says_what_to_mend(shop: Shop) -> None:
    shop.order(shop.buyer("a@x.example"), "1")
    with pytest.raises(FatalError, match="INVALID_CONVERSION_ACTION_ID"):
        shop.sync(action_id="1")
    shop.standins.settings({"google.terms_signed": False})
    with pytest.raises(FatalError, match="accept the terms in the Google Ads account"):
        shop.sync()
    shop.standins.settings({"google.terms_signed": True})
    shop.standins.faults({"platform": "google", "kind": "expired_token", "path": "events"})
    with pytest.raises(AuthError):
        shop.sync()
    shop.standins.faults()
    assert counts(shop.sync()) == (1, 0, 1, 0, 0)


def test_each_line_of_the_log_points_at_the_consent_it_went_out_on(shop: Shop) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1")
    shop.sync()
    [consent] = shop.rows("select consent_id from consent.person_consent")
    lines = shop.rows(
        "select person_id, consent_id, value_minor, outcome from conversion.delivery order by delivery_id"
    )
    assert [(one["person_id"], one["consent_id"], one["value_minor"]) for one in lines] == [
        (ann, consent["consent_id"], 2050)
    ] * 2
    assert [one["outcome"] for one in lines] == ["accepted", "confirmed"]
    with pytest.raises(psycopg.errors.Error):
        shop.conn.execute("delete from conversion.delivery")


def test_requests_keep_to_the_discovery_document(shop: Shop, vendor_specs: str) -> None:
    ann = shop.buyer("a@x.example")
    shop.order(ann, "1")
    shop.sync()
    shop.order(ann, "1", returned=50)
    shop.sync()
    recorded = [one for one in shop.standins.recorded("google") if not one.path.endswith("/token")]
    document = Path(vendor_specs) / "google-data-manager/datamanager.v1.discovery.json"
    assert {one.method for one in recorded} == {"GET", "POST"}
    assert check_discovery(document, recorded, "/google") == []
