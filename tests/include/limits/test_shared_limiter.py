"""One account's rates, pauses and connections as its clients in several places meet them."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from include import warehouse
from include.errors import QuotaError
from include.limits import Rate
from include.shared_limiter import SharedLimiter


class _Account:
    """Makes limiters as workers do, each with a connection of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.limiters: list[SharedLimiter] = []

    def limiter(self, *rates: Rate, account: str = "platform 1", connections: int | None = None) -> SharedLimiter:
        self.limiters.append(SharedLimiter(self.url, account, rates, connections))
        return self.limiters[-1]


@pytest.fixture
def workers(warehouse_url: str) -> Iterator[_Account]:
    account = _Account(warehouse_url)
    yield account
    for limiter in account.limiters:
        limiter.close()


def seconds_of(call: object, *arguments: object) -> float:
    """How long a call takes."""
    begun = time.monotonic()
    call(*arguments)
    return time.monotonic() - begun


def starts(limiters: list[SharedLimiter], calls: int) -> list[float]:
    """When so many calls started, made by all limiters at once from two threads each."""

    def make(limiter: SharedLimiter) -> float:
        with limiter.connection():
            limiter.wait()
            return time.monotonic()

    with ThreadPoolExecutor(2 * len(limiters)) as pool:
        return sorted(pool.map(make, [limiters[n % len(limiters)] for n in range(calls)]))


def fullest(times: list[float], seconds: float) -> int:
    """The most calls in any window of so many seconds."""
    return max(sum(begin <= at < begin + seconds for at in times) for begin in times)


def test_several_rates_hold_at_once(workers: _Account) -> None:
    rates = (Rate(4, 0.5), Rate(10, 2.0))
    times = starts([workers.limiter(*rates), workers.limiter(*rates)], 13)
    assert fullest(times, 0.5) <= 4
    assert fullest(times, 2.0) <= 10
    assert times[9] - times[0] < 1.5, "the longer rate holds nobody back before it is used up"
    assert times[12] - times[0] >= 2.0


def test_many_calls_a_second_leave_no_row_each(workers: _Account, conn: psycopg.Connection) -> None:
    limiter = workers.limiter(Rate(600, 1.0))
    assert fullest(starts([limiter], 900), 1.0) <= 600
    [(rows, slots)] = conn.execute("select count(*), max(cardinality(times)) from ops.rate_limit").fetchall()
    assert rows == 2
    assert slots <= 66
    [(taken,)] = conn.execute("select sum(count) from (select unnest(counts) as count from ops.rate_limit) as slot")
    assert taken <= 600


def test_a_rate_of_some_paths_counts_only_those(workers: _Account) -> None:
    limiter = workers.limiter(Rate(1, 60.0, only="/search$"))
    limiter.wait("POST", "/contacts/search")
    assert seconds_of(limiter.wait, "GET", "/contacts") < 1.0


def test_a_day_s_limit_that_is_used_up_ends_the_task_instead_of_waiting_for_tomorrow(workers: _Account) -> None:
    limiter = workers.limiter(Rate(2, 86_400.0))
    limiter.wait()
    limiter.wait()
    with pytest.raises(QuotaError, match="platform 1: the limit calls in 86400 s is used up for 8") as raised:
        limiter.wait()
    assert raised.value.retry_after == pytest.approx(86_400, abs=60)


def test_when_one_worker_is_told_to_wait_everybody_on_the_account_does_and_nobody_else(workers: _Account) -> None:
    told, other = workers.limiter(), workers.limiter()
    stranger = workers.limiter(account="platform 2")
    told.wait()
    other.wait()
    stranger.wait()
    told.told(0.6)
    assert seconds_of(stranger.wait) < 0.3
    assert seconds_of(told.wait) >= 0.3


def test_a_worker_that_comes_later_keeps_the_pause_too(workers: _Account) -> None:
    workers.limiter().told(0.6)
    assert seconds_of(workers.limiter().wait) >= 0.4


def test_a_pause_of_one_kind_of_call_leaves_the_others_alone(workers: _Account) -> None:
    limiter = workers.limiter(Rate(5, 1.0, only="/search$"))
    limiter.told(30.0, "POST", "/contacts/search")
    assert seconds_of(limiter.wait, "GET", "/contacts") < 1.0


def test_without_a_time_pauses_grow_and_what_ten_threads_are_told_at_once_counts_once(
    workers: _Account, conn: psycopg.Connection
) -> None:
    limiter = workers.limiter()
    for _ in range(10):
        limiter.told(None)
    [(told, first)] = conn.execute("select told, paused_until - told_at from ops.rate_limit").fetchall()
    assert (told, first.total_seconds()) == (1, pytest.approx(1.0, abs=0.01))
    conn.execute("update ops.rate_limit set paused_until = '-infinity'")
    conn.commit()
    limiter.told(None)
    [(told, second)] = conn.execute("select told, paused_until - told_at from ops.rate_limit").fetchall()
    assert (told, second.total_seconds()) == (2, pytest.approx(2.0, abs=0.01))


