"""A shop of a test's own, in this process: customers that are put, changed and deleted between landings."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql

from include import landing, publishing, warehouse
from include.candidate import fill_candidate
from include.sources import registry
from include.sources.mapping import table_mapping
from tests.include.sources.contract.adapter import Record
from tests.include.sources.contract.adapters.shopify import Customers, Orders
from tests.include.sources.contract.stage import Stage

ADAPTERS = {"shopify.customers": Customers, "shopify.orders": Orders}


class Shop:
    """One stream of the shop and the warehouse that follows it. Landings are a day apart."""

    def __init__(self, conn: psycopg.Connection, stage: Stage, stream: str = "shopify.customers") -> None:
        self.conn = conn
        self.stage = stage
        self.stream = registry.stream(stream)
        self.adapter = ADAPTERS[stream](stage)

    def put(self, *numbers: int, state: int = 1) -> None:
        for number in numbers:
            self.adapter.put(Record(number, state, self.now(), self.now()))

    def delete(self, *numbers: int) -> None:
        for number in numbers:
            self.adapter.delete(Record(number, 1, self.now(), self.now()), self.now())

    def now(self) -> datetime:
        return datetime.fromtimestamp(int(self.stage.clock.now), UTC)

    def land(self, days: float = 1.0, **options: Any) -> landing.Landed:
        """A day later; ``options`` over the mapping's."""
        self.stage.clock.pass_(timedelta(days=days).total_seconds())
        known = table_mapping(self.stream.name)
        mapping = {**known, "options": {**known["options"], **options}}
        return landing.land(self.conn, self.stream.name, self.adapter.client, until=self.now(), mapping=mapping)

    def publish(self) -> publishing.Published:
        """What landed, whatever rules it breaks."""
        candidate = fill_candidate(self.conn, self.stream)
        warehouse.run(self.conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
        warehouse.run(self.conn, "quality/mark_candidate", {"stream": self.stream.name})
        done = publishing.publish_stream(self.conn, self.stream)
        self.conn.commit()
        return done

    def held(self) -> set[int]:
        """Numbers of the records in staging."""
        held = sql.SQL("select record_key from {}").format(sql.Identifier("staging", self.stream.shape))
        return {int(key) - 100 for (key,) in self.conn.execute(held)}


@contextmanager
def open_shop(conn: psycopg.Connection, stream: str = "shopify.customers") -> Iterator[Shop]:
    """A shop that nobody has bought at."""
    stage = Stage("shopify")
    with stage.serving():
        yield Shop(conn, stage, stream)
