"""Pins and accepted proposals for tests, and what the stitching made of them."""

from collections.abc import Iterable

import psycopg

from tests.include.identity.graphs import Carrier, Decision
from tests.include.identity.plain_stitching import STREAM
from tests.include.identity.staged import minute, publish_persons


def publish(conn: psycopg.Connection, records: Iterable[Carrier]) -> None:
    """Put carriers into staging and the queue."""
    rows = []
    for record in records:
        ids: dict[str, list[str]] = {}
        for kind, value in sorted(record.identifiers):
            ids.setdefault(kind, []).append(value)
        rows.append({"record_key": record.key, "created_at": minute(record.minute), "ids": ids})
    publish_persons(conn, rows)


def decide(conn: psycopg.Connection, decisions: Iterable[Decision], stream: str = STREAM) -> None:
    """Write pins and accepted proposals, the first one as the oldest."""
    for one in decisions:
        if one.kind == "link":
            conn.execute(
                "insert into identity.link (stream_a, record_key_a, stream_b, record_key_b, weight, accepted_by) "
                "values (%s, %s, %s, %s, %s, 'test')",
                [stream, one.a, stream, one.b, one.weight],
            )
        else:
            conn.execute(
                "insert into identity.pin (kind, stream_a, record_key_a, stream_b, record_key_b, who, why) "
                "values (%s, %s, %s, %s, %s, 'ada', 'test')",
                [one.kind, stream, one.a, stream, one.b],
            )


def undo(conn: psycopg.Connection, decision: Decision) -> None:
    """Take a standing decision back."""
    if decision.kind == "link":
        conn.execute(
            "update identity.link set withdrawn_at = now(), withdrawn_by = 'ada', withdrawn_why = 'test' "
            "where record_key_a = %s and record_key_b = %s and withdrawn_at is null",
            [decision.a, decision.b],
        )
    else:
        conn.execute(
            "update identity.pin set undone_at = now(), undone_by = 'ada', undone_why = 'test' "
            "where record_key_a = %s and record_key_b = %s and undone_at is null",
            [decision.a, decision.b],
        )


def refused(conn: psycopg.Connection) -> set[tuple]:
    """Links on record as refused, as :class:`~tests.include.identity.plain_stitching.Stitched` has them."""
    found = conn.execute("""
        select l.kind, r.record_key, o.record_key, i.type, i.value
        from identity.refused_link as l
        inner join identity.record as r on r.record_id = l.record_id
        left join identity.record as o on o.record_id = l.other_record_id
        left join identity.identifier as i on i.identifier_id = l.identifier_id
    """)
    return {
        (record, (kind, value)) if what == "identifier" else (what, *sorted((record, other)))
        for what, record, other, kind, value in found
    }


def refused_edges(conn: psycopg.Connection) -> set[tuple]:
    """Edges that are marked as refused; must be those on record."""
    found = conn.execute("""
        select r.record_key, i.type, i.value
        from identity.edge as e
        inner join identity.record as r on r.record_id = e.record_id
        inner join identity.identifier as i on i.identifier_id = e.identifier_id
        where e.refused and e.dropped_reason is not null
    """)
    return {(record, (kind, value)) for record, kind, value in found}
