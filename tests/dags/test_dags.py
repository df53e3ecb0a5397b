"""Policy that holds for every DAG, and the chain of assets from source to audience."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pendulum
import pytest
from airflow.sdk import DAG, BaseOperator
from airflow.serialization.serialized_objects import DagSerialization
from airflow.timetables.base import DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable

from activation.assets import AUDIENCES, REPORTS, STAGING
from activation.backfill_timetable import BackfillOnlyTimetable
from tests.dags.conftest import DAGS_FOLDER

FILES = sorted(path.stem for path in DAGS_FOLDER.glob("*.py"))
WAITING_FOR_PEOPLE = {"approve_removals"}  # one question must not wait behind another
CHAIN = {
    "extract_brevo",
    "extract_files",
    "extract_hubspot",
    "extract_klaviyo",
    "extract_mailchimp",
    "extract_matomo",
    "extract_salesforce",
    "extract_shopify",
    "extract_woocommerce",
    "build_persons",
    "build_segments",
    "sync_brevo",
    "sync_mailchimp",
    "sync_meta",
    "sync_tiktok",
}


def test_every_file_imports_and_every_dag_is_there(dags: dict[str, DAG], import_errors: dict[str, str]) -> None:
    assert import_errors == {}
    assert set(dags) >= CHAIN


def waited_for(dag: DAG) -> set[str]:
    """Names of the assets a DAG waits for, of all or any."""
    condition = getattr(dag.timetable, "asset_condition", None)
    return {asset.name for asset in getattr(condition, "objects", [condition]) if asset is not None}


def emits(task: BaseOperator) -> set[str]:
    """Names of the assets and aliases a task may emit."""
    return {outlet.name for outlet in task.outlets}


@pytest.mark.parametrize("name", FILES)
def test_a_dag_is_named_like_its_file_and_stays_short(name: str, dags: dict[str, DAG]) -> None:
    lines = (DAGS_FOLDER / f"{name}.py").read_text(encoding="utf-8").splitlines()
    assert name in dags
    assert len(lines) < 60


@pytest.mark.parametrize("name", FILES)
def test_a_dag_tells_its_owner_its_tags_and_what_to_do_when_it_fails(name: str, dags: dict[str, DAG]) -> None:
    dag = dags[name]
    assert dag.tags
    assert "**If it fails:**" in (dag.doc_md or "")
    assert dag.max_active_runs == 1 or name in WAITING_FOR_PEOPLE
    for task in dag.tasks:
        assert task.owner not in ("", "airflow"), task.task_id
        assert task.execution_timeout is not None, task.task_id
        assert task.retry_policy is not None, task.task_id


@pytest.mark.parametrize("name", FILES)
def test_what_waits_for_assets_does_not_run_for_a_sweep_of_before_it_was_switched_on(
    name: str, dags: dict[str, DAG]
) -> None:
    """On the first day that is before the sources are read."""
    assert not waited_for(dags[name]) or dags[name].start_date is None


def test_the_assets_chain_every_source_to_every_audience(dags: dict[str, DAG]) -> None:
    made_by = {asset.name: dag.dag_id for dag in dags.values() for task in dag.tasks for asset in task.outlets}
    wakes = {name: waited_for(dag) for name, dag in dags.items()}
    assert wakes["build_persons"] == {"night"}
    completing = {
        dag.dag_id: task.awaited for dag in dags.values() for task in dag.tasks if "night/is_whole" in emits(task)
    }
    assert set(completing) == {d for d in CHAIN if d.startswith("extract_")}
    assert set(completing.values()) == {tuple(STAGING)}
    assert {made_by[asset.name] for asset in STAGING.values()} == set(completing)
    assert wakes["build_segments"] == {"persons"}
    for destination in AUDIENCES:
        assert wakes[f"sync_{destination}"] == {"segments", f"approval/{destination}"}
        assert f"audience/{destination}" in made_by
    assert wakes["approve_removals"] == {"holds"}


def test_every_platform_is_checked_before_the_night_and_a_sync_shows_what_it_left_out(dags: dict[str, DAG]) -> None:
    asked = {f"check_destination_{destination}" for destination in AUDIENCES}
    asked |= {f"check_source_{stream.partition('.')[0]}" for stream in (*STAGING, *REPORTS)}
    assert set(dags["check_connections"].task_ids) == asked
    for destination in AUDIENCES:
        assert dags[f"sync_{destination}"].get_task("show_partial").upstream_task_ids == {"sync"}


def test_every_stream_of_the_registry_has_its_three_tasks(dags: dict[str, DAG]) -> None:
    from include.sources.registry import STREAMS

    for stream in STREAMS:
        source, _, table = stream.partition(".")
        tasks = set(dags[f"extract_{source}"].task_ids)
        assert {f"land_{table}", f"check_{table}", f"publish_{table}"} <= tasks


def test_dags_hold_no_sql_and_open_nothing_at_import() -> None:
    for path in Path(DAGS_FOLDER).glob("*.py"):
        text = path.read_text(encoding="utf-8").lower()
        assert "variable.get" not in text
        assert "get_connection" not in text


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("extract_") and name != "extract_files"])
def test_a_backfill_of_a_source_is_cut_into_intervals_that_leave_no_gap(name: str, dags: dict[str, DAG]) -> None:
    """By the call that `airflow backfill create` makes on the DAG as the scheduler knows it."""
    known = DagSerialization.from_dict(DagSerialization.to_dict(dags[name]))
    span = (datetime(2026, 11, 10, tzinfo=UTC), datetime(2026, 11, 14, tzinfo=UTC))

    infos = list(known.iter_dagrun_infos_between(*map(pendulum.instance, span)))

    intervals = [info.data_interval for info in infos]
    assert known.timetable.periodic
    assert [one.end - one.start for one in intervals] == [timedelta(days=1)] * len(intervals)
    assert [one.end for one in intervals[:-1]] == [one.start for one in intervals[1:]]
    assert len(intervals) >= 3


def test_without_a_clock_a_backfill_finds_the_same_intervals_and_the_scheduler_none() -> None:
    begin, end = pendulum.datetime(2026, 11, 10), pendulum.datetime(2026, 11, 14)
    kept, bound = BackfillOnlyTimetable("0 3 * * *", timezone="UTC"), CronDataIntervalTimetable("0 3 * * *", "UTC")

    def walked(timetable: CronDataIntervalTimetable) -> list[DataInterval]:
        infos, last = [], None
        while info := timetable.next_dagrun_info(
            last_automated_data_interval=last, restriction=TimeRestriction(begin, end, catchup=True)
        ):
            infos.append(last := info.data_interval)
        return infos

    assert walked(kept) == walked(bound)
    assert len(walked(kept)) >= 3
    night = TimeRestriction(begin, None, catchup=False)
    assert kept.next_dagrun_info(last_automated_data_interval=None, restriction=night) is None
