"""Matomo: a record is a visit; it changes by growing, and goes when somebody wants to be forgotten."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, ClassVar

from include.sources import matomo
from include.standins.matomo_records import Act, Visit, kind_of, visit
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record
from tests.include.sources.contract.stage import Stage


class Visits(PlatformAdapter):
    """Its state is its count. Deletions are looked for as far back as days are read again."""

    stream = "matomo.visits"
    lag = timedelta(days=1)
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "reread_days": 14}

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage)
        self._began: dict[int, datetime] = {}

    @property
    def client(self) -> Any:
        return matomo.client(self.stage.url, self.token(), ["1"], limiter=self.limits())

    def put(self, record: Record) -> None:
        self._hold(record, archived=False)

    def delete(self, record: Record, at: datetime) -> None:
        self._hold(record, archived=True)

    def _hold(self, record: Record, *, archived: bool) -> None:
        began = self._began.setdefault(record.number, record.changed)
        acts = (Act(0), Act(int((record.changed - began).total_seconds())))
        made = visit(Visit(record.number, 1, began, acts, count=record.state))
        self.hold(kind_of(1), Document(made["id"], made["body"], made["created_at"], made["changed_at"], archived))

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["idVisit"]), int(payload["visitCount"])
