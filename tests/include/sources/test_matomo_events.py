"""Visits as events of persons: what staging makes of them, who they belong to, who is no longer in them, segments."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include import sweep
from include.identity.build import build_persons
from include.identity.ends import find_end
from include.segments.definition import load_definitions
from include.segments.preview import compute_members, preview_segment
from include.standins.matomo_records import Act, Visit
from tests.include.identity.staged import publish_persons
from tests.include.sources.contract.stage import Stage
from tests.include.sources.web_visits import land, publish, put

UNTIL = datetime(2025, 11, 21, 8, 30, tzinfo=UTC)
TODAY = date(2025, 11, 21)
TABLET, LAPTOP = "00000000000000aa", "00000000000000bb"
RULE = """
segment: regulars
title: Visited three times within a week
owner: crm
kind: behavioural
goal: ask for a review
rule: {event: {name: site_visited, within: 7 days, count: ">= 3"}}
audiences: {mailchimp: {tag: regulars}}
"""
KNOWN_RULE = """
segment: known_regulars
title: Customers who visited three times within a week
owner: crm
kind: behavioural
goal: ask for a review
rule:
  all:
    - event: {name: site_visited, within: 7 days, count: ">= 3"}
    - person: {is_known: true}
audiences: {mailchimp: {tag: known-regulars}}
"""


@pytest.fixture(scope="module")
def platform() -> Iterator[Stage]:
    stage = Stage("matomo")
    with stage.serving():
        yield stage


@pytest.fixture
def stage(platform: Stage) -> Stage:
    platform.renew()
    platform.clock.now = UNTIL.timestamp()
    return platform


def ago(days: float) -> datetime:
    return UNTIL - timedelta(days=days)


def bring(conn: psycopg.Connection, stage: Stage, *visits: Visit) -> None:
    """The visits from the platform to the persons."""
    put(stage, *visits)
    land(conn, stage, UNTIL)
    publish(conn)
    build_persons(conn, as_of=TODAY)


def events(conn: psycopg.Connection) -> list[tuple[Any, ...]]:
    return conn.execute(
        "select record_key, entry_no, name, occurred_at, amount_minor, currency, properties, ids "
        "from staging.matomo_visits order by record_key, entry_no"
    ).fetchall()


def persons_of(conn: psycopg.Connection) -> dict[str, set[str]]:
    """Which visits each person has, by the person of their records."""
    found: dict[str, set[str]] = {}
    for person, key in conn.execute("select person_id::text, record_key from profile.person_event"):
        found.setdefault(person, set()).add(key.rpartition(":")[2])
    return found


def test_a_visit_is_an_event_with_its_goals_and_searches_beside(conn: psycopg.Connection, stage: Stage) -> None:
    began = ago(1).replace(microsecond=0)
    acts = (Act(0), Act(20, "search", "rain coat"), Act(40, "download"), Act(95, "goal", "Newsletter", 2.5))
    put(stage, Visit(1, 1, began, acts, LAPTOP, "77", ("campaign", "autumn", ""), country="at"))

    land(conn, stage, UNTIL)
    publish(conn)

    visited, searched, reached = events(conn)
    assert [row[1:4] for row in (visited, searched, reached)] == [
        (1, "site_visited", began),
        (2, "site_searched", began + timedelta(seconds=20)),
        (3, "goal_converted", began + timedelta(seconds=95)),
    ]
    assert visited[6] == {"site": "1", "pages": 3, "goals": 1, "duration_seconds": 95, "device": "Desktop",
                          "referrer_type": "campaign", "referrer": "autumn", "country": "at"}  # fmt: skip
    assert searched[6]["searched"] == "rain coat"
    assert (reached[4], reached[5], reached[6]["goal"]) == (250, "EUR", "Newsletter")
    assert visited[7] == {"shopify_customer": "77", "matomo_visitor": LAPTOP}


def test_a_visit_without_a_browsers_name_names_nobody(conn: psycopg.Connection, stage: Stage) -> None:
    put(stage, Visit(1, 1, ago(1), visitor=None))

    land(conn, stage, UNTIL)
    publish(conn)

    assert conn.execute("select ids, identity_key from staging.matomo_visits").fetchall() == [({}, None)]


def test_anonymous_visits_of_a_browser_belong_to_the_customer_who_logs_in_with_it(
    conn: psycopg.Connection, stage: Stage
) -> None:
    publish_persons(conn, [{"record_key": "c1", "email": "ada@inbox.example", "ids": {"shopify_customer": "77"}}])
    bring(conn, stage, Visit(1, 1, ago(9), visitor=LAPTOP), Visit(2, 1, ago(2), visitor=LAPTOP, user="77"),
          Visit(3, 1, ago(1), visitor=TABLET))  # fmt: skip

    ada = find_end(conn, "hubspot.contacts:c1").persons[0]
    found = persons_of(conn)
    assert found.pop(str(ada)) == {"1", "2"}
    assert list(found.values()) == [{"3"}]


def test_a_tablet_that_several_people_log_in_with_makes_nobody_one_person(
    conn: psycopg.Connection, stage: Stage
) -> None:
    publish_persons(conn, [
        {"record_key": key, "email": f"{key}@inbox.example", "ids": {"shopify_customer": key}} for key in ("77", "88")
    ])  # fmt: skip
    bring(conn, stage, Visit(1, 1, ago(0.9), visitor=TABLET, user="77"))
    assert {frozenset(visits) for visits in persons_of(conn).values()} == {frozenset({"1"})}

    bring(conn, stage, Visit(2, 1, ago(0.5), visitor=TABLET, user="88"), Visit(3, 1, ago(0.1), visitor=TABLET))

    assert sorted(map(sorted, persons_of(conn).values())) == [["1"], ["2"], ["3"]]
    reasons = conn.execute("select blocked_reason from identity.identifier where type = 'matomo_visitor'").fetchall()
    assert reasons == [("several people use it",)]
    nightly = persons_of(conn)
    build_persons(conn, as_of=TODAY, rebuild=True)
    assert persons_of(conn) == nightly


def test_a_visitor_is_marked_until_they_log_in_and_is_in_what_no_platform_can_be_sent(
    conn: psycopg.Connection, stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "regulars.yaml").write_text(RULE)
    (tmp_path / "known_regulars.yaml").write_text(KNOWN_RULE)
    publish_persons(conn, [{"record_key": "77", "email": "77@inbox.example", "ids": {"shopify_customer": "77"}}])
    bring(conn, stage, *(Visit(n, 1, ago(n), visitor=TABLET) for n in (1, 2, 3)))

    before = preview_segment(conn, load_definitions(tmp_path), "regulars", as_of=TODAY)
    known = preview_segment(conn, load_definitions(tmp_path), "known_regulars", as_of=TODAY)
    marked = conn.execute("select is_known from profile.person order by is_known").fetchall()
    bring(conn, stage, Visit(4, 1, ago(0.5), visitor=TABLET, user="77"))

    assert marked == [(False,), (True,)]
    assert (before.size, before.visitors, known.size) == (1, 1, 0)
    assert {one.reachable for one in before.reach} == {0}
    assert conn.execute("select is_known, count(*) from profile.person group by is_known").fetchall() == [(True, 1)]
    after = preview_segment(conn, load_definitions(tmp_path), "known_regulars", as_of=TODAY)
    assert (after.size, after.visitors) == (1, 0)


def test_a_customer_whom_the_shop_alone_knows_by_number_is_no_visitor(conn: psycopg.Connection, stage: Stage) -> None:
    bring(conn, stage, Visit(1, 1, ago(1), visitor=LAPTOP, user="4711"), Visit(2, 1, ago(1), visitor=TABLET))

    found = conn.execute("select is_known from profile.person order by is_known").fetchall()

    assert found == [(False,), (True,)]


def test_visits_that_were_deleted_at_the_platform_leave_the_person(conn: psycopg.Connection, stage: Stage) -> None:
    visits = [Visit(n, 1, ago(n), visitor=LAPTOP) for n in (1, 2, 3)]
    bring(conn, stage, *visits)
    stage.clock.pass_(86_400)
    put(stage, visits[0], deleted=True)

    land(conn, stage, UNTIL + timedelta(days=1), reread_days=2)
    done = publish(conn)
    build_persons(conn, as_of=TODAY)

    assert done.deleted == 1
    assert list(persons_of(conn).values()) == [{"2", "3"}]


def test_a_platform_that_has_lost_a_day_takes_nothing_away_until_a_person_allows_it(
    conn: psycopg.Connection, stage: Stage
) -> None:
    visits = [Visit(n, 1, ago(1) + timedelta(seconds=n)) for n in range(sweep.FLOOR + 1)]
    put(stage, *visits)
    land(conn, stage, UNTIL)
    publish(conn)
    put(stage, *visits, deleted=True)

    refused = land(conn, stage, UNTIL + timedelta(hours=1))
    put(stage, Visit(999, 1, ago(0)))
    days_later = land(conn, stage, UNTIL + timedelta(days=5))

    assert (refused.rows, refused.gone) == (0, 0)
    assert "of 21 records that were there 21 are gone" in (refused.refused or "")
    assert (days_later.rows, days_later.gone) == (1, 0), "what is new goes on"
    assert days_later.refused is not None, "the day is read again until it comes"
    assert sweep.allow(conn, "matomo.visits", "ada") == 21
    assert land(conn, stage, UNTIL + timedelta(days=6)).gone == 21
    assert land(conn, stage, UNTIL + timedelta(days=7)).refused is None


def test_a_segment_asks_who_visited_three_times_within_a_week(
    conn: psycopg.Connection, stage: Stage, tmp_path: Path
) -> None:
    (tmp_path / "regulars.yaml").write_text(RULE)
    publish_persons(conn, [
        {"record_key": key, "email": f"{key}@inbox.example", "ids": {"shopify_customer": key}} for key in ("77", "88")
    ])  # fmt: skip
    often = [Visit(n, 1, ago(n), visitor=LAPTOP, user="77") for n in (1, 2, 3)]
    seldom = [Visit(10 + n, 1, ago(n), visitor=TABLET, user="88") for n in (1, 2, 9)]
    bring(conn, stage, *often, *seldom)

    compute_members(conn, load_definitions(tmp_path), "regulars", as_of=TODAY)

    members = [person for (person,) in conn.execute("select person_id from pg_temp.segment_people")]
    assert members == [find_end(conn, "hubspot.contacts:77").persons[0]]
