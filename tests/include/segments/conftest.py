"""Segment files made for one test, and persons to put into them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from include.segments.definition import Segment, load_definitions

HEAD = "title: A test\nowner: growth\nkind: value\ngoal: a test\n"


@pytest.fixture
def write_sql(tmp_path: Path) -> Callable[..., Path]:
    """Write one SQL segment; ``more`` is further front matter."""

    def write(name: str, body: str, more: str = "") -> Path:
        path = tmp_path / f"{name}.sql"
        path.write_text(f"/*\nsegment: {name}\n{HEAD}{more}*/\n{body}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_rule(tmp_path: Path) -> Callable[..., Path]:
    """Write one rule segment; ``rule`` is YAML in one line."""

    def write(name: str, rule: str, more: str = "") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"segment: {name}\n{HEAD}{more}rule: {rule}\n", encoding="utf-8")
        return path

    return write


@pytest.fixture
def load(tmp_path: Path) -> Callable[[], dict[str, Segment]]:
    """Read the segments written so far."""
    return lambda: load_definitions(tmp_path)
