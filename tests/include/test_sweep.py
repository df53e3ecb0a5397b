"""Deletions where a platform tells none: all keys listed, and what is missing leaves staging, unless it is too much."""

from collections.abc import Iterator

import psycopg
import pytest

from include import sweep
from include.landing import Landed
from tests.include.sources.shop import Shop, open_shop

EVERYBODY = range(1, 61)


@pytest.fixture
def shop(conn: psycopg.Connection) -> Iterator[Shop]:
    """Sixty customers, in staging since yesterday."""
    with open_shop(conn) as opened:
        opened.put(*EVERYBODY)
        opened.land()
        opened.publish()
        yield opened


def swept(conn: psycopg.Connection) -> list[tuple[int, int, int, str]]:
    """Listed, held, gone and state of each sweep."""
    return conn.execute(
        "select listed_keys, held_records, gone_records, state from ops.sweep order by sweep_id"
    ).fetchall()


def test_pain_32_a_customer_deleted_at_the_shop_leaves_staging_with_the_next_run_and_is_queued_for_persons(
    conn: psycopg.Connection, shop: Shop
) -> None:
    shop.delete(7)
    conn.execute("delete from staging.changed_record")

    landed = shop.land()

    assert (landed.rows, landed.gone, landed.refused) == (1, 1, None)
    assert shop.publish().deleted == 1
    assert shop.held() == {*EVERYBODY} - {7}
    assert conn.execute("select record_key from staging.changed_record").fetchall() == [("107",)]
    assert swept(conn) == [(59, 60, 1, "done")]


def test_a_deletion_is_landed_once_also_while_it_waits_to_be_published(conn: psycopg.Connection, shop: Shop) -> None:
    shop.delete(7)
    shop.land()

    assert shop.land().batch_id is None
    shop.publish()
    assert shop.land() == Landed(None, 0)
    assert conn.execute("select count(*) from raw.record where record_key = '107'").fetchone() == (2,)


def test_a_customer_who_comes_back_is_in_staging_again(shop: Shop) -> None:
    shop.delete(7)
    shop.land()
    shop.publish()
    shop.put(7, state=2)

    shop.land()
    shop.publish()

    assert shop.held() == {*EVERYBODY}


def test_a_listing_that_lacks_too_many_deletes_nobody_until_a_person_allows_it(
    conn: psycopg.Connection, shop: Shop
) -> None:
    shop.delete(*range(1, 31))
    shop.put(90)

    landed = shop.land()
    shop.publish()

    assert landed.gone == 0
    assert "of 60 records that were there 30 are gone" in (landed.refused or "")
    assert shop.held() == {*EVERYBODY, 90}  # what is new goes on
    assert swept(conn) == [(31, 60, 30, "refused")]

    assert sweep.allow(conn, "shopify.customers", "ada") == 30
    assert shop.land(days=0.01).gone == 30  # not only tomorrow
    shop.publish()
    assert shop.held() == {*range(31, 61), 90}
    assert sweep.allow(conn, "shopify.customers", "ada") is None


def test_an_allowance_is_a_ceiling(conn: psycopg.Connection, shop: Shop) -> None:
    shop.delete(*range(1, 31))
    shop.land()
    sweep.allow(conn, "shopify.customers", "ada")
    shop.delete(31)

    assert "31 are gone" in (shop.land().refused or "")


@pytest.mark.parametrize(("gone", "options"), [
    (20, {}),  # a third, but not more than the count
    (30, {"sweep_share": 0.5}),  # more than the count, but not than the share
])
def test_a_share_and_a_count_must_both_be_passed(shop: Shop, gone: int, options: dict[str, float]) -> None:
    shop.delete(*range(1, gone + 1))

    assert shop.land(**options).gone == gone


def test_keys_are_listed_no_more_often_than_the_mapping_says(conn: psycopg.Connection, shop: Shop) -> None:
    shop.land()
    shop.delete(7)

    assert shop.land(days=0.5).gone == 0
    assert shop.land(days=0.5).gone == 1
    assert len(swept(conn)) == 2


def test_an_order_that_is_gone_leaves_staging_but_one_too_old_to_be_listed_stays(conn: psycopg.Connection) -> None:
    with open_shop(conn, "shopify.orders") as shop:
        shop.put(1, 2)
        shop.land(days=40)
        shop.publish()
        shop.put(3, 4)
        shop.land()
        shop.publish()
        shop.delete(1, 3)

        shop.land(days=20)  # orders 1 and 2 are older than the 55 days that every app is shown
        shop.publish()

        assert shop.held() == {1, 2, 4}
