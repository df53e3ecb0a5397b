"""How long what the system wrote down of its own work is kept: tries, checks, notices; no data of anybody."""

from datetime import UTC, datetime, timedelta

import psycopg

from include import warehouse
from include.errors import ConfigError

LEAST_DAYS = 61  # rules look back over 60: the rhythm of a stream that falls silent (sql/quality/silences.sql)


def forget(conn: psycopg.Connection, *, keep_days: str | int, at: datetime | None = None) -> dict[str, int]:
    """Delete what is older, but what is the newest of its kind; how many rows of each table of ``ops``. Commits.

    Safe to repeat, and to leave out: it deletes by age.

    :param keep_days: as the variable ``history_keep_days`` has it.
    :raises ConfigError: no whole number of days, or fewer than rules look back over.
    """
    text = str(keep_days)
    if not text.isdigit() or int(text) < LEAST_DAYS:
        raise ConfigError(
            f"The variable history_keep_days is {text!r}; it is a number of days, {LEAST_DAYS} or more: limits are "
            f"learned from the last {LEAST_DAYS - 1}."
        )
    before = (at or datetime.now(UTC)) - timedelta(days=int(text))
    [counts] = warehouse.rows(conn, "ops/forget_history", {"before": before})
    conn.commit()
    return counts
