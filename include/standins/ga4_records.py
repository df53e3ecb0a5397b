"""Plain facts as the documents of Google Analytics' stand-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True)
class Fact:
    """Something measured on a day, by the property's clock.

    :param metrics: by API name; counts add up over facts.
    :param known_at: from when reports count it (None: always): Google processes events late.
    :param gone_at: from when reports no longer count it (None: never): a day is restated.
    """

    number: int
    on: date
    dimensions: Mapping[str, str]
    metrics: Mapping[str, float] = field(default_factory=lambda: {"sessions": 1, "totalUsers": 1})
    known_at: datetime | None = None
    gone_at: datetime | None = None


def fact(plain: Fact) -> dict[str, Any]:
    """The document (kind ``fact``) of a fact."""
    body: dict[str, Any] = {
        "date": plain.on.isoformat(),
        "dimensions": dict(plain.dimensions),
        "metrics": dict(plain.metrics),
    }
    for name in ("known_at", "gone_at"):
        at = getattr(plain, name)
        if at is not None:
            body[name] = int(at.timestamp() * 1000)
    return {"id": str(plain.number), "body": body, "changed_at": 0, "created_at": 0}
