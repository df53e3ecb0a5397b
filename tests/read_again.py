"""A range of the past read once more in a running system by Airflow's own backfill, because rows of it were lost."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from tests.system import RunningSystem

STREAMS = ["matomo.visits", "woocommerce.customers", "woocommerce.orders"]
# A day whose nights are over, on which an order changed, and one on which somebody visited.
DAYS = """
select
    max((payload ->> 'date_modified_gmt')::date) filter (where stream = 'woocommerce.orders'),
    max(split_part(record_key, ':', 2)) filter (where stream = 'matomo.visits')
from raw.record
where
    stream = any(%(streams)s)
    and coalesce((payload ->> 'date_modified_gmt')::date, split_part(record_key, ':', 2)::date) < current_date - 1
    and stream <> 'woocommerce.customers'
"""
LOSE = """
delete from raw.record
where
    (stream = 'woocommerce.orders' and (payload ->> 'date_modified_gmt')::date = %(changed)s)
    or (stream = 'matomo.visits' and split_part(record_key, ':', 2) = %(visited)s)
returning record_key
"""
UNPUBLISH_ORDERS = "delete from staging.order_entry where stream = 'woocommerce.orders' and record_key = any(%(keys)s)"
UNPUBLISH_VISITS = "delete from staging.event where stream = 'matomo.visits' and record_key = any(%(keys)s)"
# What there is of each record: its newest version, and its rows in staging.
HERE = """
select stream, record_key, 'raw', max(payload_hash::text)
from (
    select distinct on (stream, record_key) stream, record_key, payload_hash
    from raw.record
    where stream = any(%(streams)s)
    order by stream, record_key, raw_id desc
) as newest
group by stream, record_key
union all
select stream, record_key, 'staging', count(*)::text from staging.order_entry
where stream = any(%(streams)s)
group by stream, record_key
union all
select stream, record_key, 'staging', count(*)::text from staging.event
where stream = any(%(streams)s)
group by stream, record_key
order by 1, 2, 3
"""
NEWEST_BATCH = "select max(batch_id) from ops.batch"
WINDOWS = """
select stream, window_since, window_until, landed_rows from ops.batch
where batch_id > %(batch_id)s
order by window_since, stream
"""
CURSORS = "select stream, cursor, moved_at from ops.stream_cursor order by stream"
SENT = "select count(*), current_date from audience.sent"


@dataclass(frozen=True)
class ReadAgain:
    """What was asked of two sources, and what of it came.

    :param lost: keys of the records that were here and were lost before.
    :param asked: the windows that must be asked: stream, since, until.
    :param windows: those that were, each with the rows it landed.
    :param here: every record before the loss, and after the backfill.
    :param cursors: where the streams' next windows begin, before and after.
    :param sent: people sent anywhere, before and after persons, segments and audiences were built on it.
    """

    lost: list[str]
    asked: list[tuple[str, datetime, datetime]]
    windows: list[tuple[str, datetime, datetime, int]]
    here: tuple[list[Any], list[Any]]
    cursors: tuple[list[Any], list[Any]]
    sent: tuple[tuple[int, date], tuple[int, date]]


def read_again(system: "RunningSystem") -> ReadAgain:
    """Lose what two sources told on a day, have the days around it read again, build on it.

    Matomo's day has had its run, as by the clock: Airflow passes over such a day unless it is told not to.
    """
    with psycopg.connect(system.env["WAREHOUSE_URL"], autocommit=True) as conn:
        changed, visited = conn.execute(DAYS, {"streams": STREAMS}).fetchone()
        visit_day = date.fromisoformat(visited)
        nightly = _window("matomo.visits", visit_day)[1:]
        system.airflow.trigger("extract_matomo", "the-night-of-that-day", of=nightly)
        system.until_idle()
        before, cursors, sent = _here(conn), conn.execute(CURSORS).fetchall(), conn.execute(SENT).fetchone()
        lost = [key for (key,) in conn.execute(LOSE, {"changed": changed, "visited": visited})]
        for statement in (UNPUBLISH_ORDERS, UNPUBLISH_VISITS):
            conn.execute(statement, {"keys": lost})
        newest = conn.execute(NEWEST_BATCH).fetchone()
        system.airflow.backfill("extract_woocommerce", changed - timedelta(days=1), changed + timedelta(days=1))
        system.airflow.backfill("extract_matomo", visit_day, visit_day + timedelta(days=1))
        system.until_idle()
        system.airflow.trigger("build_persons", "after-a-backfill")
        system.until_idle()
        return ReadAgain(
            lost=lost,
            asked=[
                *(_window("woocommerce.orders", changed - timedelta(days=n)) for n in (1, 0)),
                ("matomo.visits", *nightly),
            ],
            windows=conn.execute(WINDOWS, {"batch_id": newest[0]}).fetchall(),
            here=(before, _here(conn)),
            cursors=(cursors, conn.execute(CURSORS).fetchall()),
            sent=(sent, conn.execute(SENT).fetchone()),
        )


def _window(stream: str, day: date) -> tuple[str, datetime, datetime]:
    """The span from the day's run to the next: both DAGs run at twenty past three."""
    begin = datetime(day.year, day.month, day.day, 3, 20, tzinfo=UTC)
    return stream, begin, begin + timedelta(days=1)


def _here(conn: psycopg.Connection) -> list[Any]:
    return conn.execute(HERE, {"streams": STREAMS}).fetchall()
