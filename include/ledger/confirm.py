"""Asking platforms that tell the result later: accepted becomes confirmed, or falls back."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, ConfirmsMembers, Destination, LimitsJobs, Member
from include.errors import AuthError, FatalError, RetriableError
from include.ledger import exchanges
from include.ledger.batches import Progress, exceptions_as_columns

WAIT_SECONDS = 30.0  # in one sync; what the platform has not told by then is asked about by the next one
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
JOB_LIMIT = timedelta(hours=48)  # a job without an end after this counts as lost, and its people are sent again


def confirm_batches(
    conn: psycopg.Connection,
    audience: Audience,
    destination: Destination,
    *,
    wait_seconds: float = WAIT_SECONDS,
    progress: Progress,
) -> int:
    """Ask about every accepted batch until all are answered or the time is over; then give up those that are too old.

    A question that fails is no answer and is asked again. Jobs older than JOB_LIMIT, or than the destination's own
    ``job_limit``, count as lost: their people are unknown, and the next run sends them again or takes them back.

    :param progress: told ``asked`` between an answer and its writing down, ``told`` after it, ``given_up`` at the end.
    :returns: batches without a result: still waiting, or given up.
    :raises AuthError: the credentials are refused.
    :raises FatalError: a job cannot be asked about; the others were asked, and what is too old was given up.
    """
    deadline, pause = time.monotonic() + wait_seconds, FIRST_PAUSE
    while True:
        asked = _Asked()
        for batch in warehouse.rows(conn, "ledger/unconfirmed_batches", {"audience_id": audience.audience_id}):
            asked.note(_ask(conn, audience, destination, batch["batch_id"], batch["job_id"], progress))
        if not asked.waiting or time.monotonic() + pause > deadline:
            break
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)
    limit = destination.job_limit if isinstance(destination, LimitsJobs) else JOB_LIMIT
    given_up = _give_up(conn, audience, limit)
    progress("given_up")
    if asked.refused is not None and asked.failed > given_up:
        raise asked.refused
    return asked.waiting + asked.failed


@dataclass
class _Asked:
    """What one round of questions gave."""

    waiting: int = 0
    failed: int = 0
    refused: FatalError | None = None

    def note(self, result: bool | FatalError) -> None:
        if isinstance(result, FatalError):
            self.failed += 1
            self.refused = result
        elif not result:
            self.waiting += 1


def _give_up(conn: psycopg.Connection, audience: Audience, limit: timedelta) -> int:
    at = datetime.now(UTC)
    with conn.transaction():
        [given_up] = warehouse.rows(
            conn, "ledger/give_up_jobs", {"audience_id": audience.audience_id, "at": at, "before": at - limit}
        )
    return given_up["batches"]


def _ask(
    conn: psycopg.Connection,
    audience: Audience,
    destination: Destination,
    batch_id: int,
    job_id: str,
    progress: Progress,
) -> bool | FatalError:
    """Whether the job's result is known and written down; the error of a question that no repeating helps."""
    try:
        with exchanges.of_batch(audience, batch_id):
            answer = _result(conn, audience, destination, batch_id, job_id)
    except AuthError:
        raise
    except FatalError as error:
        return error
    except RetriableError:  # the poll failed, which says nothing about the job
        return False
    if answer is None:
        return False
    progress("asked")
    _write_down(conn, audience, batch_id, answer)
    progress("told")
    return True


def _result(
    conn: psycopg.Connection, audience: Audience, destination: Destination, batch_id: int, job_id: str
) -> Answer | None:
    """Of all jobs of the batch: one that was halved around a bad row has several, one a line."""
    answers: list[Answer] = []
    for one in job_id.split("\n"):
        if isinstance(destination, ConfirmsMembers):
            answer = destination.confirm_members(audience, one, lambda: _members(conn, batch_id))
        else:
            answer = destination.confirm(audience, one)
        if answer is None:
            return None
        answers.append(answer)
    return Answer(tuple(exceptional for answer in answers for exceptional in answer.exceptions))


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
                **exceptions_as_columns(answer.exceptions),
            },
        )
