"""Points of one shop, spent by several workers."""

import time
from collections.abc import Iterator

import psycopg
import pytest

from include.errors import QuotaError
from include.shared_points import SharedPoints
from include.sources import shopify
from tests.standins import Standins

QUERY = "query ($count: Int!) { customers(first: $count) { nodes { id } } }"


@pytest.fixture
def workers(warehouse_url: str) -> Iterator[list[SharedPoints]]:
    made = [SharedPoints(warehouse_url, "shopify shop") for _ in range(2)]
    yield made
    for points in made:
        points.close()


def seconds_of(points: SharedPoints, cost: float) -> float:
    begun = time.monotonic()
    points.spend(cost)
    return time.monotonic() - begun


def test_what_one_worker_spends_the_other_waits_for(workers: list[SharedPoints]) -> None:
    first, second = workers
    first.told(size=1000, per_second=100, available=100, refund=0)
    first.spend(90)
    assert seconds_of(second, 90) >= 0.5


def test_points_that_were_not_needed_come_back(workers: list[SharedPoints]) -> None:
    first, second = workers
    first.told(size=1000, per_second=1, available=500, refund=0)
    first.spend(500)
    first.told(size=1000, per_second=1, available=490, refund=490)
    assert seconds_of(second, 480) < 5.0


def test_what_others_have_spent_on_calls_that_are_still_out_is_not_given_back_by_an_answer(
    workers: list[SharedPoints],
) -> None:
    first, second = workers
    first.told(size=1000, per_second=0.5, available=500, refund=0)
    second.spend(450)
    first.told(size=1000, per_second=0.5, available=500, refund=0)
    with pytest.raises(QuotaError, match="its points are used up"):
        first.spend(990)


def test_nothing_is_waited_for_before_the_platform_has_told_its_bucket(workers: list[SharedPoints]) -> None:
    assert seconds_of(workers[0], 1_000_000) < 5.0


def test_each_answer_of_a_shop_tells_its_bucket_to_all_workers(
    warehouse_url: str, workers: list[SharedPoints], standins: Standins, conn: psycopg.Connection
) -> None:
    """Each knew the shop's bucket from its own last answer, and both spent the same points."""
    account = standins.account("shopify")
    first, second = (shopify.client(account["base_url"], account["token"], points=points) for points in workers)
    for client in (first, second, first):
        client.query(QUERY, {"count": 250})
    told = [one.answer_json()["extensions"]["cost"] for one in standins.recorded("shopify", "POST")]
    throttle = told[-1]["throttleStatus"]
    [kept] = conn.execute("select size, per_second, available from ops.point_bucket").fetchall()
    assert kept[:2] == (throttle["maximumAvailable"], throttle["restoreRate"])
    assert kept[2] <= throttle["currentlyAvailable"]
    assert kept[2] >= throttle["maximumAvailable"] - sum(one["actualQueryCost"] for one in told)
