"""The rooms of the house: arrows go dags → plugins → include → sql, and never back."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "include": {"airflow", "activation", "dags", "tests"},
    "plugins": {"dags", "tests"},
    "dags": {"dags", "tests", "requests", "psycopg", "sqlalchemy", "pandas", "include"},
}


def imported(path: Path) -> set[str]:
    """Top-level names that a file imports, at whatever depth the import stands."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("room", FORBIDDEN)
def test_no_file_imports_from_a_room_above_it(room: str) -> None:
    files = sorted((ROOT / room).rglob("*.py"))
    assert files
    crossings = {str(path.relative_to(ROOT)): bad for path in files if (bad := imported(path) & FORBIDDEN[room])}
    assert crossings == {}


def test_plugins_are_never_imported_by_a_second_path() -> None:
    everything = [path for room in ("dags", "plugins", "include", "tests") for path in (ROOT / room).rglob("*.py")]
    assert [str(path.relative_to(ROOT)) for path in everything if "plugins" in imported(path)] == []
