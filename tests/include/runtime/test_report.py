"""When a report holds, and what of a failure is told."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from rich.console import Console

from include.runtime import failures, report, tables
from include.runtime.report import Claim, Difference, Report

NOTHING = ("updated", "removed", "rejected", "parked", "held", "refused", "unknown")
ZEROES = (*NOTHING, "unconfirmed_requests", "open_attempts")
AUDIENCE = {
    **dict.fromkeys(ZEROES, 0),
    **dict.fromkeys(("added", "confirmed", "sent", "accepted", "members"), 3),
    **{"destination": "meta", "audience": "lapsed", "segment": "lapsed", "active": True, "syncs": 1, "requests": 1},
    **{"outcome": "success", "error_code": None, "hold_reason": None},
}
SEGMENT = {"segment": "lapsed", "size": 3, "entered": 3, "left_count": 0, "alert": None}


def _claims(equal: Any = None, skipped: tuple[str, ...] = (), **changed: Any) -> dict[str, bool]:
    parts = {"extracted": [], "segments": [SEGMENT], "audiences": [{**AUDIENCE, **changed}]}
    return {claim.claim: claim.holds for claim in report.claims(parts, skipped, equal)}


def test_a_good_run_holds() -> None:
    assert all(_claims(equal={"meta lapsed": Difference(0, 0)}).values())


@pytest.mark.parametrize(
    ("changed", "broken"),
    [
        ({"accepted": 2, "unknown": 1}, "sent = accepted + rejected"),
        ({"unconfirmed_requests": 1}, "every request is confirmed"),
        ({"outcome": "held", "held": 9}, "every audience was brought in line or says why not"),
        ({"outcome": "failed"}, "every audience was brought in line or says why not"),
        ({"syncs": 0, "outcome": None}, "every audience was brought in line or says why not"),
        ({"outcome": "partial"}, "every audience was brought in line or says why not"),
    ],
)
def test_one_thing_that_is_not_so_breaks_its_claim(changed: dict[str, Any], broken: str) -> None:
    assert [claim for claim, holds in _claims(**changed).items() if not holds] == [broken]


def test_a_partial_sync_that_names_its_rejected_people_holds() -> None:
    assert all(_claims(outcome="partial", rejected=1, refused=1, accepted=2).values())
    assert all(_claims(outcome="partial", parked=1).values())  # refused by an earlier sync, which named them


def test_a_destination_without_a_connection_owes_nothing() -> None:
    assert all(_claims(skipped=("sync_meta.sync",), syncs=0, outcome=None).values())


def test_a_member_too_many_at_a_platform_breaks_the_run() -> None:
    assert not _claims(equal={"meta lapsed": Difference(0, 1)})["the platforms' members equal the ledger"]


def test_a_report_without_claims_or_with_a_failure_is_not_ok() -> None:
    begun = datetime(2026, 11, 21, tzinfo=UTC)
    assert not Report("r", begun, 1.0).ok
    assert not Report("r", begun, 1.0, claims=(Claim("x", True),), failure="build_persons failed.").ok
    assert Report("r", begun, 1.0, claims=(Claim("x", True),)).ok


def test_an_empty_warehouse_can_be_reported_and_drawn(conn: psycopg.Connection, tmp_path: Path) -> None:
    begun = datetime(2026, 11, 21, tzinfo=UTC)
    made = Report("r", begun, 1.0, **report.gather(conn, begun))
    made.write(tmp_path / "report.json")
    kept = json.loads((tmp_path / "report.json").read_text())
    assert (kept["ok"], kept["persons"]["persons"], kept["audiences"]) == (False, 0, [])
    console = Console(width=100, record=True, file=(tmp_path / "out").open("w"))
    console.print(tables.render(made))
    assert "does NOT hold" in console.export_text()


def _log(folder: Path, kind: str, value: str) -> dict[str, Any]:
    task = {"dag_id": "build_persons", "dag_run_id": "r1", "task_id": "build", "map_index": -1}
    log = folder / "dag_id=build_persons" / "run_id=r1" / "task_id=build" / "attempt=1.log"
    log.parent.mkdir(parents=True)
    frames = [{"filename": "/x/build.py", "lineno": 7, "name": "build"}]
    error = {"event": "Task failed", "error_detail": [{"exc_type": kind, "exc_value": value, "frames": frames}]}
    log.write_text("not json\n" + json.dumps(error) + "\n")
    return task


def test_our_own_errors_are_told_in_their_words(tmp_path: Path) -> None:
    told = str(failures.find(tmp_path, _log(tmp_path, "CriticalCheckError", "crm_contacts: 3 rows have no id.")))
    assert "crm_contacts: 3 rows have no id." in told
    assert "attempt=1.log" in told


def test_a_foreign_error_never_shows_its_text(tmp_path: Path) -> None:
    told = str(failures.find(tmp_path, _log(tmp_path, "UniqueViolation", "Key (email)=(ada@example.com) exists")))
    assert "ada@example.com" not in told
    assert "UniqueViolation" in told and "build.py:7" in told