def test_refusals_with_calls_between_them_that_were_taken_are_not_in_a_row(
    workers: _Account, conn: psycopg.Connection
) -> None:
    limiter = workers.limiter()

    def told_without_a_time() -> float:
        limiter.told(None)
        [(pause,)] = conn.execute("select paused_until - told_at from ops.rate_limit").fetchall()
        conn.execute("update ops.rate_limit set paused_until = '-infinity'")
        conn.commit()
        return pause.total_seconds()

    def call() -> None:
        with limiter.connection():
            limiter.wait()
        limiter.took()

    assert told_without_a_time() == pytest.approx(1.0, abs=0.01)
    assert told_without_a_time() == pytest.approx(2.0, abs=0.01)
    for _ in range(3):
        call()
        assert told_without_a_time() == pytest.approx(1.0, abs=0.01)


def test_a_call_taken_before_a_pause_ends_no_row_of_refusals(workers: _Account, conn: psycopg.Connection) -> None:
    limiter = workers.limiter()
    with limiter.connection():
        limiter.wait()
        limiter.told(None)  # another thread's call was refused meanwhile
    limiter.took()
    assert conn.execute("select told from ops.rate_limit").fetchall() == [(1,)]


def test_a_call_whose_answer_came_late_counts_from_then(workers: _Account, conn: psycopg.Connection) -> None:
    limiter = workers.limiter(Rate(1, 60.0))
    limiter.wait()
    key = {"account": "platform 1", "rates": ["calls in 60 s"], "most": [1], "spans": [61.0]}
    [(before,)] = conn.execute("select times[1] from ops.rate_limit where rate <> ''").fetchall()
    conn.commit()
    warehouse.run(conn, "limits/arrived_late", {**key, "at": before, "late": 5.0})
    [(times, counts)] = conn.execute("select times, counts from ops.rate_limit where rate <> ''").fetchall()
    assert (times, counts) == ([pytest.approx(before + 5.0)], [1])


def test_calls_that_were_taken_and_not_made_are_given_back(conn: psycopg.Connection) -> None:
    asked = {
        "account": "platform 1",
        "rates": ["", "calls in 10 s"],
        "most": [None, 8],
        "spans": [0.0, 10.0],
        "wanted": 8,
        "unused": 0,
        "unused_at": 0.0,
    }
    [first] = warehouse.rows(conn, "limits/take", asked)
    assert first["granted"] == 8
    [second] = warehouse.rows(conn, "limits/take", {**asked, "unused": 3, "unused_at": first["taken_at"]})
    assert second["granted"] == 3
    [third] = warehouse.rows(conn, "limits/take", asked)
    assert (third["granted"], third["wait_seconds"]) == (0, pytest.approx(10.0, abs=1.0))


def test_the_account_s_own_figure_replaces_the_declared_one(workers: _Account) -> None:
    limiter = workers.limiter(Rate(1, 60.0))
    limiter.wait()
    limiter.states(3, 60.0)
    assert seconds_of(limiter.wait) < 1.0


def test_a_lost_connection_to_the_warehouse_is_opened_anew(workers: _Account, conn: psycopg.Connection) -> None:
    limiter = workers.limiter(Rate(100, 10.0))
    limiter.wait()
    ended = conn.execute(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'limits %'"
        " and datname = current_database()"
    ).fetchall()
    assert ended == [(True,)]
    limiter.told(0.0)
    limiter.wait()


def lease(conn: psycopg.Connection, holder: str, *, in_use: int, wanted: int) -> tuple[int, bool]:
    """One question for connections of an account that has ten."""
    key = {"account": "mailchimp us1", "holder": holder, "most": 10, "in_use": in_use, "wanted": wanted, "seconds": 60}
    [answer] = warehouse.rows(conn, "limits/lease", key)
    return answer["held"], answer["others_wait"]


def test_who_holds_all_connections_gives_up_half_to_a_second_who_comes(conn: psycopg.Connection) -> None:
    assert lease(conn, "first", in_use=0, wanted=20) == (10, False)
    assert lease(conn, "second", in_use=0, wanted=20) == (0, True)
    assert lease(conn, "first", in_use=10, wanted=20) == (10, True), "calls under way are not taken away"
    assert lease(conn, "first", in_use=2, wanted=20) == (5, True)
    assert lease(conn, "second", in_use=0, wanted=20) == (5, True)


def test_who_makes_no_calls_any_more_leaves_all_connections_to_the_others(conn: psycopg.Connection) -> None:
    lease(conn, "first", in_use=0, wanted=10)
    lease(conn, "first", in_use=0, wanted=0)
    assert lease(conn, "second", in_use=0, wanted=10) == (10, False)
