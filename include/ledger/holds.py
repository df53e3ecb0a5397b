"""Holds as people see them, in Airflow and on the command line: size, age, reason, causes, a masked sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from include import mask, warehouse
from include.errors import FatalError

SAMPLE_SIZE = 10
ASK_AGAIN_AFTER_HOURS = 25  # an unanswered question ends after a day; then it is asked anew, with today's numbers
WAITING = ("open", "approved", "rejected")


@dataclass(frozen=True)
class Hold:
    """Removals that wait (or waited) for a person, in people.

    :param since: removals of this audience wait since then, through all holds that replaced one another.
    :param causes: how many would be removed for which cause, as things stand now. Only of one hold asked for.
    :param sample: a few of them, masked. Only of one hold asked for.
    """

    hold_id: int
    destination: str
    audience: str
    segment: str
    owner: str | None
    state: str
    reason: str
    removals: int
    audience_size: int
    since: datetime
    opened_at: datetime
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    decided_why: str | None
    causes: Mapping[str, int] = field(default_factory=dict)
    sample: Sequence[Mapping[str, Any]] = ()

    @property
    def age(self) -> str:
        """How long removals have been waiting: ``3 h``, ``2 days``."""
        return in_words(
            (self.decided_at if self.state == "closed" and self.decided_at else datetime.now(UTC)) - self.since
        )


def in_words(span: timedelta) -> str:
    """A time as people say it, rounded down."""
    minutes = int(span.total_seconds()) // 60
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // (24 * 60)} days"


def listed(conn: psycopg.Connection, *, states: Sequence[str] | None = WAITING, most: int = 100) -> list[Hold]:
    """Holds in some states (None: in any), newest first, without sample."""
    return _read(conn, None, states, most)


def show(conn: psycopg.Connection, hold_id: int) -> Hold:
    """One hold with causes and sample.

    :raises FatalError: there is no such hold.
    """
    found = _read(conn, hold_id, None, 1)
    if not found:
        raise FatalError(f"There is no hold {hold_id}; `holds list` shows those that wait.")
    return found[0]


def _read(conn: psycopg.Connection, hold_id: int | None, states: Sequence[str] | None, most: int) -> list[Hold]:
    key = {"hold_id": hold_id, "states": list(states) if states else None, "most": most}
    rows = warehouse.rows(conn, "ledger/holds", key)
    if hold_id is None:
        return [Hold(**row) for row in rows]
    return [Hold(**row, causes=_causes(conn, hold_id), sample=_sample(conn, hold_id)) for row in rows]


def _causes(conn: psycopg.Connection, hold_id: int) -> dict[str, int]:
    return {row["cause"]: row["people"] for row in warehouse.rows(conn, "ledger/hold_causes", {"hold_id": hold_id})}


def _sample(conn: psycopg.Connection, hold_id: int) -> list[dict[str, Any]]:
    people = warehouse.rows(conn, "ledger/hold_sample", {"hold_id": hold_id, "sample_size": SAMPLE_SIZE})
    return [{**person, "email": mask.email(person["email"]), "phone": mask.phone(person["phone"])} for person in people]


def claim(conn: psycopg.Connection, run: str) -> list[int]:
    """The open holds this run has to ask about; nobody else asks about them for ASK_AGAIN_AFTER_HOURS. Commits."""
    with conn.transaction():
        key = {"run": run, "at": datetime.now(UTC), "hours": ASK_AGAIN_AFTER_HOURS}
        return sorted(row["hold_id"] for row in warehouse.rows(conn, "ledger/hold_claim", key))


def unasked(conn: psycopg.Connection, destination: str) -> int:
    """Open holds of a destination that nobody was asked about yet."""
    return warehouse.rows(conn, "ledger/holds_unasked", {"destination": destination})[0]["holds"]


def as_markdown(hold: Hold) -> str:
    """What the on-call person reads before the answer."""
    share = f"{hold.removals / hold.audience_size:.0%}" if hold.audience_size else "all"
    lines = [
        f"**{hold.removals:,} of {hold.audience_size:,} people ({share})** would leave **{hold.audience}** at "
        f"{hold.destination}. Additions go on; these removals wait since {hold.since:%Y-%m-%d %H:%M} UTC ({hold.age}).",
        f"Held because: {hold.reason}. Hold {hold.hold_id}, segment {hold.segment}, owner {hold.owner or 'unknown'}.",
        "An approval covers the people shown here and nobody else: the difference is computed anew before it is sent.",
        _table(("cause", "people"), [{"cause": cause, "people": n} for cause, n in hold.causes.items()]),
        f"A sample of {len(hold.sample)}, masked:",
        _table(("person_id", "email", "phone", "cause"), hold.sample),
    ]
    return "\n\n".join(lines)


def _table(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    head = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join(head + ["| " + " | ".join(_cell(row[column]) for column in columns) + " |" for row in rows])


def _cell(value: Any) -> str:
    """A masked address has asterisks, which Markdown would take for bold type."""
    return "" if value is None else str(value).replace("*", "\\*").replace("|", "\\|")
