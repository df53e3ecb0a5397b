"""When everything that persons wait for has come: once a night, whatever happened the nights before."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include import night, publishing, warehouse
from include.identity.build import build_persons
from tests.include.identity.staged import publish_persons

AWAITED = ("crm.contacts", "shop.customers", "shop.orders", "web.visits")
NIGHT = datetime(2026, 11, 20, 3, tzinfo=UTC)
MORNING = timedelta(hours=3)
in_order = st.permutations(AWAITED)
# Of each night: in which order the streams come, and how many of them do not.
nights = st.lists(st.tuples(in_order, st.sampled_from([0, 0, 0, 1, 2, 4])), min_size=1, max_size=5)


@settings(max_examples=15, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(nights=nights)
def test_a_night_is_whole_with_the_last_stream_and_only_if_each_came_whatever_came_before(
    conn: psycopg.Connection, nights: list[tuple[list[str], int]]
) -> None:
    """With an event of each of many assets, the one that came late once begins every later night in its middle."""
    conn.execute("delete from ops.arrival")
    for day, (order, missing) in enumerate(nights):
        begun = NIGHT + timedelta(days=day)
        came = order[missing:]
        said = [
            night.arrive(conn, stream, AWAITED, begun + timedelta(minutes=n)) for n, stream in enumerate(came, start=1)
        ]
        assert said == [False] * (len(came) - 1) + [missing == 0] if came else said == []
        if said and said[-1]:
            assert night.begin(conn, AWAITED, begun + timedelta(hours=1)) == []

        assert set(night.begin(conn, AWAITED, begun + MORNING)) == set(order[:missing])


def test_of_streams_that_come_at_the_same_moment_one_sees_that_everything_is_there(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    together = Barrier(len(AWAITED))

    def come(stream: str) -> bool:
        with warehouse.connect(warehouse_url) as own:
            together.wait(10)
            return night.arrive(own, stream, AWAITED, NIGHT)

    with ThreadPoolExecutor(len(AWAITED)) as workers:
        assert sorted(workers.map(come, AWAITED)) == [False, False, False, True]


def test_who_died_before_telling_that_the_night_is_whole_says_so_again(conn: psycopg.Connection) -> None:
    for stream in AWAITED[1:]:
        night.arrive(conn, stream, AWAITED, NIGHT)

    assert night.arrive(conn, AWAITED[0], AWAITED, NIGHT)
    assert night.arrive(conn, AWAITED[0], AWAITED, NIGHT + timedelta(minutes=1))
    night.begin(conn, AWAITED, NIGHT + timedelta(minutes=2))
    assert not night.arrive(conn, AWAITED[0], AWAITED, NIGHT + timedelta(minutes=3))


def test_a_stream_of_a_new_source_is_missed_until_it_first_comes(conn: psycopg.Connection) -> None:
    for stream in AWAITED[1:]:
        night.arrive(conn, stream, AWAITED, NIGHT)

    assert night.begin(conn, AWAITED, NIGHT + MORNING) == [AWAITED[0]]


def batch(conn: psycopg.Connection, stream: str, state: str, rows: int = 5) -> None:
    conn.execute(
        "insert into ops.batch (stream, state, landed_rows) values (%s, %s, %s)",
        (stream, state, rows),
    )


def test_the_first_persons_wait_for_first_loads_and_nobody_waits_for_a_source_that_comes_later(
    conn: psycopg.Connection,
) -> None:
    """Whoever bought in the half that is not read yet would be greeted as a prospect."""
    batch(conn, "crm.contacts", "published")
    batch(conn, "crm.contacts", "landed")
    batch(conn, "shop.orders", "landed")
    batch(conn, "shop.orders", "checked")
    batch(conn, "web.visits", "landed", rows=0)
    assert night.first_loads(conn, NIGHT) == ["shop.orders"]

    conn.execute("update ops.batch set state = 'published' where stream = 'shop.orders' and state = 'checked'")
    assert night.first_loads(conn, NIGHT) == []

    batch(conn, "till.orders", "landed")
    assert night.first_loads(conn, NIGHT) == ["till.orders"]
    publishing.set_aside(conn, "till.orders", who="ada", why="its folder is gone", hours=1, at=NIGHT)
    assert night.first_loads(conn, NIGHT) == []
    assert night.first_loads(conn, NIGHT + MORNING) == ["till.orders"]
    publish_persons(conn, [{"record_key": "1", "email": "ada@x.example"}])
    build_persons(conn, as_of=NIGHT.date())
    assert night.first_loads(conn, NIGHT) == []
