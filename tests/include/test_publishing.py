"""What a publication does to staging, seen through checks that let everything pass."""

import psycopg
import pytest

from include import publishing, quality, quarantine
from include.candidate import fill_candidate
from include.errors import FatalError
from tests.include.gate import CONTACTS, ORDERS, column, good, land, pass_unseen, staged


def through(conn: psycopg.Connection, url: str, stream=CONTACTS) -> publishing.Published:
    """Check, then publish."""
    quality.check_stream(conn, url, stream, staged=staged)
    done = publishing.publish_stream(conn, stream, staged=staged)
    conn.commit()
    return done


def cities(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute("select record_key, city from staging.person_record").fetchall())


def queued(conn: psycopg.Connection) -> list[str]:
    keys = column(conn, "delete from staging.changed_record returning record_key")
    conn.commit()
    return sorted(keys)


def test_a_published_row_is_the_landed_row(conn, warehouse_url):
    batch = land(conn, CONTACTS, good(CONTACTS, 1, city="Köln"))
    assert through(conn, warehouse_url) == publishing.Published(rows=1, deleted=0, quarantined=0)
    row = conn.execute("select record_key, city, consent_ads, ids, batch_id from staging.hubspot_contacts").fetchone()
    assert row == ("k1", "Köln", "withdrawn", {"shopify_customer": "1"}, batch)
    state = conn.execute("select state, published_rows, quarantined_rows from ops.batch").fetchone()
    assert state == ("published", 1, 0)
    assert queued(conn) == ["k1"]


def test_a_batch_landed_again_without_change_changes_nothing(conn):
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2))
    pass_unseen(conn, CONTACTS)
    before = conn.execute("select * from staging.person_record order by record_key").fetchall()
    queued(conn)
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2))
    assert pass_unseen(conn, CONTACTS) == publishing.Published(0, 0, 0)
    assert conn.execute("select * from staging.person_record order by record_key").fetchall() == before
    assert queued(conn) == []
    assert column(conn, "select distinct state from ops.batch") == ["published"]


def test_only_changed_records_are_queued(conn):
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2))
    pass_unseen(conn, CONTACTS)
    queued(conn)
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2, city="Bonn"))
    pass_unseen(conn, CONTACTS)
    assert queued(conn) == ["k2"]


def test_an_older_version_that_arrives_late_does_not_overwrite_a_newer_one(conn):
    land(conn, CONTACTS, good(CONTACTS, 1, city="new", changed_at="2026-11-19T12:00:00Z"))
    pass_unseen(conn, CONTACTS)
    land(conn, CONTACTS, good(CONTACTS, 1, city="old", changed_at="2026-11-19T11:00:00Z"))
    assert pass_unseen(conn, CONTACTS).rows == 0
    assert cities(conn) == {"k1": "new"}


def test_without_a_time_of_change_the_version_landed_later_wins(conn):
    land(conn, CONTACTS, good(CONTACTS, 1, city="first", changed_at=None))
    pass_unseen(conn, CONTACTS)
    land(conn, CONTACTS, good(CONTACTS, 1, city="second", changed_at=None))
    pass_unseen(conn, CONTACTS)
    assert cities(conn) == {"k1": "second"}


def test_an_order_replaces_all_entries_of_its_record(conn):
    land(conn, ORDERS, [good(ORDERS, 1, entry_no=n, sku=f"s{n}") for n in (1, 2, 3)])
    pass_unseen(conn, ORDERS)
    changed = [good(ORDERS, 1, entry_no=n, sku=f"t{n}", changed_at="2026-11-19T12:00:00Z") for n in (1, 2)]
    land(conn, ORDERS, changed)
    assert pass_unseen(conn, ORDERS).rows == 2
    assert column(conn, "select sku from staging.order_entry order by entry_no") == ["t1", "t2"]


def test_one_broken_entry_holds_the_whole_order(conn, warehouse_url):
    land(conn, ORDERS, [good(ORDERS, 1), good(ORDERS, 1, entry_no=2, amount_minor=-5)], good(ORDERS, 2))
    assert through(conn, warehouse_url, ORDERS) == publishing.Published(rows=1, deleted=0, quarantined=1)
    assert column(conn, "select distinct record_key from staging.order_entry") == ["k2"]


