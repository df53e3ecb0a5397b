"""The whole system, started once for a small merchant: everything in, everything out, nothing twice, nothing left."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from include.runtime.processes import TOKEN
from include.runtime.settings import ROOT

pytestmark = pytest.mark.timeout(900)
CUSTOMERS = "300"


def _make(command: str, home: Path, **choices: str) -> str:
    """Run what `make <command>` runs and return its words; a failure shows them."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    ended = subprocess.run(
        [sys.executable, "-m", "include.runtime", command],
        cwd=ROOT,
        env={**kept, "AUDIENCEFLOW_HOME": str(home), "AUDIENCEFLOW_CLOCK": "off", **choices},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-6000:] + ended.stderr[-2000:]
    return ended.stdout


def _delivered(report: dict[str, Any]) -> int:
    return sum(one["added"] + one["updated"] + one["removed"] for one in report["audiences"])


def _run(home: Path, **choices: str) -> dict[str, Any]:
    _make("run", home, **choices)
    report: dict[str, Any] = json.loads((home / "report.json").read_text(encoding="utf-8"))
    assert [claim for claim in report["claims"] if not claim["holds"]] == []
    assert report["ok"]
    return report


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A system that `make up` has started; `make down` ends it even when a test fails."""
    folder = tmp_path_factory.mktemp("system")
    try:
        _make("up", folder, CUSTOMERS=CUSTOMERS)
        yield folder
    finally:
        _make("down", folder)


def _still_running(token: str) -> list[str]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(TOKEN) == token and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def test_the_chain_delivers_once_then_nothing_then_the_difference_and_leaves_nothing_running(home: Path) -> None:
    token = json.loads((home / "processes.json").read_text())["token"]
    assert _still_running(token) != []

    first = _run(home)
    assert {stream["stream"] for stream in first["extracted"] if stream["landed"]} >= {
        "hubspot.contacts", "shopify.customers", "shopify.orders", "mailchimp.members", "files.orders"
    }  # fmt: skip
    assert first["persons"]["persons"] > 100
    assert {audience["destination"] for audience in first["audiences"] if audience["members"]} == {"mailchimp", "meta"}
    assert list(first["stages"]) == ["extract", "persons", "segments", "sync"]
    assert max(task["peak_mb"] for task in first["tasks"]) < 1024

    second = _run(home)
    assert (_delivered(second), sum(stream["landed"] for stream in second["extracted"])) == (0, 0)

    third = _run(home, DAY="2")
    assert 0 < _delivered(third) < _delivered(first)

    env = dict(line.split("=", 1) for line in (home / "env").read_text().splitlines())
    assert env["WAREHOUSE_URL"].startswith("postgresql://warehouse:")
    _make("down", home)
    assert _still_running(token) == []
    assert not (home / "postgres" / "data" / "postmaster.pid").exists()
