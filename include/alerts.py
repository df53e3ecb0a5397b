"""Alerts: told when a subject begins to fail, again while it goes on, and when it has recovered; to its owner.

Each subject (a suite, a segment, a task, an audience) has a state in ``ops.alert_state`` and what people were told
of it. A failure is told at once. A recovery is told when it has lasted for a while, so that a subject that fails, works
and fails again is one failure to people: one pair of notices. Whoever still fails after a period is told of again, once
a period, in one notice per owner. Subjects of one owner with a cause in common are one failure too: the first is told,
the others are named beside it in reminders and in ``alerts list``, and told when they outlast it (docs/alerts.md).

Notices are written to ``ops.alert_outbox`` in the statement that decides on them, and sent from there. A channel that
is down gets its notice at a later call; one that got it does not get it again, but for a process that dies between the
channel's answer and its own commit, or an answer that never came: rather told twice than never. That a notice is about
to be handed over is written down before. Sent again, a mail and a webhook have the id they had, by which the other side
knows them; Slack has nothing of the kind, so its text says that it may have come before. Texts carry counts, names of
rules and links, no values.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from include import warehouse
from include.alert_channels import Channel, Notice
from include.errors import LostAnswerError, RetriableError

LISTED = 20  # subjects named in a reminder of many


@dataclass(frozen=True)
class Policy:
    """When people hear of a state.

    :param settle: how long a recovery must last before it is told; failures within it are the same failure.
    :param remind: how long a failure lasts before it is told again; None: never.
    """

    settle: timedelta = timedelta(0)
    remind: timedelta | None = timedelta(days=1)


def notify(
    conn: psycopg.Connection,
    *,
    subject: str,
    failing: bool,
    owner: str,
    summary: str,
    channels: Sequence[Channel],
    link: str | None = None,
    page: str | None = None,
    causes: Sequence[str] = (),
    policy: Policy | None = None,
    at: datetime | None = None,
) -> bool:
    """Tell the state of a subject; people hear of what is news. Commits. Safe to repeat and to call at once.

    :param subject: what the state is of, ``suite hubspot_contacts``.
    :param summary: counts and names of rules, never a value from a row.
    :param channels: every notice goes to each of them.
    :param link: Airflow's page of the try; ``page``: its page of results.
    :param causes: other subjects, and names of what is broken: not told while its owner knows of one that shares any.
    :param at: now; a test may say otherwise.
    :returns: whether a notice about this subject was made by this call and went out on at least one channel.
    :raises RetriableError: a channel did not take a notice; it stays in the outbox for the next call.
    """
    at = at or datetime.now(UTC)
    _one_at_a_time(conn)
    warehouse.run(
        conn,
        "alerts/record_state",
        {
            "subject": subject,
            "state": "failing" if failing else "ok",
            "at": at,
            "owner": owner,
            "summary": summary,
            "link": link,
            "page": page,
            "causes": sorted(set(causes)),
        },
    )
    made = _decide(conn, channels, policy or Policy(), at)
    sent = send_unsent(conn, channels)
    return any(notice in sent for notice, about in made.items() if about == subject)


def sweep(
    conn: psycopg.Connection, *, channels: Sequence[Channel], policy: Policy | None = None, at: datetime | None = None
) -> int:
    """What time alone makes news: recoveries that have lasted, failures that go on, notices a channel did not take.

    Commits. :returns: the number of notices that went out. :raises RetriableError: as `notify`.
    """
    _decide(conn, channels, policy or Policy(), at or datetime.now(UTC))
    return len(send_unsent(conn, channels))


def _decide(conn: psycopg.Connection, channels: Sequence[Channel], policy: Policy, at: datetime) -> dict[int, str]:
    """Write down every notice that is due; ids with their subjects. Commits."""
    _one_at_a_time(conn)
    values = {"at": at, "channels": [channel.name for channel in channels]}
    made = warehouse.rows(conn, "alerts/tell_changes", {**values, "settle": policy.settle})
    if policy.remind is not None:
        made += warehouse.rows(conn, "alerts/remind", {**values, "period": policy.remind, "listed": LISTED})
    conn.commit()
    return {row["notice_id"]: row["subject"] for row in made}


def _one_at_a_time(conn: psycopg.Connection) -> None:
    """Until the commit: else two subjects that begin to fail at once would not see their common cause."""
    conn.execute("select pg_advisory_xact_lock(hashtextextended('alerts.states', 0))")


def still_failing(conn: psycopg.Connection, prefix: str) -> list[str]:
    """Subjects that begin so and whose state is failing."""
    found = [row["subject"] for row in warehouse.rows(conn, "alerts/told_with_prefix", {"prefix": prefix})]
    conn.commit()
    return found


def told_slow(conn: psycopg.Connection) -> list[str]:
    """Subjects that fail for nothing but being slow, as far as anybody knows."""
    found = [row["subject"] for row in warehouse.rows(conn, "alerts/told_slow")]
    conn.commit()
    return found


def open_alerts(conn: psycopg.Connection) -> list[dict[str, Any]]:
    """Subjects that people were told are failing, the oldest first."""
    found = warehouse.rows(conn, "alerts/open")
    conn.commit()
    return found


def send_unsent(conn: psycopg.Connection, channels: Sequence[Channel]) -> set[int]:
    """Send what the outbox still holds for these channels; return the ids of the notices that went out. Commits.

    :raises RetriableError: a channel did not take a notice; the others got theirs.
    """
    sent: set[int] = set()
    failures: list[RetriableError] = []
    for channel in channels:
        try:
            sent |= _send_all(conn, channel)
        except RetriableError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return sent


def _send_all(conn: psycopg.Connection, channel: Channel) -> set[int]:
    """Send each notice by itself: that it goes, and that the channel took it, is on record before the next one goes."""
    sent: set[int] = set()
    with _alone(conn, channel):
        while found := warehouse.rows(conn, "alerts/unsent", {"channel": channel.name}):
            row = {**found[0], "channel": channel.name}
            warehouse.run(conn, "alerts/begin_attempt", row)
            conn.commit()
            _send(conn, channel, row)
            sent.add(row["notice_id"])
    return sent


def _send(conn: psycopg.Connection, channel: Channel, row: Mapping[str, Any]) -> None:
    """Hand one notice over. A refusal ends the attempt; an answer that never came leaves it open."""
    try:
        channel.send(_notice(row))
    except LostAnswerError:
        raise
    except RetriableError:
        warehouse.run(conn, "alerts/end_attempt", row)
        conn.commit()
        raise
    warehouse.run(conn, "alerts/log_sent", row)
    conn.commit()


@contextmanager
def _alone(conn: psycopg.Connection, channel: Channel) -> Iterator[None]:
    """One sender a channel, over several transactions."""
    key = {"channel": channel.name}
    conn.execute("select pg_advisory_lock(hashtextextended('alerts.' || %(channel)s, 0))", key)
    conn.commit()
    try:
        yield
    finally:
        conn.rollback()  # of a statement that failed; everything else is committed
        conn.execute("select pg_advisory_unlock(hashtextextended('alerts.' || %(channel)s, 0))", key)
        conn.commit()


def _notice(row: Mapping[str, Any]) -> Notice:
    """Numbers begin anew in another warehouse, hence the time beside it."""
    once = f"notice.{row['notice_id']}.{row['opened_at']:%Y%m%d%H%M%S%f}"
    told = {name: row[name] for name in ("subject", "kind", "owner", "summary", "link", "page", "again")}
    return Notice(**told, id=once, at=row["opened_at"])
