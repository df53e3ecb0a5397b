"""What a warehouse holds, as one hash a table, so that two moments can be told to be equal."""

from collections.abc import Mapping
from dataclasses import dataclass

import psycopg
from psycopg import sql

SCHEMAS = ("raw", "staging", "identity", "profile", "segment", "consent", "audience", "conversion", "experiment")
# Logs of what was done: each run adds a line, also when nothing changes.
LOGS = frozenset({"segment.build", "audience.sync"})
SCRATCH = "identity.work_"
# Left out: when a publication wrote a row of staging (it replaces every row), and when the sizes of persons were
# counted (a rebuild counts them anew). All else counts, also ids and times.
WRITTEN_AT = frozenset({("staging", "published_at"), ("identity", "measured_at")})
_TABLES = """
select n.nspname, c.relname, array_agg(a.attname::text order by a.attnum)
from pg_class as c
inner join pg_namespace as n on c.relnamespace = n.oid
inner join pg_attribute as a on c.oid = a.attrelid and a.attnum > 0 and not a.attisdropped
where n.nspname = any(%s) and c.relkind in ('r', 'p') and not c.relispartition
group by 1, 2
order by 1, 2
"""
_HASH = sql.SQL(
    "select count(*), md5(string_agg(md5(row({columns})::text), '' order by md5(row({columns})::text))), {each}"
    " from {table}"
)
_ONE = sql.SQL("sum(hashtextextended({column}::text, 0)::numeric)")  # of one column, whatever the order of rows


@dataclass(frozen=True)
class TableHash:
    """Rows, their hash, and of each column one of its own: to tell which differs."""

    rows: int
    hash: str | None
    columns: Mapping[str, object]


def hashes(conn: psycopg.Connection) -> dict[str, TableHash]:
    """By table: what its rows say, whatever their order."""
    found: dict[str, TableHash] = {}
    for schema, table, columns in conn.execute(_TABLES, [list(SCHEMAS)]).fetchall():
        name = f"{schema}.{table}"
        if name in LOGS or name.startswith(SCRATCH):
            continue
        kept = [column for column in columns if (schema, column) not in WRITTEN_AT]
        quoted = [sql.Identifier(column) for column in kept]
        each = sql.SQL(", ").join(_ONE.format(column=column) for column in quoted)
        asked = _HASH.format(columns=sql.SQL(", ").join(quoted), each=each, table=sql.Identifier(schema, table))
        rows, hash_, *one_by_one = conn.execute(asked).fetchone()
        found[name] = TableHash(rows, hash_, dict(zip(kept, one_by_one, strict=True)))
    return found


def changed(before: Mapping[str, TableHash], after: Mapping[str, TableHash]) -> dict[str, tuple[int, int, list[str]]]:
    """By table that differs: rows before and after, and the columns."""
    return {
        name: (was.rows, after[name].rows, [one for one in was.columns if was.columns[one] != after[name].columns[one]])
        for name, was in before.items()
        if (was.rows, was.hash) != (after[name].rows, after[name].hash)
    }
