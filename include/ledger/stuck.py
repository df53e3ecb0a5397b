"""Syncs that have stopped giving signs of life.

A sync that is stuck keeps its audience locked, and every later one would wait behind it: its session is ended, the next
try repairs what it left. Steps of any kind that are slow or do not come are `include.steps`'.
"""

from datetime import datetime

import psycopg

from include import warehouse
from include.ledger.sync import LOCK_SPACE
from include.ledger.watch import NOBODY, State


def release_stuck(conn: psycopg.Connection, *, at: datetime) -> list[State]:
    """End the sessions of syncs without a sign of life, which frees their audiences. Commits.

    The worker's next statement fails, and with it its task; whoever was in a call is planned again.

    :returns: a state per sync that was ended.
    """
    ended = []
    for row in warehouse.rows(conn, "ledger/stuck", {"lock_space": LOCK_SPACE, "at": at}):
        conn.execute("select pg_terminate_backend(%s)", (row["pid"],))
        subject, task = f"sync of {row['destination']} {row['audience']}", f"sync_{row['destination']}.sync"
        text = f"gave no sign of life since {row['last_sign_at']:%Y-%m-%d %H:%M} UTC; it was ended, its lock is free"
        ended.append(State(subject, True, NOBODY, text, (task,)))  # whose own failure, or slowness, is the same matter
    conn.commit()
    return ended