def test_a_record_deleted_at_the_source_leaves_staging_and_stays_away(conn):
    first, gone = good(CONTACTS, 1), good(CONTACTS, 1, deleted=True, email=None, changed_at="2026-11-19T15:00:00Z")
    land(conn, CONTACTS, first, good(CONTACTS, 2))
    pass_unseen(conn, CONTACTS)
    queued(conn)
    land(conn, CONTACTS, gone)
    assert pass_unseen(conn, CONTACTS).deleted == 1
    assert cities(conn).keys() == {"k2"}
    assert queued(conn) == ["k1"]
    land(conn, CONTACTS, good(CONTACTS, 1, city="from before", changed_at="2026-11-19T14:00:00Z"), gone)
    land(conn, CONTACTS, good(CONTACTS, 1, city="from before", changed_at="2026-11-19T14:00:00Z"))
    assert pass_unseen(conn, CONTACTS) == publishing.Published(0, 0, 0)
    assert queued(conn) == []


def test_a_record_restored_at_the_source_comes_back(conn):
    land(conn, CONTACTS, good(CONTACTS, 1, deleted=True))
    pass_unseen(conn, CONTACTS)
    land(conn, CONTACTS, good(CONTACTS, 1, city="back", changed_at="2026-11-19T18:00:00Z"))
    pass_unseen(conn, CONTACTS)
    assert cities(conn) == {"k1": "back"}
    assert column(conn, "select count(*) from staging.deleted_record") == [0]


def test_nothing_is_published_without_a_check(conn):
    land(conn, CONTACTS, good(CONTACTS, 1))
    fill_candidate(conn, CONTACTS, staged=staged)
    assert publishing.publish_stream(conn, CONTACTS, staged=staged) == publishing.Published(0, 0, 0)
    assert column(conn, "select state from ops.batch") == ["landed"]


def test_publishing_twice_publishes_once(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1))
    through(conn, warehouse_url)
    assert publishing.publish_stream(conn, CONTACTS, staged=staged) == publishing.Published(0, 0, 0)


def test_a_batch_landed_between_check_and_publication_waits_for_its_own_check(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    land(conn, CONTACTS, good(CONTACTS, 2))
    publishing.publish_stream(conn, CONTACTS, staged=staged)
    assert cities(conn).keys() == {"k1"}
    assert column(conn, "select state from ops.batch order by batch_id") == ["published", "landed"]


def test_a_candidate_lost_in_a_crash_is_filled_again(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2, email="no address"))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    conn.execute("truncate checking.hubspot_contacts")  # what recovery does to an unlogged table
    conn.commit()
    assert publishing.publish_stream(conn, CONTACTS, staged=staged) == publishing.Published(1, 0, 1)
    assert cities(conn).keys() == {"k1"}


def test_a_publication_that_breaks_off_leaves_all_as_it_was_and_is_repeated(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    conn.execute("alter table staging.changed_record add constraint broken check (false)")
    conn.commit()
    with pytest.raises(FatalError, match="broken"):
        publishing.publish_stream(conn, CONTACTS, staged=staged)
    assert cities(conn) == {}
    conn.execute("alter table staging.changed_record drop constraint broken")
    conn.commit()
    assert publishing.publish_stream(conn, CONTACTS, staged=staged).rows == 1


def test_a_row_that_staging_cannot_hold_is_refused_without_its_values(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="canary@secret.example", interests=None))
    quality.check_stream(conn, warehouse_url, CONTACTS, staged=staged)
    with pytest.raises(FatalError, match="interests") as caught:
        publishing.publish_stream(conn, CONTACTS, staged=staged)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_value_no_column_can_hold_is_refused_without_the_value(conn):
    land(conn, CONTACTS, good(CONTACTS, 1, birth_on="canary-1990"))
    with pytest.raises(FatalError, match="filling the candidate") as caught:
        fill_candidate(conn, CONTACTS, staged=staged)
    assert "canary" not in str(caught.value)
    assert caught.value.__context__ is None


def test_a_withdrawal_counts_even_when_the_rest_of_its_row_is_held(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, city="known"))
    through(conn, warehouse_url)
    queued(conn)
    land(conn, CONTACTS, good(CONTACTS, 1, city="unknown", email="broken", consent_email="withdrawn",
                              consent_email_at="2026-11-19T20:00:00Z", changed_at="2026-11-19T20:00:00Z"))
    assert through(conn, warehouse_url) == publishing.Published(0, 0, 1)
    row = conn.execute("select city, consent_email, consent_email_at::date::text from staging.person_record").fetchone()
    assert row == ("known", "withdrawn", "2026-11-19")
    assert queued(conn) == ["k1"]


