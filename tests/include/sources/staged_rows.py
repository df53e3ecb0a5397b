"""What a stream's landed records become in staging, and scenes of a platform's documents."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import psycopg

from include import landing, warehouse
from include.sources.mapping import staging_parameters
from include.sources.registry import STREAMS
from tests.include.sources.platforms import client_of
from tests.standins import Standins


def land(conn: psycopg.Connection, standins: Standins, stream: str, until: datetime) -> int:
    """Land the stream up to a moment; how many records are new or changed."""
    return landing.land(conn, stream, client_of(standins, STREAMS[stream].source), until=until).rows


def staged(conn: psycopg.Connection, stream: str) -> dict[str, dict[str, Any]]:
    """The newest version of all that was landed, by key."""
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch where stream = %s", (stream,))]
    rows = warehouse.rows(conn, STREAMS[stream].staging_statement, staging_parameters(stream, batches))
    return {row["record_key"]: row for row in rows}


def put(standins: Standins, platform: str, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Put documents, each with its kind, into a platform's store."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for kind, document in documents:
        by_kind.setdefault(kind, []).append(document)
    for kind, several in by_kind.items():
        standins.put(platform, kind, *several)
