"""What a stream's owner is told beside a failed task: columns that changed, records that grow old, silence.

One subject each, so that a notice goes out once per change of its state, with a recovery.
"""

from collections.abc import Sequence
from datetime import datetime

import psycopg

from include import alerts, check_history, warehouse
from include.ledger.watch import State
from include.quality import Checked
from include.schema_contract.drift import told


def states(checked: Checked) -> list[State]:
    """Subjects whose state a check that let its batch pass has told. An empty batch says nothing about columns."""
    found = []
    if checked.batch_id is not None:
        changed = told(checked.drift) if checked.drift else "its records have the columns they are known to have"
        found.append(State(f"schema of {checked.stream}", bool(checked.drift), checked.owner, changed))
    if checked.freshness is not None and checked.freshness.judged:
        old = checked.freshness
        text = old.text if old.stale else "its records are as fresh as usual"
        causes = (f"silence of {checked.stream}",)  # told first where nothing new is landed at all
        found.append(State(f"age of {checked.stream}", old.stale, checked.owner, text, causes))
    return found


def worth_telling(conn: psycopg.Connection, states: Sequence[State]) -> list[State]:
    """Without subjects that are well and were never told otherwise: most of them, at most times."""
    told = warehouse.rows(conn, "alerts/failing_subjects", {"subjects": [one.subject for one in states]})
    failing = {row["subject"] for row in told}
    return [one for one in states if one.failing or one.subject in failing]


def silences(conn: psycopg.Connection, owner: str, at: datetime) -> list[State]:
    """Every stream with enough history: whether it has landed nothing new for longer than it uses to.

    :param owner: who is told: that nothing comes at all is no matter of a suite.
    """
    failing = set(alerts.still_failing(conn, ""))
    return [
        State(f"silence of {one.stream}", one.too_long, owner, one.text, _explained(one.stream, failing))
        for one in check_history.silences(conn, at)
    ]


def _explained(stream: str, failing: set[str]) -> tuple[str, ...]:
    """What is failing and leaves a stream silent: its landing, its DAG; and its age, which says the same of it."""
    source, _, table = stream.partition(".")
    dag = f"extract_{source}"
    return tuple(sorted(failing & {f"{dag}.land_{table}", f"runs of {dag}", f"age of {stream}"}))
