"""docs/add-a-source.md, followed word for word: its blocks make a source that lands, is checked and is published."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.include.sources.small_server import Answer, Asked, serving

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "add-a-source.md"
ROOMS = ("include", "sql", "expectations", "plugins", "dags")
BLOCK = re.compile(r"`(?P<path>[\w/.-]+)`(?:, behind `(?P<anchor>[^`\n]+)`)?:\n\n```\w+\n(?P<body>.*?)```\n", re.DOTALL)
BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
MEMBERS = 1203  # three pages
DELETED, MISSPELT = 400, 700


def follow(project: Path) -> list[str]:
    """Write each block of the page where it says; returns the files."""
    touched = []
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        path = project / block["path"]
        if block["anchor"] is None:
            assert not path.exists(), block["path"]
            path.write_text(block["body"], encoding="utf-8")
        else:
            text = path.read_text(encoding="utf-8")
            assert text.count(f"{block['anchor']}\n") == 1, (block["path"], block["anchor"])
            added = text.replace(f"{block['anchor']}\n", f"{block['anchor']}\n{block['body']}")
            path.write_text(added, encoding="utf-8")
        touched.append(block["path"])
    return touched


def member(number: int) -> dict[str, Any]:
    at = (BEGIN + timedelta(minutes=number // 3)).isoformat()  # three share a minute
    return {"id": number, "joined_at": at, "changed_at": at, "deleted": number == DELETED, "phone": None,
            "email": "nobody" if number == MISSPELT else f"m{number}@club.example", "city": "Kiel", "country": "DE",
            "name": {"first": f"Ada {number}", "last": "Lee"}, "card": f"T{number}", "newsletter": "yes",
            "newsletter_at": at}


def teacup(asked: Asked) -> Answer:
    """The club, by its own rules."""
    if asked.path == "/members/count":
        return Answer({"count": MEMBERS})
    after = int(asked.query.get("after", 0))
    found = [member(number) for number in range(after + 1, min(after + int(asked.query["limit"]), MEMBERS) + 1)]
    more = found and found[-1]["id"] < MEMBERS
    return Answer({"members": found, "next": str(found[-1]["id"]) if more else None})


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that somebody adds a source to."""
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "standins"))
    return tmp_path


def test_the_page_followed_word_for_word_makes_a_source_that_lands_checks_and_publishes(
    project: Path, warehouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert len(follow(project)) == 12
    until = BEGIN + timedelta(days=2)
    env = {**os.environ, "PYTHONPATH": f"{project}{os.pathsep}{project / 'plugins'}",
           "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow"))}
    command = [sys.executable, str(ROOT / "tests/docs/follow_teacup.py")]

    with serving(teacup) as server:
        done = subprocess.run([*command, warehouse_url, server, until.isoformat()], cwd=project, env=env,
                              capture_output=True, text=True, timeout=300, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    wanted = [number for number in range(1, MEMBERS + 1) if number not in (DELETED, MISSPELT)]
    assert told["staged"] == [
        [str(number), f"m{number}@club.example", f"Ada {number}", "Kiel", f"T{number}", "granted"] for number in wanted]
    assert (told["landed"], told["expected"], told["quarantined"]) == (MEMBERS, MEMBERS, 1)
    assert told["tasks"] == ["check_members", "land_members", "publish_members"]
    assert told["hook"] == "TeacupHook"
