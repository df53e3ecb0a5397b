"""The generated merchant: the same each time, and its truth agrees with what its systems show."""

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from include.identity.normalise import normal_form
from include.standins import merchant, merchant_truth
from include.standins.merchant_renderings import LIST_ID
from include.standins.merchant_world import TILL_STOPGAP
from include.standins.store import EVERYTHING, Store

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 15, 30, tzinfo=UTC)
CUSTOMERS = 1200
KINDS = (
    ("hubspot", "contact"),
    ("shopify", "customer"),
    ("shopify", "order"),
    ("shopify", "abandoned_checkout"),
    ("mailchimp", f"member:{LIST_ID}"),
    ("merchant", "truth"),
    ("woocommerce", "customer"),
    ("woocommerce", "order"),
    ("salesforce", "Contact"),
    ("salesforce", "Account"),
    ("salesforce", "Opportunity"),
    ("matomo", "visit:1"),
    ("ga4", "fact"),
)
Streams = dict[str, dict[str, dict[str, Any]]]


def made(path: Path, *, days: tuple[int, ...] = ()) -> Store:
    store = Store(path / "merchant.sqlite")
    merchant.generate(store, customers=CUSTOMERS, seed=7, today=TODAY, drops=path / "drops")
    for day in days:
        merchant.apply_day(store, day, now=NOW)
    return store


def snapshot(store: Store) -> dict[str, bytes]:
    return {
        f"{kind}/{one.id}": orjson.dumps([one.body, one.created_at, one.changed_at, one.archived])
        for platform, kind in KINDS
        for one in store.page(platform, kind, EVERYTHING, order="id", limit=-1)
    }


