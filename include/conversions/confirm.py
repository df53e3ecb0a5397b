"""Asking a platform what became of the orders of earlier calls."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg

from include import warehouse
from include.conversions.base import Conversions
from include.errors import AuthError, FatalError, RetriableError
from include.ledger.batches import Progress, exceptions_as_columns
from include.ledger.confirm import FIRST_PAUSE, LONGEST_PAUSE


@dataclass
class Asked:
    """What one round of questions gave: calls that wait, and why a call cannot be asked about."""

    waiting: int = 0
    refused: FatalError | None = None


def confirm(conn: psycopg.Connection, conversions: Conversions, wait_seconds: float, progress: Progress) -> Asked:
    """Ask about every call the platform took until all are answered or the time is over.

    A question that fails is no answer and is asked again; one that cannot be asked stops neither the others nor what is
    to be told.

    :raises AuthError: the credentials are refused.
    """
    deadline, pause = time.monotonic() + wait_seconds, FIRST_PAUSE
    while True:
        asked = Asked()
        key = {"destination": conversions.name, "action_id": conversions.action_id}
        for batch in warehouse.rows(conn, "conversions/unconfirmed_batches", key):
            _ask(conn, conversions, batch["batch_id"], batch["job_id"], asked, progress)
        if not asked.waiting or time.monotonic() + pause > deadline:
            return asked
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE)


def _ask(
    conn: psycopg.Connection,
    conversions: Conversions,
    batch_id: int,
    job_id: str,
    asked: Asked,
    progress: Progress,
) -> None:
    try:
        answer = conversions.confirm(job_id)
    except AuthError:
        raise
    except FatalError as error:
        asked.refused = error
        return
    except RetriableError:  # the poll failed, which says nothing about the orders
        answer = None
    if answer is None:
        asked.waiting += 1
        return
    progress("asked")
    with conn.transaction():
        told = {"batch_id": batch_id, "at": datetime.now(UTC), **exceptions_as_columns(answer.exceptions)}
        warehouse.run(conn, "conversions/confirm", told)
