"""Limits, with a clock that stands still until it is moved."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from include.standins.limits import ConnectionLimit, LeakyBucket, WindowLimit


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_lets_so_many_through_and_says_when_the_next_may_come() -> None:
    clock = Clock()
    limit = WindowLimit(2, 10.0, clock)
    assert limit.take("k") == (True, 1, 10.0)
    clock.now += 4
    assert limit.take("k")[0]
    assert limit.take("k") == (False, 0, 6.0)
    assert limit.take("other")[0]
    clock.now += 6
    assert limit.take("k")[0]
    assert not limit.take("k")[0]


def test_a_bucket_refills_with_time_up_to_its_size() -> None:
    clock = Clock()
    bucket = LeakyBucket(100, 50, clock)
    assert bucket.take("k", 80) == (True, 20)
    assert bucket.take("k", 30) == (False, 20)
    clock.now += 1
    assert bucket.take("k", 30) == (True, 40)
    clock.now += 60
    assert bucket.take("k", 0) == (True, 100)


def test_a_bucket_takes_back_what_was_not_used() -> None:
    bucket = LeakyBucket(100, 1, Clock())
    bucket.take("k", 90)
    assert bucket.take("k", -80) == (True, 90)


def test_never_more_at_once_than_the_limit_under_real_threads() -> None:
    limit, everybody_asked = ConnectionLimit(10), Barrier(25)

    def ask(_: int) -> bool:
        with limit.enter("key") as admitted:
            everybody_asked.wait(10)
            return admitted

    with ThreadPoolExecutor(25) as pool:
        assert sum(pool.map(ask, range(25))) == 10
    with limit.enter("key") as admitted:
        assert admitted
