"""Google Analytics: a record is a row of a report, and restating changes it, takes it away and brings it back."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from include.sources import ga4
from include.standins.ga4 import PROPERTY
from include.standins.ga4_records import Fact, fact
from include.standins.google_sign_in import key_file
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record
from tests.include.sources.contract.stage import Stage


class Reports(PlatformAdapter):
    """Its number is a dimension, its state a metric. A row is of the second day before its first version."""

    stream = "ga4.reports"
    lag = timedelta(days=1)
    options: ClassVar[Mapping[str, Any]] = {
        "page_size": 4,
        "restated_days": 16,
        "history_days": 20,
        "reports": {"sources": {"dimensions": ["sessionSource"], "metrics": ["sessions"]}},
    }

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._days: dict[int, date] = {}

    @property
    def client(self) -> Any:
        secret = key_file(self.store, "ga4", self.stage.url)
        return ga4.client(self.stage.url, secret, PROPERTY, limiter=self.limits())

    def put(self, record: Record) -> None:
        day = self._days.setdefault(record.number, (record.changed - timedelta(days=2)).date())
        counts = {"sessions": record.state, "eventCount": 1}
        made = fact(Fact(record.number, day, {"sessionSource": f"source {record.number:04}"}, counts))
        self.hold("fact", Document(made["id"], made["body"], 0, 0))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete("ga4", "fact", str(record.number))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["dimensions"]["sessionSource"].split()[1]), int(payload["metrics"]["sessions"])
