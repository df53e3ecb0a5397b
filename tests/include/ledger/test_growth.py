"""Statements that everybody passes through cost what they read, also where Postgres has little memory.

A look-up that Postgres could only hash if it fitted into `work_mem` is made anew for every row when it does not: a plan
of a million leavers then takes days. So none of these statements may hold such a look-up (a SubPlan).
"""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from include import warehouse
from include.destinations.base import Audience
from include.ledger.plan import write_plan
from tests.include.ledger.world import World

WANTED = {
    "active": True,
    "audience_id": 1,
    "segment": "buyers",
    "purpose": "email",
    "identifiers": ["email", "phone"],
    "exclusions": True,
}


def make(conn: psycopg.Connection, statement: str, values: dict[str, Any]) -> None:
    """Execute a statement whose values are written into it: `create table as` takes none."""
    with psycopg.ClientCursor(conn) as cursor:
        cursor.execute(warehouse.statement(statement), values)


def subplans(conn: psycopg.Connection, statement: str, values: dict[str, Any]) -> list[str]:
    """Lines of the statement's plan that name a look-up made row by row."""
    with psycopg.ClientCursor(conn) as cursor:
        cursor.execute("explain (verbose) " + warehouse.statement(statement), values)
        return [line for (line,) in cursor if "SubPlan" in line]


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        ("ledger/differing", WANTED),
        ("ledger/readdress", {"audience_id": 1}),
        ("ledger/sharing", {"audience_id": 1}),
        ("ledger/keep", {}),
        ("ledger/resend_holders", {"audience_id": 1, "segment": "buyers"}),
        ("identity/49_blocked", {"shared_above": 20}),
    ],
)
def test_nobody_is_looked_up_row_by_row_however_little_memory_there_is(
    conn: psycopg.Connection, statement: str, values: dict[str, Any]
) -> None:
    conn.execute("set work_mem = '64kB'")
    warehouse.run(conn, "ledger/plan_table")
    if statement != "ledger/sharing":  # `explain` does not make the table
        make(conn, "ledger/sharing", {"audience_id": 1})
    assert subplans(conn, statement, values) == []


PEOPLE = 1_000
LEAVERS = 200


def passed(conn: psycopg.Connection, statement: str, values: dict[str, Any]) -> int:
    """How many rows all steps of a statement together look at when it is executed, those they throw away among them."""
    with psycopg.ClientCursor(conn) as cursor:
        cursor.execute("explain (analyze, format json) " + warehouse.statement(statement), values)
        [(found,)] = cursor.fetchall()
    return sum(
        step["Actual Loops"] * rows
        for step in steps(found[0]["Plan"])
        for name, rows in step.items()
        if name.startswith(("Actual Rows", "Rows Removed"))
    )


def steps(step: dict[str, Any]) -> list[dict[str, Any]]:
    """One step of a plan and all below it."""
    return [step, *(found for inner in step.get("Plans", []) for found in steps(inner))]


@pytest.mark.parametrize("leavers", [3, LEAVERS])
def test_what_leavers_share_with_others_is_found_in_one_pass_over_those_who_stay(world: World, leavers: int) -> None:
    world.destination.batch_size = PEOPLE
    world.limits = {"max_removals": PEOPLE}
    world.crowd(PEOPLE)
    world.sync()
    world.conn.execute("analyze")
    world.conn.execute(
        "update segment.membership set left_at = now() where membership_id in"
        " (select max(membership_id) from segment.membership join profile.person using (person_id)"
        " group by phone order by phone limit %s)",
        (leavers,),
    )
    audience = Audience(**warehouse.rows(world.conn, "ledger/audience", {"audience_id": 1})[0])
    key = {"audience_id": audience.audience_id}
    with world.conn.transaction(force_rollback=True):
        plan = write_plan(world.conn, audience, world.destination, at=datetime.now(UTC))
        assert (plan.removes, plan.updates) == (leavers, leavers)
        world.conn.execute("drop table pg_temp.sharing")
        work = passed(world.conn, "ledger/sharing", key)  # which makes the table anew
        work += passed(world.conn, "ledger/keep", {})
        work += passed(world.conn, "ledger/resend_holders", {**key, "segment": "buyers"})
    assert work < 30 * PEOPLE
