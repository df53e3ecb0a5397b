"""Asking platforms that tell the result later: accepted becomes confirmed, or falls back."""

import time
from datetime import UTC, datetime, timedelta

import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, ConfirmsMembers, Destination, Member
from include.ledger import exchanges

WAIT_SECONDS = 30.0  # in one sync; what the platform has not told by then is asked about by the next one
FIRST_PAUSE = 0.2
JOB_LIMIT = timedelta(hours=48)  # a job without an end after this counts as lost, and its people are sent again


def confirm_batches(
    conn: psycopg.Connection, audience: Audience, destination: Destination, *, wait_seconds: float = WAIT_SECONDS
) -> int:
    """Ask about every accepted batch until all are answered or the time is over; give up those older than JOB_LIMIT.

    :returns: batches still without a result.
    """
    deadline, pause = time.monotonic() + wait_seconds, FIRST_PAUSE
    while True:
        waiting = [
            batch
            for batch in warehouse.rows(conn, "ledger/unconfirmed_batches", {"audience_id": audience.audience_id})
            if not _confirmed(conn, audience, destination, batch["batch_id"], batch["job_id"])
        ]
        if not waiting or time.monotonic() + pause > deadline:
            return len(waiting) - _give_up(conn, audience)
        time.sleep(pause)
        pause = min(pause * 2, 5.0)


def _give_up(conn: psycopg.Connection, audience: Audience) -> int:
    at = datetime.now(UTC)
    with conn.transaction():
        [given_up] = warehouse.rows(
            conn, "ledger/give_up_jobs", {"audience_id": audience.audience_id, "at": at, "before": at - JOB_LIMIT}
        )
    return given_up["batches"]


def _confirmed(
    conn: psycopg.Connection, audience: Audience, destination: Destination, batch_id: int, job_id: str
) -> bool:
    with exchanges.of_batch(audience, batch_id):
        if isinstance(destination, ConfirmsMembers):
            answer = destination.confirm_members(audience, job_id, lambda: _members(conn, batch_id))
        else:
            answer = destination.confirm(audience, job_id)
    if answer is None:
        return False
    _write_down(conn, audience, batch_id, answer)
    return True


def _members(conn: psycopg.Connection, batch_id: int) -> list[Member]:
    rows = warehouse.rows(conn, "ledger/job_members", {"batch_id": batch_id})
    return [Member(row["batch_row"], row["identifiers"]) for row in rows]


def _write_down(conn: psycopg.Connection, audience: Audience, batch_id: int, answer: Answer) -> None:
    with conn.transaction():
        warehouse.run(
            conn,
            "ledger/confirm",
            {
                "audience_id": audience.audience_id,
                "batch_id": batch_id,
                "at": datetime.now(UTC),
                "rows": [one.row for one in answer.exceptions],
                "outcomes": [one.outcome for one in answer.exceptions],
                "codes": [one.code for one in answer.exceptions],
                "texts": [one.text for one in answer.exceptions],
            },
        )
