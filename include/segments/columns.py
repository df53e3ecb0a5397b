"""Which tables and columns a segment may read, taken from the migrations: nothing has to be listed twice.

Reading the files instead of a database lets a wrong column be refused when DAGs are parsed.
"""

from functools import cache
from pathlib import Path

import sqlglot
from sqlglot import exp

from include import warehouse

Tables = dict[str, dict[str, str]]  # "profile.person" → column → type family

CURRENT = {"segment": "text", "person_id": "uuid", "entered_at": "moment", "version": "text"}
FAMILIES = {
    "TEXT": "text",
    "CHAR": "text",
    "VARCHAR": "text",
    "BPCHAR": "text",
    "UUID": "uuid",
    "INT": "number",
    "BIGINT": "number",
    "SMALLINT": "number",
    "DOUBLE": "number",
    "FLOAT": "number",
    "DECIMAL": "number",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMPTZ": "moment",
    "TIMESTAMP": "moment",
    "JSONB": "json",
    "JSON": "json",
}


def family(kind: exp.DataType) -> str:
    """What a rule may do with a column: text, number, date, moment, boolean, list (of text), uuid, json, other."""
    if kind.is_type(exp.DataType.Type.ARRAY):
        return "list"
    return FAMILIES.get(kind.this.name, "other")


def _apply(tables: Tables, statement: exp.Expression) -> None:
    if isinstance(statement, exp.Create) and statement.kind == "VIEW" and isinstance(statement.expression, exp.Query):
        view = statement.this
        tables[f"{view.db}.{view.name}"] = dict.fromkeys(statement.expression.named_selects, "other")
        return
    if isinstance(statement, exp.Create) and statement.kind == "TABLE" and isinstance(statement.this, exp.Schema):
        table = statement.this.this
    elif isinstance(statement, exp.Alter):
        table = statement.this
    else:
        return
    if table.db != "profile":
        return
    columns = tables.setdefault(f"{table.db}.{table.name}", {})
    for column in statement.find_all(exp.ColumnDef):
        columns[column.name] = family(column.kind)


def _profile_statements(text: str) -> list[str]:
    """The statements that make or alter tables and views of profile; all else is not parsed."""
    starts = ("create table profile.", "alter table profile.", "create view profile.")
    lines = [line.split("--")[0] for line in text.splitlines()]
    return [part for part in "\n".join(lines).split(";") if part.strip().lower().startswith(starts)]


@cache
def readable_tables(folder: Path = warehouse.SQL_ROOT / "migrations") -> Tables:
    """Each table and view of ``profile`` with its columns and their families, and ``segment.current``."""
    tables: Tables = {}
    for path in sorted(folder.glob("[0-9]*.sql")):
        for text in _profile_statements(path.read_text(encoding="utf-8")):
            for statement in sqlglot.parse(text, dialect="postgres"):
                if statement is not None:
                    _apply(tables, statement)
    tables["segment.current"] = CURRENT
    return tables
