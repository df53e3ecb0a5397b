"""One history of a stream: what happens at the platform, before and during landings, and what must be here then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import orjson
import psycopg
from psycopg import sql

from include import landing, publishing, warehouse
from include.candidate import fill_candidate, table_of
from include.errors import AuthError
from include.sources import registry
from include.sources.mapping import table_mapping
from include.standins.faults import Fault
from tests.include.sources.contract.adapter import Adapter, Record
from tests.include.sources.contract.stage import Clock, Stage

LONG_AGO = timedelta(days=400)
EDGE = timedelta(seconds=5)  # time stamps have whole seconds, and requests take a moment
BATCH_ROWS = 6  # so that a load of a few pages commits on its way
MASS = 9  # records of one second: more than two pages of four


@dataclass(frozen=True)
class Step:
    """Something that happens at the platform.

    :param kind: a method of `History`.
    :param which: the record, counted around; ignored by what makes new ones.
    :param request: before the landing's so-maniest request; 0: before the landing.
    """

    kind: str
    which: int
    request: int


@dataclass(frozen=True)
class Round:
    """Time passes, things happen, the stream is landed.

    :param pause: seconds since the last landing.
    :param dies_at: the request that the platform refuses, so that the landing ends there; None: it comes through.
    :param published: whether what landed is published before the next round.
    """

    pause: float
    steps: Sequence[Step]
    dies_at: int | None
    published: bool


class History:
    """The records of a stream as they are at the platform, and the warehouse that follows them.

    :param stage: where the stand-in answers; None for a source that is no server.
    """

    def __init__(self, conn: psycopg.Connection, adapter: Adapter, stage: Stage | None) -> None:
        self.conn = conn
        self.adapter = adapter
        self.stage = stage
        self.clock = stage.clock if stage else Clock()
        self.stream = registry.stream(adapter.stream)
        self.live: dict[int, Record] = {}
        self.gone: dict[int, Record] = {}
        self._requests = 0
        self._client = adapter.client

    # What happens at the platform.

    def begin(self, count: int) -> None:
        """Records of the past, seven of each second."""
        for number in range(1, count + 1):
            at = self._now() - timedelta(days=10) + timedelta(seconds=number // 7)
            self._put(Record(number, 1, at, at))

    def add(self, which: int) -> None:
        self._add(self._now())

    def add_late(self, which: int) -> None:
        """One that the platform shows as late as it may."""
        self._add(self._now() - self.adapter.lag + EDGE)

    def add_back_dated(self, which: int) -> None:
        """Made now, but dated long ago: an order typed in after the fact."""
        self._add(self._now(), created=self._now() - LONG_AGO)

    def add_many(self, which: int) -> None:
        """A mass import: more of one second than pages hold."""
        for _ in range(MASS):
            self._add(self._now())

    def change(self, which: int) -> None:
        self._change(which, self._now())

    def change_late(self, which: int) -> None:
        """A change that shows late. No version of a record is older than the one before it."""
        self._change(which, self._now() - self.adapter.lag + EDGE)

    def change_many(self, which: int) -> None:
        for number in list(self.live)[:MASS]:
            self._change(number, self._now(), of=number)

    def delete(self, which: int) -> None:
        if not self.adapter.deletes or not self.live:
            return
        record = self.live.pop(self._pick(self.live, which))
        self.adapter.delete(record, self._now())
        self.gone[record.number] = record

    def restore(self, which: int) -> None:
        if not self.adapter.restores or not self.gone:
            return
        record = self.gone.pop(self._pick(self.gone, which))
        self._put(replace(record, state=record.state + 1, changed=self._now()))

    def _add(self, changed: datetime, created: datetime | None = None) -> None:
        self._put(Record(max([*self.live, *self.gone, 0]) + 1, 1, created or changed, changed))

    def _change(self, which: int, at: datetime, of: int | None = None) -> None:
        if not self.adapter.changes:
            self._add(at)
        elif self.live:
            record = self.live[of or self._pick(self.live, which)]
            self._put(replace(record, state=record.state + 1, changed=max(at, record.changed)))

    def _put(self, record: Record) -> None:
        self.adapter.put(record)
        self.live[record.number] = record

    @staticmethod
    def _pick(records: dict[int, Record], which: int) -> int:
        return sorted(records)[which % len(records)]

    def _now(self) -> datetime:
        return datetime.fromtimestamp(int(self.clock.now), UTC)

    # What is done about it.

    def play(self, one: Round) -> None:
        """A round; the landing may die in it, and nothing else may go wrong."""
        self.clock.pass_(one.pause)
        for step in one.steps:
            if step.request == 0 or self.stage is None:
                self._do(step)
        self._hear(lambda number: self._happen(one, number))
        try:
            self.land()
        except AuthError:
            assert one.dies_at is not None
        self._hear(lambda number: None)
        if one.published:
            self.publish()

    def _hear(self, before: Callable[[int], None]) -> None:
        """Call ``before`` with the number of each request to come, from 1 on."""
        self._requests = 0

        def count() -> None:
            self._requests += 1
            before(self._requests)

        if self.stage is not None:
            self.stage.before = count
            self.stage.context.faults.replace()

    def _happen(self, one: Round, number: int) -> None:
        for step in one.steps:
            if step.request == number:
                self._do(step)
        if number == one.dies_at and self.stage is not None:
            self.stage.context.faults.replace(Fault("*", "expired_token"))

    def _do(self, step: Step) -> None:
        getattr(self, step.kind)(step.which)

    def land(self) -> landing.Landed:
        """As the operator does, with small pages and batches."""
        known = {} if self.stage is None else table_mapping(self.stream.name)
        mapping = {**known, "options": {**known.get("options", {}), **self.adapter.options}}
        until = datetime.fromtimestamp(self.clock.now, UTC)
        return landing.land(
            self.conn, self.stream.name, self._client, until=until, batch_rows=BATCH_ROWS, mapping=mapping
        )

    def publish(self) -> None:
        """Bring to staging what landed; which rules it breaks is another test's matter."""
        candidate = fill_candidate(self.conn, self.stream)
        warehouse.run(self.conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
        warehouse.run(self.conn, "quality/mark_candidate", {"stream": self.stream.name})
        publishing.publish_stream(self.conn, self.stream)
        self.conn.commit()

    # What must be true then.

    def settle(self) -> None:
        """Nothing happens for as long as a change may be late; then a landing and a publication, two for a sweep."""
        for _ in range(2 if self.adapter.sweeps else 1):
            self.play(Round(self.adapter.lag.total_seconds() + 60, (), None, published=True))

    def truth(self) -> dict[int, int]:
        """Number and state of each record that the platform has."""
        return {record.number: record.state for record in self.live.values()}

    def landed(self) -> dict[int, int]:
        """Of the records the platform has: the newest version in raw."""
        newest = self.conn.execute(
            "select distinct on (record_key) payload::text from raw.record where stream = %s"
            " order by record_key, raw_id desc",
            (self.stream.name,),
        )
        read = dict(self._read(payload) for (payload,) in newest)
        return {number: state for number, state in read.items() if number in self.live}

    def staged(self) -> list[tuple[int, int]]:
        """The records in staging, each as often as it is there."""
        found = self.conn.execute(
            sql.SQL(
                "select distinct s.record_key, r.payload::text from staging.{} as s"
                " inner join raw.record as r on r.stream = s.stream and r.raw_id = s.raw_id"
            ).format(sql.Identifier(table_of(self.stream.name)))
        )
        return sorted(self._read(payload) for _, payload in found)

    def _read(self, payload: str) -> tuple[int, int]:
        try:
            return self.adapter.read(orjson.loads(payload))
        except KeyError:  # a tombstone says nothing of its record but that it is gone
            return 0, 0
