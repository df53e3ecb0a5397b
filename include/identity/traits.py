"""Traits: each file of sql/traits is a select of ``person_id`` and the columns its front matter names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import psycopg
from psycopg import sql

from include import warehouse
from include.segments.front_matter import complain, split_sql

_KEYS = {"trait", "title", "owner", "columns"}


@dataclass(frozen=True)
class Trait:
    """One file: a family of columns of ``profile.trait``."""

    name: str
    title: str
    owner: str
    columns: tuple[str, ...]
    body: str


def _read(path: Path) -> Trait:
    head, body, _ = split_sql(path.read_text(encoding="utf-8"), path)
    for key in head:
        if key not in _KEYS:
            raise complain(path, head.line_of(key), f"{key!r} is no key of a trait", f"use {', '.join(sorted(_KEYS))}")
    for key in sorted(_KEYS - {"columns"}):
        if not isinstance(head.get(key), str):
            raise complain(path, head.line_of(key), f"{key} is missing or no text", f"add `{key}: …`")
    if head["trait"] != path.stem:
        mend = f"call it {path.stem!r} like its file"
        raise complain(path, head.line_of("trait"), f"the trait is called {head['trait']!r}", mend)
    columns = head.get("columns")
    if not isinstance(columns, list) or not columns or not all(isinstance(column, str) for column in columns):
        mend = "name what the select returns beside person_id"
        raise complain(path, head.line_of("columns"), "columns is no list of names", mend)
    return Trait(head["trait"], head["title"], head["owner"], tuple(columns), body)


def read_traits(folder: Path = warehouse.SQL_ROOT / "traits") -> list[Trait]:
    """All traits, by name.

    :raises ConfigError: a wrong front matter, or two files that fill one column.
    """
    owner_of: dict[str, str] = {}
    traits = []
    for path in sorted(folder.glob("*.sql")):
        trait = _read(path)
        for column in trait.columns:
            if column in owner_of:
                raise complain(path, 1, f"column {column} is filled by {owner_of[column]} too", "leave it to one file")
            owner_of[column] = trait.name
        traits.append(trait)
    return traits


def build_traits(conn: psycopg.Connection, *, as_of: date, traits: Sequence[Trait] | None = None) -> int:
    """Bring ``profile.trait`` to ``as_of``: one row per person; only rows that differ are written.

    A person a trait says nothing about gets the column's default. All persons' recency moves with the day, so another
    ``as_of`` than the table's replaces the whole table.

    :returns: rows written.
    """
    found = read_traits() if traits is None else list(traits)
    defaults = {row["column_name"]: row["column_default"] for row in warehouse.rows(conn, "profile/trait_columns")}
    standing = warehouse.rows(conn, "profile/trait_as_of")
    if standing and standing[0]["as_of"] != as_of:
        conn.execute("truncate profile.trait")
    warehouse.run(conn, "profile/41_trait_gone")
    for trait in found:
        unknown = [column for column in trait.columns if column not in defaults]
        if unknown:
            path = warehouse.SQL_ROOT / "traits" / f"{trait.name}.sql"
            raise complain(path, 1, f"profile.trait has no column {unknown[0]}", "add it with a migration")
    return conn.execute(_upsert(found, defaults), {"as_of": as_of}).rowcount


def _upsert(traits: Sequence[Trait], defaults: dict[str, str | None]) -> sql.Composed:
    """One insert that joins all traits to the persons; columns nobody fills keep their defaults."""
    columns = [(trait.name, column) for trait in traits for column in trait.columns]
    names = [sql.Identifier(column) for _, column in columns]
    values = [
        sql.SQL("coalesce({}, {})").format(sql.Identifier(trait, column), sql.SQL(defaults[column]))
        if defaults[column] else sql.Identifier(trait, column)
        for trait, column in columns
    ]
    joins = [
        sql.SQL("left join (\n{}\n) as {} on {} = p.person_id").format(
            sql.SQL(trait.body), sql.Identifier(trait.name), sql.Identifier(trait.name, "person_id"))
        for trait in traits
    ]
    return sql.SQL(
        "insert into profile.trait as o (person_id, as_of, {names})\n"
        "select p.person_id, %(as_of)s::date, {values}\nfrom profile.person as p\n{joins}\n"
        "on conflict (person_id) do update set (as_of, {names}) = row(excluded.as_of, {new})\n"
        "where (o.as_of, {old}) is distinct from (excluded.as_of, {new})"
    ).format(
        names=sql.SQL(", ").join(names), values=sql.SQL(", ").join(values), joins=sql.SQL("\n").join(joins),
        old=sql.SQL(", ").join(sql.Identifier("o", column) for _, column in columns),
        new=sql.SQL(", ").join(sql.Identifier("excluded", column) for _, column in columns),
    )
