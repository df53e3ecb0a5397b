"""Staging made again from raw: equal to what it was, by today's mapping, without a call."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from include import replay
from tests.include.sources.shop import Shop, open_shop

ALL = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2100, 1, 1, tzinfo=UTC)}
HASH = """
select md5(string_agg((to_jsonb(p) - 'published_at')::text, '|' order by record_key)) from staging.person_record as p
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
