"""Releases under attack: whatever happens between, a released record is published exactly once."""

import threading

import psycopg
import pytest

from include import publishing, quality, quarantine, warehouse
from include.errors import FatalError
from tests.include.gate import CONTACTS, column, good, land, staged


def check(conn: psycopg.Connection, url: str) -> quality.Checked:
    return quality.check_stream(conn, url, CONTACTS, staged=staged)


def through(conn: psycopg.Connection, url: str) -> publishing.Published:
    check(conn, url)
    return publish(conn)


def publish(conn: psycopg.Connection) -> publishing.Published:
    done = publishing.publish_stream(conn, CONTACTS, staged=staged)
    conn.commit()
    return done


def queued(conn: psycopg.Connection) -> list[str]:
    return column(conn, "select record_key from staging.changed_record order by change_id")


def cities(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute("select record_key, city from staging.person_record").fetchall())


def states(conn: psycopg.Connection) -> list[str]:
    return column(conn, "select state from ops.quarantine order by raw_id, rule")


@pytest.fixture
def held(conn, warehouse_url):
    """One contact set aside, the queue of changes empty."""
    land(conn, CONTACTS, good(CONTACTS, 1, email="odd but right", city="v1"))
    through(conn, warehouse_url)
    return conn


def test_a_release_said_twice_and_published_twice_comes_once(held, warehouse_url):
    assert quarantine.release(held, who="ana", rule="email_syntax") == 1
    assert quarantine.release(held, who="ben", rule="email_syntax") == 0
    assert [through(held, warehouse_url).rows for _ in range(3)] == [1, 0, 0]
    assert (queued(held), states(held)) == (["k1"], ["published"])


def test_two_publications_at_once_bring_a_released_record_once(held, warehouse_url):
    quarantine.release(held, who="ana", rule="email_syntax")
    check(held, warehouse_url)
    brought: list[int] = []

    def another() -> None:
        with warehouse.connect(warehouse_url) as conn:
            brought.append(publish(conn).rows)

    threads = [threading.Thread(target=another) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(brought) == [0, 1]
    assert queued(held) == ["k1"]


def test_a_release_between_check_and_publication_goes_out_with_the_next_check(held, warehouse_url):
    land(held, CONTACTS, good(CONTACTS, 2))
    check(held, warehouse_url)
    quarantine.release(held, who="ana", rule="email_syntax")
    held.commit()
    assert publish(held).rows == 1
    assert cities(held).keys() == {"k2"}
    assert [through(held, warehouse_url).rows for _ in range(2)] == [1, 0]
    assert queued(held) == ["k2", "k1"]


def test_a_release_of_a_row_that_waits_in_the_checked_batch_goes_out_with_it(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="odd but right"))
    check(conn, warehouse_url)
    quarantine.release(conn, who="ana", rule="email_syntax")
    conn.commit()
    assert [publish(conn).rows, through(conn, warehouse_url).rows] == [1, 0]
    assert (queued(conn), states(conn)) == (["k1"], ["published"])


@pytest.mark.parametrize("newer_is_released_first", [False, True])
def test_a_newer_version_that_is_held_itself_does_not_swallow_the_released_one(
    held, warehouse_url, newer_is_released_first
):
    quarantine.release(held, who="ana", rule="email_syntax")
    land(held, CONTACTS, good(CONTACTS, 1, country="Germany", city="v2", changed_at="2026-11-19T20:00:00Z"))
    assert through(held, warehouse_url) == publishing.Published(0, 0, 1)
    assert states(held) == ["released", "held"]
    if newer_is_released_first:
        quarantine.release(held, who="ana", rule="country_code")
    assert through(held, warehouse_url).rows == 1
    assert cities(held) == {"k1": "v2" if newer_is_released_first else "v1"}
    assert through(held, warehouse_url).rows == 0
    quarantine.release(held, who="ana", rule="country_code")
    through(held, warehouse_url)
    assert cities(held) == {"k1": "v2"}
    assert set(states(held)) <= {"published", "superseded"}


def test_a_newer_good_version_that_lands_after_the_check_wins(held, warehouse_url):
    quarantine.release(held, who="ana", rule="email_syntax")
    check(held, warehouse_url)
    land(held, CONTACTS, good(CONTACTS, 1, city="v2", changed_at="2026-11-19T20:00:00Z"))
    assert publish(held).rows == 1
    assert through(held, warehouse_url).rows == 1
    assert (cities(held), queued(held)) == ({"k1": "v2"}, ["k1", "k1"])


def test_a_record_of_two_rules_waits_for_both_releases_in_any_order(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="odd but right", country="Germany"), good(CONTACTS, 2))
    assert through(conn, warehouse_url) == publishing.Published(1, 0, 1)
    quarantine.release(conn, who="ana", rule="country_code")
    assert through(conn, warehouse_url).rows == 0
    assert sorted(states(conn)) == ["held", "released"]
    quarantine.release(conn, who="ana", rule="email_syntax")
    assert [through(conn, warehouse_url).rows for _ in range(2)] == [1, 0]
    assert states(conn) == ["published", "published"]


def test_a_publication_of_a_release_that_breaks_off_is_made_good_by_the_next(held, warehouse_url):
    quarantine.release(held, who="ana", rule="email_syntax")
    check(held, warehouse_url)
    held.execute("alter table staging.changed_record add constraint broken check (false)")
    held.commit()
    with pytest.raises(FatalError, match="broken"):
        publish(held)
    assert (cities(held), states(held)) == ({}, ["released"])
    held.execute("alter table staging.changed_record drop constraint broken")
    held.commit()
    assert [through(held, warehouse_url).rows for _ in range(2)] == [1, 0]
    assert (queued(held), states(held)) == (["k1"], ["published"])


def test_a_release_whose_candidate_was_lost_in_a_crash_is_published_once(held, warehouse_url):
    quarantine.release(held, who="ana", rule="email_syntax")
    check(held, warehouse_url)
    held.execute("truncate checking.hubspot_contacts")  # what recovery does to an unlogged table
    held.commit()
    assert [publish(held).rows, through(held, warehouse_url).rows] == [1, 0]
    assert queued(held) == ["k1"]


def test_a_released_record_that_its_source_deleted_stays_away(held, warehouse_url):
    quarantine.release(held, who="ana", rule="email_syntax")
    land(held, CONTACTS, good(CONTACTS, 1, deleted=True, changed_at="2026-11-19T20:00:00Z"))
    through(held, warehouse_url)
    assert (through(held, warehouse_url).rows, cities(held), states(held)) == (0, {}, ["superseded"])
