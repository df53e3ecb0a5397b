"""Stitching a million records: all at once against scipy alone, a night's news against all, an un-merge."""

import time
from datetime import UTC, datetime

import numpy as np
import psycopg
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from include import warehouse
from include.identity import stitch
from include.identity.components import find_components
from include.identity.islands import stitch_islands
from include.identity.packed import copy_pairs
from include.identity.rules import IdentifierRule, IdentityRules, Limit
from tests.bench.measure import Bench, Measure
from tests.bench.postgres import throwaway_warehouse
from tests.bench.stitch_data import add_chain, add_records

RECORDS = 1_000_000
PEOPLE = 405_776
CHAIN = 100_000
ROUNDS = 3  # the best of them, on both sides
RULES = IdentityRules(
    20,
    (),
    (
        IdentifierRule("shop", 1, (Limit(5, "ever"),)),
        IdentifierRule("email", 2, (Limit(5, "ever"),)),
        IdentifierRule("phone", 3, (Limit(3, "ever"),)),
        IdentifierRule("device", 4, (Limit(5, "year"),)),
    ),
)
_PACKED = """
select string_agg(int4send(record_id::int), ''), string_agg(int4send(identifier_id::int), '')
from identity.edge
where dropped_reason is null
"""


def scipy_alone(conn: psycopg.Connection) -> float:
    """Seconds of the packed-array route and nothing else: links out, scipy, labels back; no rules, no limits."""
    conn.execute("truncate identity.work_component")
    began = time.monotonic()
    with conn.cursor(binary=True) as cursor:
        one, two = cursor.execute(_PACKED).fetchone()
    records, identifiers = (np.frombuffer(packed, ">i4").astype(np.int32) for packed in (one, two))
    behind = int(records.max()) + 1
    size = behind + int(identifiers.max()) + 1
    graph = coo_array((np.ones(records.size, np.int8), (records, identifiers + behind)), shape=(size, size))
    labels = connected_components(graph, directed=False)[1][1:behind]  # records are numbered from 1 without gaps
    _, first = np.unique(labels, return_index=True)
    root = np.empty(labels.max() + 1, np.int64)
    root[labels[first]] = first + 1
    copy_pairs(conn, "identity/60_copy_components", np.arange(1, behind, dtype=np.int64), root[labels])
    return time.monotonic() - began


def ours_alone(conn: psycopg.Connection, at: datetime) -> float:
    """Seconds of our route over the same links: components, limits, priorities, each refused link with its reason."""
    conn.execute("truncate identity.work_component, identity.work_limited, identity.work_refused")
    began = time.monotonic()
    find_components(conn, RULES, "arrays", everybody=True)
    stitch_islands(conn, RULES, at=at)
    return time.monotonic() - began


def block(conn: psycopg.Connection) -> None:
    """The steps that decide which values and links join nobody."""
    for step in ("48_identifiers_to_count", "49_blocked", "50_report_shared", "51_dropped"):
        values = {"shared_above": RULES.shared_above} if step == "49_blocked" else None
        warehouse.run(conn, f"identity/{step}", values)
        conn.execute("analyze identity.work_identifier, identity.work_touched")


def settle(conn: psycopg.Connection) -> None:
    """What autovacuum would have done by the next night."""
    conn.commit()
    conn.autocommit = True
    conn.execute("vacuum analyze identity.record, identity.identifier, identity.edge, identity.person")
    conn.autocommit = False


