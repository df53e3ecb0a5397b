"""What was asked and answered about each batch, masked, for people to look at: audience.exchange.

Calls are masked where they are made (some tens of microseconds each) and written together by a thread of its own, over
a connection of its own: a delivery does not wait for it, and goes on when it fails.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

import orjson
import psycopg
from psycopg.conninfo import make_conninfo

from include import warehouse
from include.destinations.base import Audience
from include.exchange import Exchange, Observer, observed
from include.masked_json import masked, masked_path

MOST_AT_ONCE = 500
READ_AT_MOST = 65_536  # bytes of a refusal's body
KEEP_DAYS = 30
COLUMNS = (
    "batch_id", "audience_id", "at", "method", "path", "status", "milliseconds", "request_bytes", "answer_bytes",
    "request", "answer", "request_id",
)
COPY = psycopg.sql.SQL("copy audience.exchange ({}) from stdin").format(
    psycopg.sql.SQL(", ").join(map(psycopg.sql.Identifier, COLUMNS))
)
_END = None
_log = logging.getLogger(__name__)
_recorders: dict[int, "_Recorder"] = {}  # by audience: two syncs of one audience do not run at once


@contextmanager
def recorded(conn: psycopg.Connection, audience: Audience) -> Iterator[None]:
    """Keep the calls that serve ``audience`` within this block, where `of_batch` names their batch.

    :param conn: tells where the warehouse is; another connection is opened.
    """
    recorder = _recorders[audience.audience_id] = _Recorder(conn, audience.audience_id)
    try:
        yield
    finally:
        del _recorders[audience.audience_id]
        recorder.close()


@contextmanager
def of_batch(audience: Audience, batch_id: int | None) -> Iterator[None]:
    """This thread's calls within the block serve this batch; None: the audience as a whole."""
    recorder = _recorders.get(audience.audience_id)
    with observed(None if recorder is None else recorder.observer(batch_id)):
        yield


def prune(conn: psycopg.Connection, *, keep_days: int = KEEP_DAYS) -> int:
    """Forget what is older; returns how many exchanges that were."""
    return warehouse.run(conn, "ledger/prune_exchanges", {"before": datetime.now(UTC) - timedelta(days=keep_days)})


class _Recorder:
    def __init__(self, conn: psycopg.Connection, audience_id: int) -> None:
        place = conn.info
        self._place = make_conninfo(**{**place.get_parameters(), "password": place.password})
        self._audience_id = audience_id
        self._queue: SimpleQueue[tuple[Any, ...] | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._starting = Lock()
        self._failed = False

    def observer(self, batch_id: int | None) -> Observer:
        def keep(exchange: Exchange) -> None:
            if self._failed:
                return
            self._queue.put(self._row(batch_id, exchange))
            with self._starting:  # calls are made in several threads
                if self._thread is None:
                    self._thread = Thread(target=self._write, name="exchanges", daemon=True)
                    self._thread.start()

        return keep

    def close(self) -> None:
        """Return when all is written."""
        self._queue.put(_END)
        if self._thread is not None:
            self._thread.join()

    def _row(self, batch_id: int | None, exchange: Exchange) -> tuple[Any, ...]:
        return (
            batch_id,
            self._audience_id,
            datetime.now(UTC),
            exchange.method,
            masked_path(exchange.path),
            exchange.status,
            round(exchange.seconds * 1000),
            exchange.request_bytes,
            len(exchange.raw),
            None if exchange.request is None else masked(exchange.request),
            _answer(exchange),
            exchange.request_id,
        )

    def _write(self) -> None:
        try:
            with warehouse.connect(self._place, application_name="exchanges", autocommit=True) as conn:
                conn.execute("set synchronous_commit to off")
                while rows := self._waiting():
                    with conn.cursor() as cursor, cursor.copy(COPY) as copy:
                        for row in rows:
                            copy.write_row(row)
        except psycopg.Error as error:  # its text may quote a row
            self._failed = True
            _log.warning("Exchanges of audience %s are not kept: %s.", self._audience_id, type(error).__name__)

    def _waiting(self) -> list[tuple[Any, ...]]:
        """What is to be written, at least one row; empty at the end."""
        rows: list[tuple[Any, ...]] = []
        while len(rows) < MOST_AT_ONCE and not (rows and self._queue.empty()):
            row = self._queue.get()
            if row is _END:
                self._queue.put(_END)  # for the next look: this one's rows come first
                break
            rows.append(row)
        return rows


def _answer(exchange: Exchange) -> str | None:
    """The answer as the client read it; a refusal, which it did not read, as far as it is small JSON."""
    if exchange.answer is not None:
        return masked(exchange.answer)
    if not exchange.raw or len(exchange.raw) > READ_AT_MOST:
        return None
    try:
        return masked(orjson.loads(exchange.raw))
    except orjson.JSONDecodeError:
        return '"<no JSON>"'
