"""The stand-ins' memory: documents in the vendors' own shapes, in one SQLite file.

A document is named by (platform, kind, id) and knows when it was made and last changed; paging, filters by
time and archived records are the same for all platforms and live here. SQLite in WAL mode behind one lock:
a call that reads and then writes does so inside ``transaction`` and is alone meanwhile.
"""

import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

FAR_FUTURE = 1 << 62  # ms; above every time stamp
Order = Literal["changed", "created", "id"]

_SCHEMA = """
create table if not exists document (
    platform text not null, kind text not null, id text not null,
    created_at integer not null, changed_at integer not null, archived integer not null, body text not null,
    unique (platform, kind, id));
create index if not exists document_by_change on document (platform, kind, changed_at, length(id), id, archived);
create index if not exists document_by_place on document (platform, kind, length(id), id, archived, changed_at);
create index if not exists document_by_birth on document (
    platform, kind, created_at, length(id), id, archived, changed_at);
drop index if exists document_by_id;
create table if not exists setting (name text primary key, value text not null);
"""
_PUT = """
insert into document (platform, kind, id, created_at, changed_at, archived, body)
values (:platform, :kind, :id, :created_at, :changed_at, :archived, :body)
on conflict (platform, kind, id) do update set
    created_at = excluded.created_at, changed_at = excluded.changed_at,
    archived = excluded.archived, body = excluded.body
"""
_GET_MANY = """
select id, created_at, changed_at, archived, body from document
where platform = :platform and kind = :kind and id in (select value from json_each(:ids))
"""
_DELETE = "delete from document where platform = ? and kind = ? and id = ?"
_MATCHING = """
from document
where platform = :platform and kind = :kind
    and changed_at >= :since and changed_at < :before and archived between :archived_from and :archived_to
    and (:path is null or json_extract(body, :path) = :value)
"""
_COUNT = "select count(*) " + _MATCHING
_COLUMNS = "select id, created_at, changed_at, archived, body " + _MATCHING
_LIMIT = " limit :limit offset :offset"
# Pages in another order must not be found by their change times: all that matches would be sorted for every page.
_IN_ORDER = _COLUMNS.replace("and changed_at", "and +changed_at")
# Ids sort by length and then by text: numbers in their order, everything else in a stable one.
_PAGES: Mapping[tuple[Order, bool], str] = {
    ("changed", False): _COLUMNS + "and (changed_at, length(id), id) > (:after_at, length(:after_id), :after_id)"
    " order by changed_at, length(id), id" + _LIMIT,
    ("changed", True): _COLUMNS + "and (changed_at, length(id), id) > (:after_at, length(:after_id), :after_id)"
    " order by changed_at desc, length(id) desc, id desc" + _LIMIT,
    ("created", False): _IN_ORDER + "and (created_at, length(id), id) > (:after_at, length(:after_id), :after_id)"
    " order by created_at, length(id), id" + _LIMIT,
    ("created", True): _IN_ORDER + "and (created_at, length(id), id) > (:after_at, length(:after_id), :after_id)"
    " order by created_at desc, length(id) desc, id desc" + _LIMIT,
    ("id", False): _IN_ORDER + "and length(id) > length(:after_id) order by length(id), id" + _LIMIT,
    ("id", True): _IN_ORDER + "and (length(id), id) > (length(:after_id), :after_id)"
    " order by length(id) desc, id desc" + _LIMIT,
}
# What comes before that page: SQLite looks up neither a row of two expressions nor an ``or`` in an index.
_AS_LONG = _IN_ORDER + "and length(id) = length(:after_id) and id > :after_id order by id" + _LIMIT
# Documents whose ids another kind lists: the members of a segment.
_LISTED = """
from document as entry
inner join document as one on one.platform = entry.platform and one.kind = :kind and one.id = entry.id
where entry.platform = :platform and entry.kind = :listed_in
    and (:path is null or json_extract(one.body, :path) in (select value from json_each(:values)))
"""
_LISTED_PAGE = (
    "select one.id, one.created_at, one.changed_at, one.archived, one.body "
    + _LISTED
    + "order by length(entry.id), entry.id limit :limit offset :offset"
)
_LISTED_COUNT = "select count(*) " + _LISTED


