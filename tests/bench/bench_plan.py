"""The plan of an audience of a million people, almost all of them unchanged, against one hash join of the same size."""

import time
from datetime import UTC, datetime

import psycopg

from include import warehouse
from include.ledger import audiences
from include.ledger.audiences import Declared
from include.ledger.plan import Plan, plan_audience, write_plan
from tests.bench.bench_deliver import AS_OF, SinkDestination, fill
from tests.bench.measure import Bench, Measure
from tests.bench.postgres import throwaway_warehouse

MEMBERS = 1_000_000
ROUNDS = 5  # one of each in turn, the best on both sides
ACKNOWLEDGED = """
insert into audience.member (
    audience_id, person_id, identifier_hash, acknowledged, sent_identifiers, email_key, payload_hash, row_hash,
    membership_id, consent_id, acknowledged_at, confirmed_at
)
select
    %(audience_id)s, person_id, identifier_hash, 'present', jsonb_build_object('email', email), email_key,
    payload_hash, plan_row.row_hash, membership_id, consent_id, now(), now()
from pg_temp.plan_row
inner join profile.person using (person_id)
"""
CHANGED = """
update profile.person
set first_name = 'Changed', row_hash = sha256(row_hash)
where person_id in (select person_id from profile.person order by person_id limit %(people)s)
"""
JOIN = """
select count(*) filter (where person.row_hash is distinct from member.row_hash)
from profile.person
inner join audience.member using (person_id)
"""


def acknowledge(conn: psycopg.Connection, destination: SinkDestination) -> int:
    """The ledger as a first sync of everybody leaves it, without its calls; returns the audience's number."""
    audiences.register(conn, [Declared("sink", "everybody", "everybody", "email")])
    [audience] = audiences.of_destination(conn, "sink")
    with conn.transaction():
        write_plan(conn, audience, destination, at=datetime.now(UTC))
        conn.execute(ACKNOWLEDGED, {"audience_id": audience.audience_id})
    conn.execute("vacuum analyze audience.member")
    return audience.audience_id


def timed_plan(conn: psycopg.Connection, audience_id: int, destination: SinkDestination) -> tuple[float, Plan]:
    """Seconds of a dry run, which is the plan of a sync, rolled back."""
    began = time.monotonic()
    plan = plan_audience(conn, audience_id, destination, as_of=AS_OF)
    return time.monotonic() - began, plan


def timed_join(conn: psycopg.Connection) -> float:
    """Seconds of a hash join of everybody with the ledger, with what Postgres may use: several cores."""
    conn.execute("set enable_mergejoin to off")
    conn.execute("set enable_nestloop to off")
    began = time.monotonic()
    conn.execute(JOIN).fetchall()
    seconds = time.monotonic() - began
    conn.execute("reset enable_mergejoin")
    conn.execute("reset enable_nestloop")
    return seconds


def _measure(changed: int) -> Measure:
    destination = SinkDestination("http://127.0.0.1:9")  # never called
    with throwaway_warehouse() as url, warehouse.connect(url, autocommit=True) as conn:
        fill(conn, MEMBERS)
        audience_id = acknowledge(conn, destination)
        if changed:
            conn.execute(CHANGED, {"people": changed})
            conn.execute("vacuum analyze profile.person")
        joins, plans = zip(
            *((timed_join(conn), timed_plan(conn, audience_id, destination)) for _ in range(ROUNDS)), strict=True
        )
    join, (seconds, plan) = min(joins), min(plans, key=lambda one: one[0])
    assert (plan.updates, plan.changes) == (changed, changed)
    return Measure(seconds / join, seconds, MEMBERS / seconds, f"{MEMBERS:,} members; the hash join took {join:.2f} s")


def plan_1m_same() -> Measure:
    """Seconds of a plan in which nothing changed against seconds of one hash join."""
    return _measure(0)


def plan_1m_1pct() -> Measure:
    """The same with one person in a hundred changed."""
    return _measure(MEMBERS // 100)


BENCHES: dict[str, Bench] = {"plan_1m_same": plan_1m_same, "plan_1m_1pct": plan_1m_1pct}
