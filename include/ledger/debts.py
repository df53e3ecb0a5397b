"""Removals that are behind: refused by the platform, unanswered, held; and withdrawals not yet carried out."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from include import warehouse
from include.destinations.registry import DESTINATIONS
from include.ledger.holds import in_words

# Hours a removal may take. Consent is as easy to take back as to give and is obeyed without undue delay (GDPR, articles
# 7(3) and 12(3)); three days leave room for a weekend's hold. A destination with a shorter promise says so itself.
DEADLINE_HOURS = 72


@dataclass(frozen=True)
class Debt:
    """People of one audience whose removal is behind for one reason.

    :param kind: ``refused``, ``unanswered``, ``held`` or ``withdrawn``; see sql/ledger/debts.sql.
    :param due_at: when the oldest of them should be gone.
    """

    destination: str
    audience: str
    kind: str
    people: int
    oldest_at: datetime | None
    error_code: str | None
    due_at: datetime | None
    overdue: bool

    @property
    def age(self) -> str:
        return in_words(datetime.now(UTC) - self.oldest_at) if self.oldest_at else "unknown"


def deadline(destination: str) -> timedelta:
    """How long a removal at this destination may take."""
    kind = DESTINATIONS.get(destination)
    return timedelta(hours=getattr(kind, "removal_deadline_hours", DEADLINE_HOURS))


def listed(conn: psycopg.Connection, destination: str | None = None, *, at: datetime | None = None) -> list[Debt]:
    """What is behind, the oldest first.

    :param destination: None: everywhere.
    :param at: the moment to judge by; None: now.
    """
    at = at or datetime.now(UTC)
    found = []
    for row in warehouse.rows(conn, "ledger/debts", {"destination": destination}):
        due_at = row["oldest_at"] + deadline(row["destination"]) if row["oldest_at"] else None
        found.append(Debt(**row, due_at=due_at, overdue=due_at is not None and due_at < at))
    return found