def epoch_ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The merchant at the end of day 2."""
    one = made(tmp_path_factory.mktemp("merchant"), days=(2,))
    yield one
    one.close()


@pytest.fixture(scope="module")
def first(store: Store) -> Streams:
    """The truth before day 2."""
    return merchant_truth.read(store, until_day=1)


@pytest.fixture(scope="module")
def second(store: Store) -> Streams:
    """The truth at the end of day 2."""
    return merchant_truth.read(store)


def test_the_same_seed_gives_the_same_merchant_and_the_same_days(tmp_path: Path, store: Store):
    again = made(tmp_path, days=(2,))
    assert snapshot(again) == snapshot(store)


def test_a_day_that_was_applied_is_not_applied_again(tmp_path: Path):
    one = made(tmp_path, days=(2,))
    before = snapshot(one)
    merchant.apply_day(one, 2, now=datetime(2026, 11, 23, tzinfo=UTC))
    merchant.generate(one, customers=3, seed=1, today=TODAY)
    assert snapshot(one) == before


def test_a_day_needs_a_merchant(tmp_path: Path):
    with pytest.raises(ValueError, match="need a generated merchant"):
        merchant.apply_day(Store(tmp_path / "empty.sqlite"), 2)


def test_meta_says_what_a_test_must_know(store: Store):
    meta = merchant_truth.meta(store)
    assert meta["days"] == [1, 2]
    assert (meta["today"], meta["as_of"], meta["customers"], meta["currency"]) == (
        "2026-11-21",
        "2026-11-22",
        CUSTOMERS,
        "EUR",
    )


def test_each_record_of_each_system_has_one_true_row(store: Store, second: Streams):
    shown = {
        "hubspot.contacts": ("hubspot", "contact"),
        "shopify.customers": ("shopify", "customer"),
        "shopify.orders": ("shopify", "order"),
        "shopify.checkouts": ("shopify", "abandoned_checkout"),
        "mailchimp.members": ("mailchimp", f"member:{LIST_ID}"),
    }
    for stream, place in shown.items():
        documents = store.page(*place, EVERYTHING, limit=-1)
        assert {one.id for one in documents} == set(second[stream]), stream
        assert all(second[stream][one.id].get("d", False) == one.archived for one in documents), stream


def test_what_is_typed_comes_down_to_the_identifiers_of_the_truth(store: Store, second: Streams):
    compared = Counter()
    for one in store.page("hubspot", "contact", EVERYTHING, limit=-1):
        typed, ids = one.body["properties"], second["hubspot.contacts"][one.id]["ids"]
        if typed["email"] and "q" not in second["hubspot.contacts"][one.id]:
            assert normal_form("email", typed["email"]).value == ids["email"]
            compared["email", typed["email"] == ids["email"]] += 1
        if typed["phone"]:
            assert normal_form("phone", typed["phone"], typed["hs_country_region_code"]).value == ids["phone"]
            compared["phone", typed["phone"] == ids["phone"]] += 1
    assert len(compared) == 4, "both plain and oddly typed values of both kinds were compared"
    for one in store.page("shopify", "order", limit=-1):
        email = one.body["email"]
        assert (normal_form("email", email).value if email else None) == second["shopify.orders"][one.id]["ids"].get(
            "email"
        )


def test_consents_shown_are_those_that_are_true(store: Store, second: Streams):
    states = {"SUBSCRIBED": "granted", "UNSUBSCRIBED": "withdrawn"}
    for one in store.page("shopify", "customer", EVERYTHING, limit=-1):
        said = {purpose: (state, at) for purpose, state, at in second["shopify.customers"][one.id].get("c", [])}
        email = one.body["defaultEmailAddress"] or {"marketingState": "NOT_SUBSCRIBED"}
        assert states.get(email["marketingState"]) == said.get("email", (None,))[0]
        assert one.body["dataSaleOptOut"] == ("ads" in said)
    for one in store.page("mailchimp", f"member:{LIST_ID}", limit=-1):
        said = {purpose: (state, at) for purpose, state, at in second["mailchimp.members"][one.id].get("c", [])}
        if one.body["status"] == "subscribed":
            assert said["email"] == ("granted", one.body["timestamp_opt"])
        if one.body["status"] in ("unsubscribed", "cleaned"):
            assert said["email"] == ("withdrawn", one.body["last_changed"])


def test_consent_differs_between_systems_in_both_directions(first: Streams):
    by_email: dict[str, set[tuple[str, str, str]]] = {}
    for stream in ("hubspot.contacts", "shopify.customers", "mailchimp.members"):
        for row in first[stream].values():
            for purpose, state, at in row.get("c", []):
                if purpose == "email" and "email" in row["ids"]:
                    by_email.setdefault(row["ids"]["email"], set()).add((at, state, stream))
    newest = Counter(max(said)[1] for said in by_email.values() if len({state for _, state, _ in said}) == 2)
    assert newest["granted"] > 3
    assert newest["withdrawn"] > 3


def test_money_of_an_order_is_the_money_of_its_truth(store: Store, second: Streams):
    for one in store.page("shopify", "order", limit=-1):
        row = second["shopify.orders"][one.id]
        if "q" in row:
            assert one.body["lineItems"][0]["discountedTotalSet"]["shopMoney"]["amount"].startswith("-")
            continue
        net = sum(cents for _, cents, *_ in row["lines"])
        assert one.body["currentTotalPriceSet"]["shopMoney"]["amount"] == f"{net / 100:.2f}"
        assert len(one.body["refunds"]) == any(kind == "return" for kind, *_ in row["lines"])


def test_shared_mailboxes_role_mailboxes_and_a_stopgap_address_exist(first: Streams):
    carriers: dict[str, set[int]] = {}
    for rows in first.values():
        for row in rows.values():
            carriers.setdefault(row["ids"].get("email", ""), set()).add(row["p"])
    carriers.pop("")
    shared = [email for email, persons in carriers.items() if len(persons) > 1 and email != TILL_STOPGAP]
    assert len(shared) > 10
    assert len(carriers[TILL_STOPGAP]) > 5
    assert any(email.startswith(("info@", "office@", "kontakt@", "sales@")) for email in carriers)
    assert any("+shop@" in email for email in carriers)


def test_bad_rows_are_few_and_of_every_rule(first: Streams):
    rules = Counter(row["q"] for rows in first.values() for row in rows.values() if "q" in row)
    assert {"email_syntax", "birth_in_future", "negative_price"} <= set(rules)
    for stream, rows in first.items():
        assert sum("q" in row for row in rows.values()) < 0.01 * len(rows), stream


def test_everything_at_first_lies_before_today_and_the_last_weeks_are_not_empty(first: Streams):
    orders = [row["at"] for stream in ("shopify.orders", "files.orders") for row in first[stream].values()]
    assert max(orders) < "2026-11-21T00:00:00+00:00"
    assert sum(at > "2026-10-22" for at in orders) > 50
    carts = [at for row in first["shopify.checkouts"].values() for _, at, _ in row["events"]]
    assert sum(at > "2026-11-18" for at in carts) > 5
    assert any("completed" in row for row in first["shopify.checkouts"].values())


def test_the_till_export_holds_the_lines_of_the_truth(store: Store, first: Streams, second: Streams):
    folder = Path(store.get_setting("drops"))
    lines = [
        row
        for day in (1, 2)
        for row in csv.DictReader(gzip.decompress((folder / f"till_{day}.csv.gz").read_bytes()).decode().splitlines())
    ]
    assert len(lines) == sum(len(rows) for stream, rows in second.items() if stream == "files.orders")
    assert len(first["files.orders"]) < len(lines)
    for line in lines:
        row = second["files.orders"][f"{line['receipt_no']}:{line['line_no']}"]
        assert line["loyalty_id"] == row["ids"].get("loyalty", "")
        if "q" not in row:
            assert round(float(line["unit_price"]) * 100) * int(line["quantity"]) == row["lines"][0][1]
            assert datetime.fromisoformat(line["sold_at"]) == datetime.fromisoformat(row["at"])
    assert any(line["quantity"].startswith("-") for line in lines)


def test_a_day_changes_every_kind_of_thing(first: Streams, second: Streams):
    def differing(stream: str) -> list[tuple[dict[str, Any] | None, dict[str, Any]]]:
        return [(first[stream].get(key), row) for key, row in second[stream].items() if first[stream].get(key) != row]

    contacts = [(old, new) for old, new in differing("hubspot.contacts") if old]
    assert any(new.get("d") and not old.get("d") for old, new in contacts), "deleted"
    assert any("withdrawn" in str(new.get("c")) and "withdrawn" not in str(old.get("c")) for old, new in contacts), (
        "withdrawn"
    )
    assert any("granted" in str(new.get("c")) and "granted" not in str(old.get("c")) for old, new in contacts), (
        "granted"
    )
    assert any(set(new["ids"]) - set(old["ids"]) == {"shopify_customer"} for old, new in contacts), "bridging"
    assert any(old["t"].get("city") != new["t"].get("city") for old, new in contacts), "moved"
    assert any(old is None for old, _ in differing("hubspot.contacts")), "new"
    assert any(new.get("status") == "unsubscribed" for old, new in differing("mailchimp.members") if old), (
        "left the list"
    )
    orders = differing("shopify.orders")
    assert any(old is None for old, _ in orders), "ordered"
    assert any(old and len(new["lines"]) > len(old["lines"]) for old, new in orders), "returned"
    carts = differing("shopify.checkouts")
    assert any(old is None for old, _ in carts), "left a cart"
    assert any(old and "completed" in new and "completed" not in old for old, new in carts), "recovered a cart"
    assert any(
        len(new["events"]) > len((old or {"events": []})["events"]) for old, new in differing("mailchimp.activity")
    ), "read"


def test_a_day_is_stamped_with_its_moment_and_nothing_lies_after_it(store: Store, first: Streams, second: Streams):
    for place, stream in ((("hubspot", "contact"), "hubspot.contacts"), (("shopify", "order"), "shopify.orders")):
        changed = {key for key, row in second[stream].items() if first[stream].get(key) != row}
        stamped = {
            one.id for one in store.page(*place, EVERYTHING, limit=-1) if one.changed_at == int(NOW.timestamp() * 1000)
        }
        assert changed <= stamped
    times = [at for row in second["shopify.orders"].values() for *_, at in row["lines"]]
    assert max(map(epoch_ms, times)) <= NOW.timestamp() * 1000


def test_a_day_leaves_the_tags_that_a_user_of_the_platform_set(tmp_path: Path):
    store, kind = made(tmp_path), f"member:{LIST_ID}"
    tag = [{"id": 11, "name": "vip"}]
    for one in store.page("mailchimp", kind, limit=-1):
        store.put("mailchimp", kind, one.id, {**one.body, "tags": tag, "tags_count": 1}, changed_at=one.changed_at)
    merchant.apply_day(store, 2, now=NOW)
    left = [
        one.body
        for one in store.page("mailchimp", kind, limit=-1)
        if one.changed_at == int(NOW.timestamp() * 1000) and one.body["status"] == "unsubscribed"
    ]
    assert any(body["tags"] == tag for body in left)


def test_statements_of_earlier_days_stay_said(store: Store, second: Streams):
    said = merchant_truth.statements(store)
    now = {
        (stream, row["k"], *one)
        for stream, rows in second.items()
        for row in rows.values()
        if "q" not in row and not row.get("d")
        for one in row.get("c", ())
    }
    assert now < said
