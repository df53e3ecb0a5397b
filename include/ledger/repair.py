"""What a killed run left behind, put in order before the next plan."""

from datetime import UTC, datetime

import psycopg

from include import warehouse
from include.destinations.base import Audience


def settle_lost(conn: psycopg.Connection, audience: Audience) -> int:
    """Close the batches and tries that never came to an end; their people count as unknown and are planned again.

    :returns: people whose last call has no answer.
    """
    key = {"audience_id": audience.audience_id, "at": datetime.now(UTC)}
    with conn.transaction():
        lost = warehouse.run(conn, "ledger/close_lost_batches", key)
        warehouse.run(conn, "ledger/close_lost_syncs", key)
    return lost
