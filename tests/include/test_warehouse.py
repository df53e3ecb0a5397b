"""Migrations and statements."""

import psycopg
import pytest

from include import warehouse
from include.errors import ConfigError


def test_migrations_apply_once_and_a_second_call_does_nothing(warehouse_url: str) -> None:
    assert warehouse.migrate(warehouse_url) == []


def test_a_statement_that_does_not_exist_is_named(conn: psycopg.Connection) -> None:
    with pytest.raises(ConfigError, match=r"sql/ledger/nothing\.sql"):
        warehouse.run(conn, "ledger/nothing")


def test_the_audit_refuses_to_be_rewritten(conn: psycopg.Connection) -> None:
    conn.execute("insert into ops.audit (actor, action, subject) values ('ada', 'release', 'batch 1')")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        conn.execute("delete from ops.audit")
