"""What the gate's operators do with a failure: the task fails, the text and the XCom are clean."""

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import AirflowSkipException

from activation.operators.build_persons import BuildPersonsOperator
from activation.operators.check_sources import CheckSourcesOperator
from activation.operators.check_stream import CheckStreamOperator
from activation.operators.publish_stream import PublishStreamOperator
from activation.operators.warehouse_operator import WarehouseOperator
from activation.operators.watch_streams import WatchStreamsOperator
from include import publishing
from include.errors import CriticalCheckError
from tests.faults.stage import Event
from tests.include.gate import column
from tests.include.schema_contract.contacts import STREAM, contacts, land, learn
from tests.sql.conftest import insert

CANARY = "canary-7f3a"


@pytest.fixture
def warehouse(conn: psycopg.Connection, warehouse_url: str, monkeypatch: pytest.MonkeyPatch) -> psycopg.Connection:
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse_url)
    return conn


def execute(
    operator: WarehouseOperator, run_type: str = "scheduled", events: defaultdict[Any, Event] | None = None
) -> Any:
    """Run it as a worker does, as far as the project's part of it goes."""
    ti = SimpleNamespace(dag_id="d", run_id="r", task_id=operator.task_id, map_index=-1, try_number=1)
    run = SimpleNamespace(run_type=run_type)
    return operator.execute({"ti": ti, "dag_run": run, "outlet_events": events})


def check() -> CheckStreamOperator:
    return CheckStreamOperator(task_id="check", stream=STREAM.name)


def outcomes(conn: psycopg.Connection) -> dict[str, str]:
    return dict(conn.execute("select task_id, outcome from ops.task_run order by task_run_id").fetchall())


def test_pain_01_a_failing_expectation_fails_the_real_task_and_nothing_behind_it_runs(warehouse):
    """Version 1 of Great Expectations' provider left the task green."""

    def unread(payload):
        payload["properties"]["email"] = None

    land(warehouse, contacts(1, 60, unread))
    with pytest.raises(CriticalCheckError, match="emails_vanished"):
        execute(check())
    assert execute(PublishStreamOperator(task_id="publish", stream=STREAM.name))["rows"] == 0
    with pytest.raises(AirflowSkipException, match=r"hubspot\.contacts"):
        execute(BuildPersonsOperator(task_id="build", as_of="2026-11-20"))
    assert outcomes(warehouse) == {"check": "failed", "publish": "success", "build": "skipped"}
    assert column(warehouse, "select count(*) from identity.record") == [0]


def test_pain_02_an_error_of_any_kind_is_a_failed_task_and_never_a_result(warehouse):
    land(warehouse, contacts(1, 3))
    warehouse.execute("drop function ops.json_kind cascade")
    warehouse.commit()
    with pytest.raises(psycopg.errors.UndefinedFunction):
        execute(check())
    assert outcomes(warehouse) == {"check": "failed"}
    assert column(warehouse, "select state from ops.batch") == ["landed"]


def test_pain_18_19_and_20_xcom_is_small_json_and_no_value_is_told_anywhere(warehouse, caplog):
    caplog.set_level("DEBUG")
    learn(warehouse, contacts(1, 60))

    def odd(payload):
        payload["properties"].update(email=CANARY, nickname=CANARY, by_mail={f"{CANARY}@x.example": 1}, firstname=7)

    land(warehouse, [*contacts(100, 300), *contacts(1, 3, odd)])
    with pytest.raises(CriticalCheckError) as stopped:
        execute(check())
    execute_accepted = "update ops.schema_drift set state = 'accepted' where kind = 'changed_type'"
    warehouse.execute(execute_accepted)
    warehouse.commit()
    xcom = execute(check())
    assert json.loads(json.dumps(xcom)) == xcom
    assert (xcom["records"], xcom["quarantined"], xcom["changed_columns"]) == (303, 3, 2)
    assert len(json.dumps(xcom)) < 500
    told = [
        str(warehouse.execute(f"select * from {table}").fetchall())  # noqa: S608 (names of ours)
        for table in (
            "ops.check_result",
            "ops.schema_drift",
            "ops.observed_column",
            "ops.quarantine",
            "ops.alert_outbox",
            "ops.alert_state",
            "ops.task_run",
            "ops.batch",
        )
    ]
    assert "nickname" in told[1]
    assert [text for text in (*told, str(stopped.value), json.dumps(xcom), caplog.text) if CANARY in text] == []