def test_a_released_row_is_published_exactly_once(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1), good(CONTACTS, 2, email="odd but right", city="held"))
    assert through(conn, warehouse_url).quarantined == 1
    queued(conn)
    assert quarantine.release(conn, who="ana", rule="email_syntax") == 1
    assert through(conn, warehouse_url) == publishing.Published(1, 0, 0)
    assert cities(conn)["k2"] == "held"
    assert queued(conn) == ["k2"]
    assert column(conn, "select state from ops.quarantine") == ["published"]
    assert through(conn, warehouse_url) == publishing.Published(0, 0, 0)
    assert queued(conn) == []


def test_a_newer_version_supersedes_what_is_held(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="broken"))
    through(conn, warehouse_url)
    land(conn, CONTACTS, good(CONTACTS, 1, city="mended", changed_at="2026-11-19T20:00:00Z"))
    through(conn, warehouse_url)
    assert column(conn, "select state from ops.quarantine") == ["superseded"]
    assert cities(conn) == {"k1": "mended"}


def test_a_released_row_that_was_replaced_meanwhile_is_not_published(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, email="broken", city="old"))
    through(conn, warehouse_url)
    land(conn, CONTACTS, good(CONTACTS, 1, city="mended", changed_at="2026-11-19T20:00:00Z"))
    quarantine.release(conn, who="ana", rule="email_syntax")
    conn.commit()
    through(conn, warehouse_url)
    assert cities(conn) == {"k1": "mended"}
    assert column(conn, "select state from ops.quarantine") == ["superseded"]


def test_a_late_older_version_does_not_supersede_a_newer_one_that_is_held(conn, warehouse_url):
    land(conn, CONTACTS, good(CONTACTS, 1, city="v1", changed_at="2026-11-19T01:00:00Z"))
    through(conn, warehouse_url)
    land(conn, CONTACTS, good(CONTACTS, 1, city="v3", email="odd", changed_at="2026-11-19T03:00:00Z"))
    through(conn, warehouse_url)
    land(conn, CONTACTS, good(CONTACTS, 1, city="v2", changed_at="2026-11-19T02:00:00Z"))
    through(conn, warehouse_url)
    assert cities(conn) == {"k1": "v2"}
    quarantine.release(conn, who="ana", rule="email_syntax")
    through(conn, warehouse_url)
    assert cities(conn) == {"k1": "v3"}


def test_an_order_whose_new_version_has_no_entries_leaves_staging(conn):
    land(conn, ORDERS, [good(ORDERS, 1), good(ORDERS, 1, entry_no=2)], good(ORDERS, 2))
    pass_unseen(conn, ORDERS)
    queued(conn)
    land_without_entries(conn, "k1")
    assert pass_unseen(conn, ORDERS) == publishing.Published(rows=0, deleted=1, quarantined=0)
    assert column(conn, "select record_key from staging.order_entry") == ["k2"]
    assert queued(conn) == ["k1"]
    assert pass_unseen(conn, ORDERS) == publishing.Published(0, 0, 0)


def test_an_order_without_entries_gets_them_back_with_its_next_version(conn):
    land(conn, ORDERS, good(ORDERS, 1))
    pass_unseen(conn, ORDERS)
    land_without_entries(conn, "k1")
    pass_unseen(conn, ORDERS)
    land(conn, ORDERS, good(ORDERS, 1, sku="back", changed_at="2026-11-19T18:00:00Z"))
    assert pass_unseen(conn, ORDERS).rows == 1
    assert column(conn, "select sku from staging.order_entry") == ["back"]
    assert column(conn, "select count(*) from staging.deleted_record") == [0]


def test_a_held_order_that_lost_its_entries_cannot_be_released_any_more(conn, warehouse_url):
    land(conn, ORDERS, good(ORDERS, 1, amount_minor=-5), good(ORDERS, 2))
    through(conn, warehouse_url, ORDERS)
    quarantine.release(conn, who="ana", rule="amount_sign")
    land_without_entries(conn, "k1")
    assert pass_unseen(conn, ORDERS).rows == 0
    assert column(conn, "select distinct state from ops.quarantine") == ["superseded"]
    assert column(conn, "select record_key from staging.order_entry") == ["k2"]


def land_without_entries(conn: psycopg.Connection, key: str) -> None:
    """A new version of a record that makes no row: an order whose lines all went."""
    batch = land(conn, ORDERS)
    conn.execute(
        "insert into raw.record (batch_id, stream, record_key, payload, payload_hash) values (%s, %s, %s, '[]', '')",
        (batch, ORDERS.name, key))
    conn.commit()
