"""Batches on their way: taken and written down, called, settled.

The plan's connection to Postgres takes in this thread, the calls are made in others, as many at once as the platform
allows, and one more thread with a connection of its own settles. While the calls of one window of batches are out, the
next window is taken; what was answered meanwhile is settled together. So a few windows are in memory at most, and a
withdrawal counts up to the moment its window is taken: one window before the call.
Whatever a call does not answer stays 'sent': the next plan sends it again or takes it back.
"""

import gc
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from threading import Lock
from typing import Any, Self

from psycopg.conninfo import make_conninfo

from include import warehouse
from include.destinations.base import Answer, Outcome
from include.errors import AudienceflowError, BatchRefusedError, FatalError, QuotaError
from include.ledger import exchanges
from include.ledger.batches import Answered, Batch, Delivery, Operation, failed_call, settle, take
from include.ledger.bisect import halve

MAX_FAILED_IN_A_ROW = 3  # after these the platform counts as down and the sync stops
WINDOW_ROWS = 10_000  # people written down at once, unless one batch is larger
OPERATIONS: tuple[Operation, ...] = ("remove", "add", "update")  # whoever withdrew does not wait for the additions


def deliver(delivery: Delivery) -> None:
    """Send this session's plan: removals, then additions, then updates.

    :raises FatalError: the platform refuses as a whole (credentials, terms, a faulty request); the rest is not sent.
    :raises RetriableError: quota used up, or several batches in a row failed; the rest is not sent.
    """
    ranges = {row["operation"]: row for row in warehouse.rows(delivery.conn, "ledger/ranges")}
    with _loaded_code_set_aside():
        for operation in OPERATIONS:
            if operation in ranges:
                _deliver(delivery, operation, ranges[operation])


@contextmanager
def _loaded_code_set_aside() -> Iterator[None]:
    """So many people make garbage collections frequent: what was loaded before is not walked by each of them."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _deliver(delivery: Delivery, operation: Operation, range_: Mapping[str, Any]) -> None:
    connections = delivery.destination.connections
    calls = _Calls(delivery)
    running: list[Future[Answered]] = []  # in the order of their start
    with ThreadPoolExecutor(connections) as pool, _Settling(delivery) as settling:
        try:
            for window in _windows(delivery, operation, range_):
                running += [pool.submit(calls.make, batch) for batch in window]
                settling.put(_finished(running, leave=connections))
                if calls.error is not None:
                    break
            while running:
                settling.put(_finished(running, leave=max(0, len(running) - connections)))
        finally:
            calls.over = True  # whatever ends this thread: nothing is called any more
    if calls.error is not None:
        raise calls.error


def _windows(delivery: Delivery, operation: Operation, range_: Mapping[str, Any]) -> Iterator[list[Batch]]:
    first, last, dense = range_["first_ordinal"], range_["last_ordinal"], range_["dense"]
    size = delivery.destination.batch_size
    rows = size * max(1, min(delivery.destination.connections, WINDOW_ROWS // size))
    for start in range(first, last + 1, rows):
        window = take(delivery, operation, start, min(start + rows - 1, last), dense=dense)
        if window:
            delivery.progress("taken")
            yield window


class _Calls:
    """Makes the calls of one delivery, until one stops the rest.

    :ivar error: what stopped the rest: at once for a refusal or used-up quota, else after several failures in a row.
    """

    def __init__(self, delivery: Delivery) -> None:
        self.error: AudienceflowError | None = None
        self.over = False
        self._delivery = delivery
        self._failed_in_a_row = 0
        self._counting = Lock()

    def make(self, batch: Batch) -> Answered:
        """One call, in a thread of the pool; a batch that comes too late is not called and waits for the next run."""
        if self.over:
            return Answered(batch, Answer(), "retriable", "not_called", "the delivery stopped before")
        try:
            answered = self._call(batch)
        except BaseException:
            self.over = True
            raise
        self._note(answered.error)
        return answered

    def _call(self, batch: Batch) -> Answered:
        if not batch.members:
            return Answered(batch, Answer())
        audience = replace(self._delivery.audience, call=batch.call)
        call = partial(getattr(self._delivery.destination, batch.operation), audience)
        with exchanges.of_batch(self._delivery.audience, batch.batch_id):
            try:
                return Answered(batch, call(batch.members))
            except BatchRefusedError as error:
                outcome: Outcome = "debt" if batch.operation == "remove" else "rejected"
                halving = halve(call, batch.members, error, outcome=outcome, failed=failed_call)
                return Answered(batch, halving.answer, error=halving.error)
            except AudienceflowError as error:
                return Answered(batch, Answer(), *failed_call(error), error)

    def _note(self, error: AudienceflowError | None) -> None:
        with self._counting:
            self._failed_in_a_row = 0 if error is None else self._failed_in_a_row + 1
            at_once = isinstance(error, FatalError | QuotaError)
            if error is not None and (at_once or self._failed_in_a_row >= MAX_FAILED_IN_A_ROW):
                self.error, self.over = self.error or error, True


def _finished(running: list[Future[Answered]], *, leave: int) -> list[Future[Answered]]:
    """Wait until at most so many calls are out; take those that were answered out of ``running``."""
    while len(out := [call for call in running if not call.done()]) > leave:
        wait(out, return_when=FIRST_COMPLETED)
    finished = [call for call in running if call.done()]
    running[:] = [call for call in running if call not in finished]
    return finished


class _Settling:
    """Writes answers down over a connection of its own, while the next window is taken over the plan's."""

    def __init__(self, delivery: Delivery) -> None:
        self._delivery = delivery
        self._thread = ThreadPoolExecutor(1)
        self._last: Future[None] | None = None

    def __enter__(self) -> Self:
        place = self._delivery.conn.info
        self._conn = warehouse.connect(
            make_conninfo(**{**place.get_parameters(), "password": place.password}),
            application_name=f"settle {self._delivery.audience.destination}",
            autocommit=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._wait()
        finally:
            self._thread.shutdown()
            self._conn.close()

    def put(self, calls: list[Future[Answered]]) -> None:
        """Settle these calls; waits for those put before, so that at most two windows are in memory."""
        self._wait()
        if calls:
            self._last = self._thread.submit(self._settle, calls)

    def _wait(self) -> None:
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def _settle(self, calls: list[Future[Answered]]) -> None:
        answered = [call.result() for call in calls if call.exception() is None]
        if answered:
            self._delivery.progress("answered")
            settle(self._conn, self._delivery, answered)
            self._delivery.progress("settled")
        for call in calls:
            call.result()  # a fault of ours, or the end of the process: raised after the others' answers are kept