def test_sources_that_contradict_each_other_fail_their_task_and_hold_back_persons(warehouse):
    for day in range(1, 7):
        insert(
            warehouse,
            "ops.cross_result",
            {
                "check_name": "orders_without_customer",
                "as_of": f"2026-11-{13 + day}",
                "severity": "critical",
                "owner": "data",
                "passed": True,
                "judged": True,
                "checked_rows": 60,
                "found": 0.0,
            },
        )
    warehouse.execute(
        "insert into staging.order_entry (stream, record_key, entry_no, raw_id, batch_id, payload_hash, order_key,"
        " kind, amount_minor, currency, occurred_at, ids) select 'shopify.orders', n::text, 1, n, 1, '', n::text,"
        " 'sale',"
        " 100, 'EUR', '2026-11-19', jsonb_build_object('shopify_customer', n::text) from generate_series(1, 60) as n"
    )
    warehouse.commit()
    with pytest.raises(CriticalCheckError, match="60 of 60 rows"):
        execute(CheckSourcesOperator(task_id="check_sources", as_of="2026-11-20"))
    with pytest.raises(AirflowSkipException, match="orders_without_customer"):
        execute(BuildPersonsOperator(task_id="build", as_of="2026-11-20", only_if_changed=True))
    assert column(warehouse, "select subject from ops.alert_state where state = 'failing'") == [
        "cross check orders_without_customer"
    ]


def test_streams_without_history_are_watched_and_never_called_silent(warehouse):
    land(warehouse, contacts(1, 1))
    assert execute(WatchStreamsOperator(task_id="watch_streams")) == {"silent": 0}


AWAITED = (STREAM.name, "shopify.orders")


def publish(stream: str, run_type: str = "scheduled") -> list[str]:
    """Publish as the nightly DAG does; the assets that were emitted by alias."""
    events: defaultdict[Any, Event] = defaultdict(Event)
    execute(PublishStreamOperator(task_id="publish", stream=stream, awaited=AWAITED), run_type, events)
    return [asset.name for event in events.values() for asset in event.added]


def begin(run_type: str) -> None:
    execute(CheckSourcesOperator(task_id="check_sources", as_of="2026-11-20", awaited=AWAITED), run_type)


def test_the_last_stream_of_a_night_wakes_persons_and_a_backfill_is_no_part_of_it(warehouse):
    assert publish(STREAM.name) == []
    assert publish("shopify.orders", "backfill") == []
    assert publish("shopify.orders") == ["night"]
    begin("asset_triggered")
    assert publish("shopify.orders") == []


def test_a_paused_source_holds_no_other_back_and_is_told_by_the_clock_s_run_alone(warehouse):
    told = "select state from ops.alert_state where subject = 'streams of the night'"
    publish(STREAM.name)
    begin("manual")
    assert column(warehouse, told) == []

    begin("scheduled")
    assert execute(BuildPersonsOperator(task_id="build", as_of="2026-11-20"))["persons"] == 0
    assert column(warehouse, told) == ["failing"]

    publish("shopify.orders")
    publish(STREAM.name)
    begin("asset_triggered")
    assert column(warehouse, told) == ["ok"]


def test_a_failed_check_holds_everybody_back_until_a_person_sets_its_stream_aside(warehouse):
    def unread(payload):
        payload["properties"]["email"] = None

    land(warehouse, contacts(1, 60, unread))
    with pytest.raises(CriticalCheckError):
        execute(check())
    with pytest.raises(AirflowSkipException, match=r"source set-aside hubspot\.contacts"):
        execute(BuildPersonsOperator(task_id="build", as_of="2026-11-20"))
    now = datetime.now(UTC)
    words = {"who": "ada", "why": "the CRM is being mended", "hours": 24}

    assert publishing.set_aside(warehouse, "shopify.orders", **words, at=now) is None
    assert publishing.set_aside(warehouse, STREAM.name, **words, at=now) == now + timedelta(hours=24)

    assert execute(BuildPersonsOperator(task_id="build", as_of="2026-11-20"))["persons"] == 0
    assert publishing.blocked_streams(warehouse, now + timedelta(hours=25)) == [STREAM.name]
    assert column(warehouse, "select actor || ': ' || (details ->> 'why') from ops.audit") == [
        "ada: the CRM is being mended"
    ]