def load(conn: psycopg.Connection, records: int) -> None:
    """The records of a first load, blocked and ready to be stitched."""
    conn.execute("set work_mem = '256MB'")  # as a rebuild has it
    stitch.apply_rules(conn, RULES)
    add_records(conn, 1, records, records * PEOPLE // RECORDS)
    conn.execute("analyze identity.record, identity.identifier, identity.edge, identity.work_touched")
    block(conn)
    settle(conn)


def timed_stitch(conn: psycopg.Connection, *, everybody: bool) -> tuple[float, dict[str, int]]:
    """Seconds from the links to persons, history and redirects; commits."""
    began = time.monotonic()
    counts = stitch.assign_persons(conn, RULES, at=datetime.now(UTC), everybody=everybody)
    conn.commit()
    return time.monotonic() - began, counts


def stitch_full_vs_scipy() -> Measure:
    """Seconds of a full stitching with rules and limits against seconds of scipy over the same packed arrays."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn:
        load(conn, RECORDS)
        warehouse.run(conn, "identity/55_scope_rebuild")
        conn.execute("analyze identity.work_scope")
        at = datetime.now(UTC)
        rounds = [(ours_alone(conn, at), scipy_alone(conn)) for _ in range(ROUNDS)]
        refused = conn.execute("select count(*) from identity.refused_link").fetchone()[0]
    ours, theirs = (min(column) for column in zip(*rounds, strict=True))
    return Measure(ours / theirs, ours, RECORDS / ours, f"scipy {theirs:.2f} s; {refused:,} links refused by limits")


def stitch_chain_vs_scipy() -> Measure:
    """The same for a chain of 100,000 records that each share one value with the next."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn:
        stitch.apply_rules(conn, RULES)
        add_chain(conn, CHAIN)
        conn.execute("analyze identity.record, identity.identifier, identity.edge")
        warehouse.run(conn, "identity/55_scope_rebuild")
        conn.execute("analyze identity.work_scope")
        at = datetime.now(UTC)
        rounds = [(ours_alone(conn, at), scipy_alone(conn)) for _ in range(ROUNDS)]
        persons = conn.execute("select count(distinct root) from identity.work_component").fetchone()[0]
    assert persons == 1
    ours, theirs = (min(column) for column in zip(*rounds, strict=True))
    return Measure(ours / theirs, ours, CHAIN / ours, f"scipy {theirs:.2f} s; one component of {CHAIN:,} records")


def stitch_1pct_vs_full() -> Measure:
    """Seconds to stitch a night's 1 % new links against those of a full stitching, both with all they write."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn:
        load(conn, RECORDS)
        full, _ = timed_stitch(conn, everybody=True)
        settle(conn)
        conn.execute("set work_mem = '4MB'")
        seconds, counts = [], {}
        for night in range(ROUNDS):
            warehouse.run(conn, "identity/00_clear")
            first = RECORDS + 1 + night * RECORDS // 100
            add_records(conn, first, first + RECORDS // 100 - 1, PEOPLE)
            block(conn)
            found, counts = timed_stitch(conn, everybody=False)
            seconds.append(found)
    note = f"full {full:.1f} s; {counts['records']:,} records in scope, {counts['refused']:,} links refused"
    return Measure(min(seconds) / full, min(seconds), RECORDS / 100 / min(seconds), note)


def unmerge_500() -> Measure:
    """Seconds until 500 records whose links are withdrawn have persons of their own, against a second."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn:
        load(conn, RECORDS)
        timed_stitch(conn, everybody=True)
        settle(conn)
        conn.execute("set work_mem = '4MB'")
        warehouse.run(conn, "identity/00_clear")
        conn.execute(
            "insert into identity.work_touched (record_id) select record_id from identity.record as r "
            "inner join identity.person as p on r.person_id = p.person_id where p.record_count > 2 "
            "order by r.record_id limit 500"
        )
        conn.execute(
            "update identity.edge as e set dropped_reason = 'taken apart' "
            "from identity.work_touched as t where e.record_id = t.record_id"
        )
        seconds, counts = timed_stitch(conn, everybody=False)
    note = f"{counts['records']:,} records in scope, {counts['moved']:,} moved"
    return Measure(seconds, seconds, 500 / seconds, note)


BENCHES: dict[str, Bench] = {
    "stitch_full_vs_scipy": stitch_full_vs_scipy,
    "stitch_chain_vs_scipy": stitch_chain_vs_scipy,
    "stitch_1pct_vs_full": stitch_1pct_vs_full,
    "unmerge_500": unmerge_500,
}
