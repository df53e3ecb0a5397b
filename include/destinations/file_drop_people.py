"""Everybody in a snapshot, in a file without a name: a million people take disk, not memory.

The file is the database's own (SQLite) and unlinked as soon as it is open: a worker that is killed leaves nobody's
address behind.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Any

import orjson

IDENTIFIERS = ("email", "phone")
_SCHEMA = """
pragma journal_mode = off;
pragma synchronous = off;
create table person (number integer primary key, email text, phone text, others blob not null);
create index by_email on person (email) where email is not null;
create index by_phone on person (phone) where phone is not null;
"""
_INSERT = "insert into person (email, phone, others) values (?, ?, ?)"
_REPLACE = "update person set email = ?, phone = ?, others = ? where number = ?"
_BY_EMAIL = "select number, email, phone, others from person where email = ? order by number limit 1"
_BY_PHONE = "select number, email, phone, others from person where phone = ? order by number limit 1"
_BY_PHONE_ALONE = (
    "select number, email, phone, others from person where phone = ? and email is null order by number limit 1"
)
_HOLDERS = {"email": "select number from person where email = ?", "phone": "select number from person where phone = ?"}
_LET_GO = {
    "email": "update person set email = null where number = ?",
    "phone": "update person set phone = null where number = ?",
}
_DROP_NAMELESS = "delete from person where number = ? and email is null and phone is null"
_EVERYBODY = "select email, phone, others from person order by coalesce(email, ''), coalesce(phone, ''), number"

Row = dict[str, Any]


class People(AbstractContextManager["People"]):
    """Everybody in an audience. Whom a row means: the first identifier that both carry decides, the address first."""

    def __init__(self) -> None:
        self._file = sqlite3.connect("", isolation_level=None)  # no name: a temporary file of its own
        self._file.executescript(_SCHEMA)
        self._file.execute("begin")

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def load(self, rows: Iterable[Row]) -> None:
        """Rows as `rows` gave them; nobody is looked for."""
        self._file.executemany(_INSERT, map(_columns, rows))

    def apply(self, operation: str, rows: Iterable[Row]) -> None:
        """One batch."""
        for row in rows:
            (self._remove if operation == "remove" else self._put)(row)

    def rows(self) -> Iterator[Row]:
        """Everybody, in the order of their identifiers."""
        return map(_row, self._file.execute(_EVERYBODY))

    def _put(self, row: Row) -> None:
        cleared = row.get("cleared", "").split()
        number, before = self._known(row)
        kept = {name: value for name, value in before.items() if name not in cleared}
        now = _columns({**kept, **{name: value for name, value in row.items() if name != "cleared"}})
        if number is None:
            self._file.execute(_INSERT, now)
        else:
            self._file.execute(_REPLACE, (*now, number))

    def _known(self, row: Row) -> tuple[int | None, Row]:
        """The person a row means, by number, as they stand; None: nobody yet."""
        email, phone = (row.get(name) or None for name in IDENTIFIERS)
        found = self._file.execute(_BY_EMAIL, (email,)).fetchone() if email else None
        if found is None and phone:  # of two addresses, each is its own person
            found = self._file.execute(_BY_PHONE_ALONE if email else _BY_PHONE, (phone,)).fetchone()
        return (None, {}) if found is None else (found[0], _row(found[1:]))

    def _remove(self, row: Row) -> None:
        for name in IDENTIFIERS:
            if row.get(name):
                holders = self._file.execute(_HOLDERS[name], (row[name],)).fetchall()
                self._file.executemany(_LET_GO[name], holders)
                self._file.executemany(_DROP_NAMELESS, holders)


def _columns(row: Mapping[str, Any]) -> tuple[str | None, str | None, bytes]:
    others = {name: value for name, value in row.items() if name not in IDENTIFIERS}
    return row.get("email") or None, row.get("phone") or None, orjson.dumps(others)


def _row(found: tuple[str | None, str | None, bytes]) -> Row:
    email, phone, others = found
    return {**({"email": email} if email else {}), **({"phone": phone} if phone else {}), **orjson.loads(others)}
