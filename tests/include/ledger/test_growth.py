"""Statements that everybody passes through cost what they read, also where Postgres has little memory.

A look-up that Postgres could only hash if it fitted into `work_mem` is made anew for every row when it does not: a plan
of a million leavers then takes days. So none of these statements may hold such a look-up (a SubPlan).
"""

from typing import Any

import psycopg
import pytest

from include import warehouse

WANTED = {
    "active": True,
    "audience_id": 1,
    "segment": "buyers",
    "purpose": "email",
    "identifiers": ["email", "phone"],
    "exclusions": True,
}


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
        ("identity/49_blocked", {"shared_above": 20}),
    ],
)
def test_nobody_is_looked_up_row_by_row_however_little_memory_there_is(
    conn: psycopg.Connection, statement: str, values: dict[str, Any]
) -> None:
    conn.execute("set work_mem = '64kB'")
    warehouse.run(conn, "ledger/plan_table")
    assert subplans(conn, statement, values) == []
