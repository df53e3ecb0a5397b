"""New column, lost column, changed type: each in each mode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from include.errors import CriticalCheckError
from include.schema_contract import accept
from tests.include.gate import column
from tests.include.schema_contract.contacts import Payload, check, contacts, land, learn, publish

ENOUGH = 60  # records, more than a lost column needs


def set_property(name: str, value: Any) -> Callable[[Payload], object]:
    return lambda payload: payload["properties"].__setitem__(name, value)


@dataclass(frozen=True)
class Drifted:
    """One kind of change: what breaks the good batch, and what is said of it."""

    change: Callable[[Payload], object]
    path: str
    said: str


KINDS = {
    "new_column": Drifted(set_property("canary", "secret-7f3a"), "properties.canary", "is new (string) in 60 of 60"),
    "lost_column": Drifted(
        lambda payload: payload["properties"].pop("firstname"),
        "properties.firstname",
        "is gone from all 60 records (it was string)",
    ),
    "changed_type": Drifted(
        set_property("firstname", 7), "properties.firstname", "is number in 60 of 60 records, expected string"
    ),
}


@pytest.fixture
def known(conn: psycopg.Connection) -> psycopg.Connection:
    """A warehouse in which sixty contacts are published and their columns known."""
    learn(conn, contacts(1, ENOUGH))
    return conn


def drift_rows(conn: psycopg.Connection) -> list[tuple]:
    return conn.execute("select path, kind, mode, state, rows, of_rows from ops.schema_drift").fetchall()


def result_of(conn: psycopg.Connection, kind: str) -> tuple:
    return conn.execute(
        "select severity, passed, failed_rows from ops.check_result where rule = %s order by check_id desc limit 1",
        (f"contract_{kind}",),
    ).fetchone()


@pytest.mark.parametrize("kind", KINDS)
def test_freeze_stops_the_batch_until_the_change_is_accepted(known, warehouse_url, kind):
    drifted = KINDS[kind]
    land(known, contacts(1, ENOUGH, drifted.change))
    with pytest.raises(CriticalCheckError) as stopped:
        check(known, warehouse_url, **{kind: "freeze"})
    text = str(stopped.value)
    assert drifted.path in text and drifted.said in text and "first seen 2026-11-20 03:00 UTC" in text
    assert "bin/audienceflow schema accept hubspot.contacts" in text and "7f3a" not in text
    assert result_of(known, kind) == ("critical", False, ENOUGH)
    assert drift_rows(known) == [(drifted.path, kind, "freeze", "open", ENOUGH, ENOUGH)]
    assert publish(known).rows == 0
    assert [one.path for one in accept.accept(known, "hubspot.contacts", who="ana")] == [drifted.path]
    assert accept.accept(known, "hubspot.contacts", who="ben") == []
    assert column(known, "select actor from ops.audit where action = 'schema.accept'") == ["ana"]
    assert check(known, warehouse_url, **{kind: "freeze"}).drift == ()
    assert publish(known).rows == ENOUGH
    land(known, contacts(1, ENOUGH, drifted.change), day=1)
    assert check(known, warehouse_url, **{kind: "freeze"}).drift == ()


@pytest.mark.parametrize("kind", KINDS)
def test_evolve_lets_the_batch_pass_and_tells_the_change_once(known, warehouse_url, kind):
    drifted = KINDS[kind]
    land(known, contacts(1, ENOUGH, drifted.change))
    checked = check(known, warehouse_url, **{kind: "evolve"})
    assert [(one.path, drifted.said in one.text) for one in checked.drift] == [(drifted.path, True)]
    assert result_of(known, kind) == ("info", False, ENOUGH)
    assert publish(known).rows == ENOUGH
    land(known, contacts(100, ENOUGH, drifted.change), day=1)
    assert check(known, warehouse_url, **{kind: "evolve"}).drift == ()
    assert result_of(known, kind) == ("info", True, 0)


@pytest.mark.parametrize("kind", ["lost_column", "changed_type"])
def test_discard_sets_the_records_aside_and_lets_the_others_go_on(known, warehouse_url, kind):
    drifted = KINDS[kind]
    if kind == "lost_column":  # lost for good is lost in all: those that landed before go on
        land(known, contacts(500, 30))
        land(known, contacts(1, ENOUGH, drifted.change), day=1)
        set_aside = ENOUGH
    else:
        land(known, [*contacts(500, 30), *contacts(1, 5, drifted.change)])
        set_aside = 5
    checked = check(known, warehouse_url, **{kind: "discard"})
    assert checked.quarantined == set_aside
    assert result_of(known, kind) == ("warning", False, set_aside)
    assert publish(known).rows == 30
    assert column(known, "select distinct first_name from staging.hubspot_contacts") == ["Ann"]
    held = known.execute("select distinct rule, reason from ops.quarantine where state = 'held'").fetchall()
    assert [(rule, drifted.path in reason) for rule, reason in held] == [(f"contract_{kind}", True)]
    land(known, contacts(600, 3), day=2)
    assert check(known, warehouse_url, **{kind: "discard"}).drift == ()


def test_a_new_column_that_is_discarded_is_told_once_and_not_learned(known, warehouse_url):
    drifted = KINDS["new_column"]
    land(known, contacts(1, ENOUGH, drifted.change))
    checked = check(known, warehouse_url, new_column="discard")
    assert ([one.path for one in checked.drift], checked.quarantined) == ([drifted.path], 0)
    assert result_of(known, "new_column") == ("warning", False, ENOUGH)
    assert publish(known).rows == ENOUGH
    assert column(known, "select state from ops.known_column where path = 'properties.canary'") == ["discarded"]
    land(known, contacts(1, ENOUGH, drifted.change), day=1)
    assert check(known, warehouse_url, new_column="discard").drift == ()
    accept.accept(known, "hubspot.contacts", who="ana", paths=[drifted.path])
    assert column(known, "select state from ops.known_column where path = 'properties.canary'") == ["known"]


def test_released_records_of_a_discarded_type_are_published_once(known, warehouse_url):
    from include import quarantine

    land(known, contacts(1, 5, KINDS["changed_type"].change))
    check(known, warehouse_url, changed_type="discard")
    publish(known)
    quarantine.release(known, who="ana", rule="contract_changed_type")
    check(known, warehouse_url, changed_type="discard")
    assert publish(known).rows == 5
    assert check(known, warehouse_url).batch_id is None


def test_the_alert_of_a_change_carries_its_counts_and_no_value(known, warehouse_url):
    from include import stream_watch

    land(known, contacts(1, ENOUGH, KINDS["new_column"].change))
    [state] = [one for one in stream_watch.states(check(known, warehouse_url)) if one.subject.startswith("schema")]
    assert (state.failing, state.owner) == (True, "data")
    assert state.summary == ("properties.canary is new (string) in 60 of 60 records, first seen 2026-11-20 03:00 UTC")
