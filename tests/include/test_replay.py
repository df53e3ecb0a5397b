"""Staging made again from raw: equal to what it was, by today's mapping, without a call."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from include import replay
from include.errors import CriticalCheckError
from tests.include.sources.shop import Shop, open_shop

ALL = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
HASH = """
select md5(string_agg((to_jsonb(p) - 'published_at')::text, '|' order by record_key)) from staging.person_record as p
"""
IDS_READ_OTHERWISE = """
create or replace function staging.read_ids(payload jsonb, paths jsonb) returns jsonb language sql immutable as
$$ select jsonb_build_object('other', payload ->> 'legacyResourceId') $$
"""
CONSENT_READ_WRONG = """
create or replace function staging.read_consent(value text, granted text[], withdrawn text[]) returns text
language sql immutable as $$ select 'maybe' $$
"""


@pytest.fixture
def shop(conn: psycopg.Connection) -> Iterator[Shop]:
    """Customers of three landings: new, changed, deleted."""
    with open_shop(conn) as opened:
        for _ in range(3):
            opened.put(*range(1, 13))
            opened.land()
            opened.publish()
            opened.put(2, 4, state=2)
            opened.delete(5)
        yield opened


def test_staging_is_what_it_was_and_no_platform_is_called(
    conn: psycopg.Connection, warehouse_url: str, shop: Shop
) -> None:
    before = conn.execute(HASH).fetchone()
    asked: list[int] = []
    shop.stage.before = lambda: asked.append(1)
    conn.execute("update staging.person_record set first_name = 'spoilt'")
    conn.commit()

    done = replay.replay(conn, warehouse_url, shop.stream, **ALL)

    assert done.batches == 3
    assert conn.execute(HASH).fetchone() == before
    assert asked == []
    assert conn.execute("select state, replaying, count(*) from ops.batch group by 1, 2").fetchall() == [
        ("published", False, 3)]


def test_what_staging_holds_of_later_batches_stays(conn: psycopg.Connection, warehouse_url: str, shop: Shop) -> None:
    [(first,)] = conn.execute("select min(landed_at) from ops.batch").fetchall()
    before = conn.execute(HASH).fetchone()

    done = replay.replay(conn, warehouse_url, shop.stream, since=first, until=first + timedelta(microseconds=1))

    assert (done.batches, done.rows) == (1, 0)  # every customer of the first day changed since
    assert conn.execute(HASH).fetchone() == before


def test_a_changed_mapping_reads_what_landed_long_ago(
    conn: psycopg.Connection, warehouse_url: str, shop: Shop
) -> None:
    """What a mapping says arrives through the staging statement's functions; here one of them reads otherwise."""
    conn.execute(IDS_READ_OTHERWISE)
    conn.commit()

    done = replay.replay(conn, warehouse_url, shop.stream, **ALL)

    assert done.rows == len(shop.held())
    ids = conn.execute("select record_key, ids from staging.person_record order by 1").fetchall()
    assert ids == [(key, {"other": key}) for key, _ in ids]


def test_a_replay_that_its_check_stops_leaves_staging_and_its_batches_as_they_were(
    conn: psycopg.Connection, warehouse_url: str, shop: Shop
) -> None:
    before = conn.execute(HASH).fetchone()
    conn.execute(CONSENT_READ_WRONG)
    conn.commit()

    with pytest.raises(CriticalCheckError):
        replay.replay(conn, warehouse_url, shop.stream, **ALL)

    assert conn.execute(HASH).fetchone() == before
    assert conn.execute("select distinct state, replaying from ops.batch").fetchall() == [("published", False)]


def test_what_is_held_stays_held_and_what_was_released_stays_released(
    conn: psycopg.Connection, warehouse_url: str, shop: Shop
) -> None:
    rows = conn.execute(
        "select max(raw_id), record_key, max(batch_id) from raw.record where record_key in ('106', '107')"
        " group by record_key order by record_key"
    ).fetchall()
    for (raw_id, key, batch), state in zip(rows, ("held", "published"), strict=True):
        conn.execute(
            "insert into ops.quarantine (batch_id, stream, raw_id, record_key, rule, reason, state) values"
            " (%s, 'shopify.customers', %s, %s, 'email_syntax', 'By hand.', %s)",
            (batch, raw_id, key, state),
        )
    conn.execute("delete from staging.person_record where record_key = '106'")
    conn.execute(
        "update raw.record set payload = jsonb_set(payload::jsonb, '{defaultEmailAddress}',"
        " '{\"emailAddress\": \"no address\"}')::json where record_key in ('106', '107')"
    )
    conn.commit()

    replay.replay(conn, warehouse_url, shop.stream, **ALL)

    states = conn.execute("select record_key, state from ops.quarantine where rule = 'email_syntax' order by 1")
    assert states.fetchall() == [("106", "held"), ("107", "published")]
    assert 7 in shop.held()
    assert 6 not in shop.held()
