"""People a platform refused, asked about again: after a fault on its side was mended, or on ours."""

from dataclasses import dataclass
from datetime import datetime

import psycopg

from include import warehouse


@dataclass(frozen=True)
class Retried:
    """People of one audience with one error.

    :param again: refused for good so far; the next sync asks about them again.
    :param anyway: still open; the next sync would have asked about them in any case.
    """

    destination: str
    audience: str
    error_class: str | None
    error_code: str | None
    again: int
    anyway: int


def retry(
    conn: psycopg.Connection,
    *,
    since: datetime,
    until: datetime,
    who: str,
    error_class: str | None = None,
    destination: str | None = None,
    audience: str | None = None,
    only_count: bool = False,
) -> list[Retried]:
    """Plan again whom platforms refused in [since, until). Sends nothing itself: the next sync does. Audited.

    :param error_class: class or code of the platform's answer; None: any.
    :param only_count: change nothing, tell what would be.
    """
    bound = {
        "since": since,
        "until": until,
        "who": who,
        "error_class": error_class,
        "destination": destination,
        "audience": audience,
    }
    with conn.transaction(force_rollback=only_count):
        return [Retried(**row) for row in warehouse.rows(conn, "ledger/retry", bound)]
