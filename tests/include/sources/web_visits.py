"""Visits of a Matomo stand-in on their way: landed, published, stitched."""

from datetime import datetime
from typing import Any

import psycopg

from include import landing, publishing, warehouse
from include.candidate import fill_candidate
from include.sources import matomo, registry
from include.sources.mapping import table_mapping
from include.standins.matomo_records import Visit, kind_of, visit
from tests.include.sources.contract.stage import NoLimits, Stage

STREAM = "matomo.visits"


def put(stage: Stage, *visits: Visit, deleted: bool = False) -> None:
    """From now on the platform has these visits, or has them no longer."""
    for one in visits:
        made = visit(one)
        stage.store.put(
            "matomo", kind_of(one.site), made["id"], made["body"], changed_at=made["changed_at"], archived=deleted
        )


def mapping(**options: Any) -> dict[str, Any]:
    """The mapping of matomo.yaml with other options."""
    known = table_mapping(STREAM)
    return {**known, "options": {**known["options"], **options}}


def client(stage: Stage, *sites: str) -> matomo.MatomoClient:
    return matomo.client(stage.url, stage.context.tokens["matomo"], sites or ("1",), limiter=NoLimits())


def land(conn: psycopg.Connection, stage: Stage, until: datetime, **options: Any) -> landing.Landed:
    return landing.land(conn, STREAM, client(stage), until=until, mapping=mapping(**options))


def publish(conn: psycopg.Connection, stream: str = STREAM) -> publishing.Published:
    """Bring to staging what landed; which rules it breaks is another test's matter."""
    found = registry.stream(stream)
    candidate = fill_candidate(conn, found)
    warehouse.run(conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
    warehouse.run(conn, "quality/mark_candidate", {"stream": stream})
    done = publishing.publish_stream(conn, found)
    conn.commit()
    return done
