"""Look at what was set aside, and let it through after a repair. Keys, rules and reasons only, no personal data."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import psycopg
from psycopg.types.json import Jsonb

from include import warehouse
from include.errors import FatalError

State = Literal["held", "released", "published", "superseded"]
LIMIT = 100


@dataclass(frozen=True)
class Quarantined:
    """One rule that one landed record broke."""

    quarantine_id: int
    stream: str
    record_key: str
    batch_id: int
    rule: str
    reason: str
    state: State
    quarantined_at: datetime
    released_by: str | None


@dataclass(frozen=True)
class RuleCount:
    """How many records a rule holds.

    :param oldest_at: when the longest-held of them was set aside.
    """

    stream: str
    rule: str
    reason: str
    state: State
    records: int
    oldest_at: datetime


def listed(conn: psycopg.Connection, *, stream: str | None = None, rule: str | None = None,
           state: State | None = "held", limit: int = LIMIT) -> list[Quarantined]:
    """The newest entries that fit the filters; None leaves a filter out."""
    found = warehouse.rows(conn, "quarantine/list", {"stream": stream, "rule": rule, "state": state, "most": limit})
    return [Quarantined(**row) for row in found]


def counts(conn: psycopg.Connection, *, stream: str | None = None, rule: str | None = None,
           state: State | None = "held") -> list[RuleCount]:
    """Entries by stream, rule and state, most first."""
    found = warehouse.rows(conn, "quarantine/counts", {"stream": stream, "rule": rule, "state": state})
    return [RuleCount(**row) for row in found]


def release(conn: psycopg.Connection, *, who: str, ids: Sequence[int] | None = None, stream: str | None = None,
            rule: str | None = None) -> int:
    """Let held records through: the next publication of their stream brings them, once.

    A record that broke several rules goes through when all of them are released. Writes one row to ``ops.audit``.

    :param who: the person who decides.
    :param ids: entries by their id; or else all of ``rule``, of ``stream`` if given.
    :returns: how many entries were held until now.
    :raises FatalError: neither ids nor a rule is given, or there is nobody to answer for it.
    """
    if not who.strip():
        raise FatalError("A release needs the name of the person who decides; say who.")
    if not ids and not rule:
        raise FatalError("Say what to release: ids from `quarantine list`, or a rule (and a stream).")
    chosen = {"ids": list(ids) if ids else None, "stream": stream, "rule": rule}
    with conn.transaction():
        released = warehouse.run(conn, "quarantine/release", {**chosen, "who": who})
        if released:
            warehouse.run(conn, "quarantine/audit", {
                "who": who, "subject": stream or "quarantine", "details": Jsonb({**chosen, "released": released})})
    return released
