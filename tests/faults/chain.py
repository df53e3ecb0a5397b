"""The chain without Airflow: every stream and every destination there is, in the order of the DAGs' assets."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from activation.assets import AUDIENCES
from include.runtime import connections
from include.sources.registry import STREAMS
from tests.faults.crew import Crew
from tests.faults.stage import Order, Stage
from tests.standins import Standins

DESTINATIONS = tuple(sorted(AUDIENCES))
CHANGES = ("added", "updated", "removed", "confirmed", "held", "unconfirmed")


def environment_of(url: str, standins: Standins, drops: Path, audiences: Path, pages: Path) -> dict[str, str]:
    """Connections to a warehouse and to the stand-ins, as Airflow reads them.

    :param drops: where the till leaves its files; ``audiences``: where audiences are dropped; ``pages``: where results
        of checks are drawn.
    """
    accounts = {name: standins.account(name) for name in standins.platforms()}
    files = connections.file_drops([str(drops)])
    return {
        **connections.warehouse(url),
        **connections.to_standins(accounts, standins.smtp_port),
        **connections.audience_drops(audiences),
        "AIRFLOW_VAR_RESULT_PAGES": str(pages),
        connections.variable("files_default"): json.dumps(
            {"conn_type": files["conn_type"], "extra": json.loads(files["extra"])}
        ),
    }


@dataclass
class Chain:
    """All stages for one day.

    :param as_of: the day, ISO 8601.
    """

    crew: Crew
    as_of: str
    streams: Sequence[str] = field(default_factory=lambda: tuple(STREAMS))
    destinations: Sequence[str] = DESTINATIONS

    def of(self, stage: Stage) -> list[Order]:
        """What is to be done in a stage: by stream, by destination, or one thing."""
        if stage in ("land", "check", "publish"):
            return [Order(stage, name) for name in self.streams]
        if stage == "connections":
            sources = sorted({stream.partition(".")[0] for stream in self.streams})
            asked = [f"source {one}" for one in sources] + [f"destination {one}" for one in self.destinations]
            return [Order(stage, name) for name in asked]
        if stage == "watch":
            return [Order(stage, name) for name in ("streams", "steps")]
        if stage == "sync":
            return [Order(stage, name, self.as_of) for name in self.destinations]
        return [Order(stage, as_of=self.as_of)]

    def build(self) -> dict[Order, Any]:
        """Persons, then segments."""
        return self.crew.run(*self.of("persons")) | self.crew.run(*self.of("segments"))

    def deliver(self) -> dict[Order, Any]:
        """Every destination, and the conversions."""
        return self.crew.run(*self.of("sync"), *self.of("conversions"))

    def settle(self, most: int = 6) -> int:
        """Deliver until nothing is left to be told; how often that took.

        :raises AssertionError: it does not come to an end.
        """
        for times in range(1, most + 1):
            if not (left := _left(self.deliver())):
                return times
        raise AssertionError(f"still at work after {most} syncs: {left}")


def _left(delivered: dict[Order, Any]) -> dict[str, Any]:
    """What a delivery still had to do, by destination."""
    found: dict[str, Any] = {}
    for order, result in delivered.items():
        if order.stage == "conversions":
            moved = {key: count for key, count in result.items() if key != "outcome" and count}
        else:
            moved = {name: counts for name, counts in result.items() if any(counts[key] for key in CHANGES)}
        if moved:
            found[str(order)] = moved
    return found
