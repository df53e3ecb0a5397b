"""Whether everything that persons wait for has come. It stands in a table: events of assets are wake-ups, no queue.

A run that waits for an event of each of many assets goes wrong for good after one bad night: the events of the others
are kept, the late one completes them, and from then on the run begins with whichever stream came late once, on half of
a night. Here a night is whole when each stream has come since persons were last begun, by whatever began them.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from include import warehouse

LATE_HOURS = 20  # a stream that has not come for so long missed the night; its DAG runs once in 24


def arrive(conn: psycopg.Connection, stream: str, awaited: Sequence[str], at: datetime) -> bool:
    """Write down that a stream was published; whether with it every awaited one has come. Commits.

    A second time says the same again until persons are begun: whoever died before they could tell it may repeat it.
    """
    with conn.transaction():
        warehouse.run(conn, "night/lock")
        warehouse.run(conn, "night/arrive", {"stream": stream, "at": at})
        [found] = warehouse.rows(conn, "night/is_whole", {"awaited": list(awaited)})
    conn.commit()
    return found["whole"]


def begin(conn: psycopg.Connection, awaited: Sequence[str], at: datetime) -> list[str]:
    """Persons are begun now, with what is there; the awaited streams that missed the night. Commits."""
    with conn.transaction():
        warehouse.run(conn, "night/lock")
        missing = warehouse.rows(conn, "night/begin", {"awaited": list(awaited), "at": at, "hours": LATE_HOURS})
    conn.commit()
    return [row["stream"] for row in missing]


def first_loads(conn: psycopg.Connection, at: datetime) -> list[str]:
    """Streams whose first load is under way, while nobody was built yet: but for those set aside."""
    return [row["stream"] for row in warehouse.rows(conn, "night/first_loads", {"at": at})]
