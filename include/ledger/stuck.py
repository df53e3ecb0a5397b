"""Steps that take far longer than they use to, and syncs that have stopped giving signs of life.

Limits come from history: a step is slow when it takes three times what it took so far. A sync that is stuck keeps its
audience locked, and every later one would wait behind it: its session is ended, the next try repairs what it left.
"""

from datetime import datetime

import psycopg

from include import warehouse
from include.ledger.sync import LOCK_SPACE
from include.ledger.watch import NOBODY, State


def slow_steps(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """The state of every step with a history: failing while a try of it takes far longer than it did so far."""
    return [
        State(
            f"time of {row['dag_id']}.{row['task_id']}",
            row["slow"],
            NOBODY,
            f"at work for {row['seconds']} s; it used to take {row['usual_seconds']} s"
            if row["slow"]
            else f"back to what it used to take ({row['usual_seconds']} s)",
        )
        for row in warehouse.rows(conn, "ops/slow_tasks", {"at": at})
    ]


def release_stuck(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """End the sessions of syncs without a sign of life, which frees their audiences. Commits.

    The worker's next statement fails, and with it its task; whoever was in a call is planned again.

    :returns: a state per sync that was ended.
    """
    ended = []
    for row in warehouse.rows(conn, "ledger/stuck", {"lock_space": LOCK_SPACE, "at": at}):
        conn.execute("select pg_terminate_backend(%s)", (row["pid"],))
        subject = f"sync of {row['destination']} {row['audience']}"
        since = f"{row['last_sign_at']:%Y-%m-%d %H:%M} UTC"
        ended.append(
            State(subject, True, NOBODY, f"gave no sign of life since {since}; it was ended, its lock is free")
        )
    conn.commit()
    return ended
