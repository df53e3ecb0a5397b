"""What a killed run left behind, put in order before the next plan."""

from datetime import UTC, datetime

import psycopg

from include import warehouse
from include.destinations.base import Audience
from include.ledger.batches import settle_batches


def settle_lost(conn: psycopg.Connection, audience: Audience) -> int:
    """Close the batches and tries that never came to an end; their people count as unknown and are planned again.

    The caller holds the audience's lock: nobody else is working on it.

    :returns: people whose last call has no answer.
    """
    with conn.transaction():
        lost = settle_lost_batches(conn, audience)
        warehouse.run(conn, "ledger/close_lost_syncs", {"audience_id": audience.audience_id, "at": datetime.now(UTC)})
    return lost


def settle_lost_batches(conn: psycopg.Connection, audience: Audience) -> int:
    """The batches alone, inside the caller's transaction. For a dry run too: it sees what the next sync will see."""
    lost = warehouse.rows(
        conn, "ledger/close_lost_batches", {"audience_id": audience.audience_id, "at": datetime.now(UTC)}
    )
    removals = [batch["batch_id"] for batch in lost if batch["operation"] == "remove"]
    others = [batch["batch_id"] for batch in lost if batch["operation"] != "remove"]
    if removals:
        settle_batches(conn, "remove", removals)
    if others:
        settle_batches(conn, "add", others)
    return sum(batch["sent"] for batch in lost)
