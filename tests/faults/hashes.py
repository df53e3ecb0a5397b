"""What a warehouse holds, as one hash a table, so that two moments can be told to be equal."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

SCHEMAS = ("raw", "staging", "identity", "profile", "segment", "consent", "audience", "conversion", "experiment")
# Logs of what was done: each run of a stage adds a line, also when nothing changes.
LOGS = {"segment.build": "a line a build", "audience.sync": "a line a sync"}
# Work tables, and what every build says anew.
SCRATCH = "identity.work_"
LEFT_OUT: Mapping[str, tuple[str, ...]] = {}
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
    "select count(*), md5(string_agg(line, '' order by line))"
    " from (select md5(row({columns})::text) as line from {table}) as lines"
)


def hashes(conn: psycopg.Connection, left_out: Mapping[str, tuple[str, ...]] = LEFT_OUT) -> dict[str, tuple[int, str]]:
    """By table: how many rows, and the hash of what they say, whatever their order.

    :param left_out: by table, columns that do not count.
    """
    found: dict[str, tuple[int, str]] = {}
    for schema, table, columns in conn.execute(_TABLES, [list(SCHEMAS)]).fetchall():
        name = f"{schema}.{table}"
        kept = [sql.Identifier(column) for column in columns if column not in left_out.get(name, ())]
        if name not in LOGS and not name.startswith(SCRATCH):
            asked = _HASH.format(columns=sql.SQL(", ").join(kept), table=sql.Identifier(schema, table))
            found[name] = conn.execute(asked).fetchone()
    return found


def changed(before: Mapping[str, tuple[int, str]], after: Mapping[str, tuple[int, str]]) -> dict[str, tuple[int, int]]:
    """By table that differs: rows before and after."""
    return {
        name: (before.get(name, (0, ""))[0], after.get(name, (0, ""))[0])
        for name in before.keys() | after.keys()
        if before.get(name) != after.get(name)
    }
