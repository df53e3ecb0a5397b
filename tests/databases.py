"""Databases for tests: copied from a migrated template, emptied after use and lent again.

Making one costs ten times what emptying one does. One whose schema or settings a test changed is thrown away.
"""

import uuid
from dataclasses import dataclass, field

import psycopg
from psycopg import sql

from include.runtime.postgres import EmbeddedPostgres

# Everything but rows that a test can change. Object numbers are equal in every copy of a template.
_SCHEMA = """
select md5(concat_ws(
    '|',
    (select string_agg(c::text, ',' order by c) from (
        select row(oid, relname, relowner, relacl::text, relhastriggers, relrowsecurity, relpersistence) as c
        from pg_class where oid >= 16384 and relkind in ('r', 'p', 'v', 'm', 'S') and relnamespace <> 99) as tables),
    (select string_agg(row(attrelid, attname, atttypid, attnotnull, attisdropped)::text, ',' order by attrelid, attnum)
        from pg_attribute where attrelid >= 16384 and attnum > 0
        and attrelid in (select oid from pg_class where relkind in ('r', 'p', 'v', 'm'))),
    (select string_agg(row(oid, prosrc)::text, ',' order by oid) from pg_proc where oid >= 16384),
    (select string_agg(row(oid, tgenabled)::text, ',' order by oid) from pg_trigger),
    (select string_agg(row(oid, conbin)::text, ',' order by oid) from pg_constraint where oid >= 16384),
    (select string_agg(row(oid, nspacl::text)::text, ',' order by oid) from pg_namespace where nspname !~ '^pg_'),
    (select count(*) from pg_index where indexrelid >= 16384),
    (select string_agg(setconfig::text, ',' order by setrole) from pg_db_role_setting
        where setdatabase = (select oid from pg_database where datname = current_database()))
))
"""
_TABLES = (
    "select oid::regclass::text from pg_class"
    " where oid >= 16384 and relkind = 'r' and pg_relation_size(oid) > 0 order by oid"
)
_EXTRA = (  # named here, not looked up by number: a session that is just ending drops its temporary tables itself
    "select format('%%I.%%I', n.nspname, c.relname), c.relkind::text"
    " from pg_class as c inner join pg_namespace as n on c.relnamespace = n.oid"
    " where c.oid >= 16384 and c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition and c.oid <> all(%s)"
)
_ADVANCED = "select format('%I.%I', schemaname, sequencename) from pg_sequences where last_value is not null"
_HANG_UP = (
    "select pg_terminate_backend(pid) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid()"
)


@dataclass
class Databases:
    """Copies of ``template`` in one cluster, each lent to one test at a time."""

    postgres: EmbeddedPostgres
    template: str
    _free: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        with psycopg.connect(self.postgres.url(self.template)) as conn:
            self._schema = conn.execute(_SCHEMA).fetchone()
            self._known = [oid for (oid,) in conn.execute("select oid from pg_class where oid >= 16384")]
            self._seeded = {table: _rows(conn, table) for table in _filled(conn)}
            self._sequences = {name for (name,) in conn.execute(_ADVANCED)}

    def lend(self) -> str:
        """Name of a database as migrations leave it."""
        if self._free:
            return self._free.pop()
        name = f"test_{uuid.uuid4().hex}"
        with self._admin() as admin:
            admin.execute(
                sql.SQL("create database {} template {} owner {}").format(
                    *map(sql.Identifier, (name, self.template, self.template))
                )
            )
        return name

    def take_back(self, name: str) -> None:
        """Empty it for the next test; drop it when more than rows changed."""
        with psycopg.connect(self.postgres.url(name), autocommit=True) as conn:
            clean = self._emptied(conn)
        if clean:
            self._free.append(name)
            return
        with self._admin() as admin:
            admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))

    def _emptied(self, conn: psycopg.Connection) -> bool:
        conn.execute(_HANG_UP)
        conn.execute("select pg_stat_reset()")  # else autovacuum works off here what another test changed
        for name, kind in conn.execute(_EXTRA, [self._known]).fetchall():
            what = {"v": "view", "m": "materialized view"}.get(kind, "table")
            conn.execute(sql.SQL("drop {} if exists {} cascade").format(sql.SQL(what), sql.SQL(name)))
        if conn.execute(_SCHEMA).fetchone() != self._schema:
            return False
        filled = [table for table in _filled(conn) if table not in self._seeded]
        if filled:
            conn.execute(sql.SQL("truncate {} cascade").format(sql.SQL(", ").join(map(sql.SQL, filled))))
            conn.execute("delete from pg_statistic where starelid >= 16384")
        for (sequence,) in conn.execute(_ADVANCED).fetchall():
            if sequence not in self._sequences:
                conn.execute(sql.SQL("alter sequence {} restart").format(sql.SQL(sequence)))
        return all(_rows(conn, table) == rows for table, rows in self._seeded.items())

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(self.postgres.url("postgres"), autocommit=True)


def _filled(conn: psycopg.Connection) -> list[str]:
    """Tables (leaf partitions among them) that hold or held a row; names as Postgres quotes them."""
    return [name for (name,) in conn.execute(_TABLES)]


def _rows(conn: psycopg.Connection, table: str) -> tuple[int, str | None]:
    asked = sql.SQL("select count(*), md5(string_agg(t::text, '|' order by t::text)) from {} as t")
    return conn.execute(asked.format(sql.SQL(table))).fetchone()
