"""Volume, freshness and silence against the stream's own history."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import check_history, quality, stream_watch
from include.candidate import fill_candidate
from include.errors import CriticalCheckError
from include.schema_contract.terms import Terms
from tests.include.gate import CONTACTS, column, good, land, staged

MONDAY = datetime(2026, 9, 7, 3, tzinfo=UTC)
FRESH = timedelta(hours=5)  # age of the newest record at its landing, on a usual day


def history(
    conn: psycopg.Connection,
    days: int,
    rows: int = 300,
    *,
    batches: int = 1,
    weekend_rows: int | None = None,
    newest: timedelta = FRESH,
) -> datetime:
    """Published batches, one or more a day; returns the next day."""
    for day in range(days):
        for number in range(batches):
            landed = MONDAY + timedelta(days=day, minutes=2 * number)
            brought = weekend_rows if weekend_rows is not None and landed.isoweekday() > 5 else rows
            conn.execute(
                "insert into ops.batch (stream, state, landed_rows, published_rows, landed_at, newest_at)"
                " values (%s, 'published', %s, %s, %s, %s)",
                (CONTACTS.name, brought, brought, landed, landed - newest if brought else None),
            )
    conn.commit()
    return MONDAY + timedelta(days=days)


def limits(conn: psycopg.Connection, at: datetime) -> tuple[int, int]:
    """Least and most rows a batch landed then may bring."""
    land(conn, CONTACTS, good(CONTACTS, 1), landed_at=at)
    found = check_history.parameters(conn, fill_candidate(conn, CONTACTS, staged=staged))
    return found["volume_min"], found["volume_max"]


def test_a_stream_without_history_has_no_limits(conn):
    assert limits(conn, history(conn, 4)) == (0, check_history.ALL_ROWS)


def test_a_volume_is_a_tenth_to_ten_times_the_usual_day(conn):
    assert limits(conn, history(conn, 5)) == (30, 3000)


def test_a_first_load_in_many_batches_is_one_day_of_history(conn):
    for _ in range(20):
        conn.execute(
            "insert into ops.batch (stream, state, landed_rows, published_rows, landed_at) values"
            " (%s, 'published', 500000, 500000, %s)",
            (CONTACTS.name, MONDAY - timedelta(days=1)),
        )
    assert limits(conn, history(conn, 6)) == (30, 3000)


def test_days_that_brought_nothing_are_left_out(conn):
    assert limits(conn, history(conn, 9, weekend_rows=0)) == (30, 3000)


def test_a_weekday_is_held_against_its_own_kind_once_there_are_four_of_it(conn):
    saturday = history(conn, 33, rows=1000, weekend_rows=10)
    assert saturday.isoweekday() == 6
    assert limits(conn, saturday) == (1, 100)


def test_batches_of_two_minutes_have_no_lower_limit_and_share_the_days_upper_one(conn):
    at = history(conn, 7, rows=10, batches=10)
    conn.execute(
        "insert into ops.batch (stream, state, landed_rows, published_rows, landed_at) values"
        " (%s, 'published', 400, 400, %s)",
        (CONTACTS.name, at - timedelta(minutes=2)),
    )
    assert limits(conn, at) == (0, 600)


def test_an_unusual_volume_is_told_and_stops_nothing(conn, warehouse_url):
    at = history(conn, 7)
    land(conn, CONTACTS, good(CONTACTS, 9000, changed_at=(at - FRESH).isoformat()), landed_at=at)
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert checked.failed_rules == ("volume",)
    assert column(conn, "select state from ops.batch order by batch_id desc limit 1") == ["checked"]


def stale(conn: psycopg.Connection, at: datetime, age: timedelta) -> None:
    """A batch whose newest record is that old."""
    land(conn, CONTACTS, good(CONTACTS, 1, changed_at=(at - age).isoformat()), landed_at=at)


@pytest.mark.parametrize(
    ("days", "age", "told"),
    [
        (7, timedelta(hours=60), True),  # the newest record of yesterday's batch is 29 hours old by now
        (6, timedelta(hours=60), False),  # too little history
    ],
)
def test_records_older_than_they_use_to_be_are_told(conn, warehouse_url, days, age, told):
    at = history(conn, days) + timedelta(days=2)
    stale(conn, at, age)
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    assert ("freshness" in checked.failed_rules) == told
    aged = [state.failing for state in stream_watch.states(checked) if state.subject.startswith("age of")]
    assert aged == [True] * told


def test_a_stream_that_is_always_old_is_not_stale(conn, warehouse_url):
    at = history(conn, 14, newest=timedelta(days=3))
    stale(conn, at, timedelta(days=4))
    assert quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).freshness.stale is False


def test_one_bad_day_in_four_weeks_does_not_become_usual(conn, warehouse_url):
    at = history(conn, 28)
    conn.execute("update ops.batch set newest_at = landed_at - interval '10 days' where batch_id = 10")
    stale(conn, at + timedelta(days=1), timedelta(days=3))
    found = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged).freshness
    assert found.stale
    assert found.allowed < timedelta(days=1)


def test_a_critical_freshness_stops_the_batch_and_one_that_is_off_is_not_asked(conn, warehouse_url):
    at = history(conn, 8, rows=1) + timedelta(days=2)
    stale(conn, at, timedelta(hours=60))
    with pytest.raises(CriticalCheckError, match=r"the newest record is 60\.0 h old, at most 7\.5 h is usual"):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, terms={"": Terms(freshness="critical")})
    checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, terms={"": Terms(freshness="off")})
    assert (checked.freshness, checked.failed_rules) == (None, ())


def test_a_night_that_lands_nothing_is_told_when_records_grow_too_old(conn, warehouse_url):
    at = history(conn, 8)
    for day in range(3):
        conn.execute(
            "insert into ops.batch (stream, state, landed_at) values (%s, 'published', %s)",
            (CONTACTS.name, at + timedelta(days=day)),
        )
    conn.commit()
    for _ in range(2):  # a repeat is filed once
        checked = quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
        assert (checked.batch_id, checked.failed_rules) == (None, ("freshness",))
    assert column(conn, "select passed from ops.check_result where rule = 'freshness'") == [False]
    with pytest.raises(CriticalCheckError, match="Nothing new was landed"):
        quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged, terms={"": Terms(freshness="critical")})


@pytest.mark.parametrize(
    ("weekend_rows", "hours", "silent"),
    [
        (None, 35, False),
        (None, 37, True),  # a day is usual
        (0, 71, False),  # three days are, over a weekend
    ],
)
def test_a_stream_that_lands_nothing_for_longer_than_it_uses_to_is_silent(conn, weekend_rows, hours, silent):
    last = history(conn, 40, weekend_rows=weekend_rows) - timedelta(days=1)
    [state] = stream_watch.silences(conn, "data", last + timedelta(hours=hours))
    assert (state.failing, state.subject) == (silent, "silence of hubspot.contacts")


def test_a_stream_with_little_history_is_never_called_silent(conn):
    last = history(conn, 7)
    assert stream_watch.silences(conn, "data", last + timedelta(days=30)) == []


def test_a_subject_that_is_well_and_was_never_told_is_not_worth_telling(conn):
    last = history(conn, 12) - timedelta(days=1)
    well = stream_watch.silences(conn, "data", last + timedelta(hours=1))
    assert (len(well), stream_watch.worth_telling(conn, well)) == (1, [])
    conn.execute(
        "insert into ops.alert_state (subject, state, since, owner, summary) values (%s, 'failing', now(), '', '')",
        (well[0].subject,),
    )
    assert stream_watch.worth_telling(conn, well) == well