@dataclass(frozen=True)
class Document:
    """One record of a platform.

    :param created_at: epoch milliseconds, UTC; likewise ``changed_at``.
    :param body: the record in the vendor's own shape; a copy, changing it changes nothing in the store.
    """

    id: str
    body: dict[str, Any] = field(repr=False)
    created_at: int
    changed_at: int
    archived: bool = False


@dataclass(frozen=True)
class Filter:
    """Which documents of a kind are meant.

    :param since: changed at or after, epoch ms.
    :param before: changed before, epoch ms.
    :param archived: only archived, only live (default), or None for both.
    :param where: one JSON path and the value it must have, as in ``("$.status", "subscribed")``.
    """

    since: int = -FAR_FUTURE
    before: int = FAR_FUTURE
    archived: bool | None = False
    where: tuple[str, str | int] | None = None

    def params(self) -> dict[str, Any]:
        path, value = self.where or (None, None)
        low, high = (0, 1) if self.archived is None else (int(self.archived), int(self.archived))
        return {
            "since": self.since,
            "before": self.before,
            "archived_from": low,
            "archived_to": high,
            "path": path,
            "value": value,
        }


EVERYTHING = Filter(archived=None)


class Store:
    """All platforms' documents; safe to call from any thread.

    :param path: the SQLite file, made when missing.
    :param scratch: fast and forgetful, for a file that is thrown away when anything goes wrong.
    """

    def __init__(self, path: str | Path, *, scratch: bool = False) -> None:
        self._lock = threading.RLock()
        self._depth = 0
        self.closed = False
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # WAL with normal syncs survives a killed process; only a power cut loses the tail.
        self._db.execute("pragma journal_mode = memory" if scratch else "pragma journal_mode = wal")
        self._db.execute("pragma synchronous = off" if scratch else "pragma synchronous = normal")
        self._db.executescript(_SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Be alone in the store; everything inside is written, or nothing. May be nested."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._db.execute("begin immediate")
                yield
                if self._depth == 1:
                    self._db.execute("commit")
            finally:
                self._depth -= 1
                if self._depth == 0 and self._db.in_transaction:
                    self._db.execute("rollback")

    def put(
        self,
        platform: str,
        kind: str,
        id: str,
        body: Mapping[str, Any],
        *,
        changed_at: int,
        created_at: int | None = None,
        archived: bool = False,
    ) -> None:
        """Insert or replace one document; ``created_at`` is ``changed_at`` when not given."""
        made = changed_at if created_at is None else created_at
        self.put_many(platform, kind, [Document(id, dict(body), made, changed_at, archived)])

    def put_many(self, platform: str, kind: str, documents: Iterable[Document]) -> None:
        """Insert or replace many documents in one transaction; takes a generator, holds one document at a time."""
        rows = (
            {
                "platform": platform,
                "kind": kind,
                "id": one.id,
                "created_at": one.created_at,
                "changed_at": one.changed_at,
                "archived": int(one.archived),
                "body": orjson.dumps(one.body).decode(),
            }
            for one in documents
        )
        with self.transaction():
            self._db.executemany(_PUT, rows)

    def get(self, platform: str, kind: str, id: str) -> Document | None:
        """The document, archived or not; None when there is none."""
        with self._lock:
            row = self._db.execute(
                "select id, created_at, changed_at, archived, body from document"
                " where platform = ? and kind = ? and id = ?",
                (platform, kind, id),
            ).fetchone()
        return None if row is None else _document(row)

    def get_many(self, platform: str, kind: str, ids: Iterable[str]) -> dict[str, Document]:
        """The documents that exist, by id, in the order asked for."""
        wanted = list(ids)
        params = {"platform": platform, "kind": kind, "ids": orjson.dumps(wanted).decode()}
        with self._lock:
            found = {row[0]: _document(row) for row in self._db.execute(_GET_MANY, params)}
        return {id: found[id] for id in wanted if id in found}

    def page(
        self,
        platform: str,
        kind: str,
        matching: Filter = Filter(),
        *,
        order: Order = "changed",
        descending: bool = False,
        after: tuple[int, str] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Document]:
        """Up to ``limit`` documents in order.

        :param order: by (changed_at, id), (created_at, id) or id. Ids of digits sort as numbers.
        :param after: only what follows this (time in ms, id) in ascending order; the time is ignored by order "id".
        :param limit: -1 for all.
        """
        at, id = after if after is not None else (-FAR_FUTURE, "")
        params = {
            "platform": platform,
            "kind": kind,
            "limit": limit,
            "offset": offset,
            "after_at": at,
            "after_id": id,
            **matching.params(),
        }
        with self._lock:
            found = self._db.execute(_AS_LONG, params).fetchall() if order == "id" and id and not descending else []
            if not 0 <= limit <= len(found):
                rest = {**params, "limit": limit - len(found) if limit > 0 else limit}
                found += self._db.execute(_PAGES[order, descending], rest).fetchall()
        return [_document(row) for row in found]

    def count(self, platform: str, kind: str, matching: Filter = Filter()) -> int:
        """How many documents match."""
        with self._lock:
            return self._db.execute(_COUNT, {"platform": platform, "kind": kind, **matching.params()}).fetchone()[0]

    def listed(
        self,
        platform: str,
        kind: str,
        listed_in: str,
        *,
        among: tuple[str, Sequence[str]] | None = None,
        limit: int = -1,
        offset: int = 0,
    ) -> list[Document]:
        """Documents of ``kind`` whose ids are also ids of kind ``listed_in``, in the order of ids, archived or not.

        :param among: one JSON path and the values it may have.
        """
        params = {
            "platform": platform,
            "kind": kind,
            "listed_in": listed_in,
            "limit": limit,
            "offset": offset,
            **_among(among),
        }
        with self._lock:
            return [_document(row) for row in self._db.execute(_LISTED_PAGE, params)]

    def count_listed(
        self, platform: str, kind: str, listed_in: str, *, among: tuple[str, Sequence[str]] | None = None
    ) -> int:
        """How many ``listed`` gives in all."""
        params = {"platform": platform, "kind": kind, "listed_in": listed_in, **_among(among)}
        with self._lock:
            return self._db.execute(_LISTED_COUNT, params).fetchone()[0]

    def extend(self, schema: str) -> None:
        """An index of a platform's own, for what it looks up by something else than id and time."""
        with self._lock:
            self._db.execute(schema)

    def found(self, statement: str, params: Mapping[str, Any]) -> list[Document]:
        """Documents that a platform's own statement selects, their columns in the order of ``Document``'s row.

        :param params: a list is bound as JSON, for ``json_each``.
        """
        bound = {
            name: orjson.dumps(value).decode() if isinstance(value, list) else value for name, value in params.items()
        }
        with self._lock:
            return [_document(row) for row in self._db.execute(statement, bound)]

    def delete(self, platform: str, kind: str, id: str) -> bool:
        """Remove for good; whether there was one."""
        with self._lock:
            return self._db.execute(_DELETE, (platform, kind, id)).rowcount > 0

    def delete_many(self, platform: str, kind: str, ids: Iterable[str]) -> None:
        """Remove many for good, in one transaction."""
        with self.transaction():
            self._db.executemany(_DELETE, ((platform, kind, id) for id in ids))

    def get_setting(self, name: str, default: Any = None) -> Any:
        """A value of the whole installation (seed, day, ids), as it was set."""
        with self._lock:
            row = self._db.execute("select value from setting where name = ?", (name,)).fetchone()
        return default if row is None else orjson.loads(row[0])

    def set_setting(self, name: str, value: Any) -> None:
        """Keep any JSON value under a name."""
        with self._lock:
            self._db.execute(
                "insert into setting (name, value) values (?, ?)"
                " on conflict (name) do update set value = excluded.value",
                (name, orjson.dumps(value).decode()),
            )

    def save_to(self, path: str | Path) -> None:
        """Copy the whole store into a file of its own."""
        with self._lock, sqlite3.connect(path) as copy:
            self._db.backup(copy)
        copy.close()

    def restore_from(self, path: str | Path) -> None:
        """Replace everything with what ``save_to`` wrote."""
        with self._lock, sqlite3.connect(path) as copy:
            copy.backup(self._db)
        copy.close()

    def close(self) -> None:
        with self._lock:
            self.closed = True
            self._db.close()


def _among(among: tuple[str, Sequence[str]] | None) -> dict[str, Any]:
    path, values = among or (None, ())
    return {"path": path, "values": orjson.dumps(list(values)).decode()}


def _document(row: tuple[str, int, int, int, str]) -> Document:
    id, created_at, changed_at, archived, body = row
    return Document(id, orjson.loads(body), created_at, changed_at, bool(archived))
