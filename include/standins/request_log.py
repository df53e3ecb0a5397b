"""The request log: every request a stand-in got, whole, and what it answered. Tests read the truth from here.

Kept in SQLite beside the store, bodies compressed. Request bodies are always kept whole, so that every
identifier ever sent can be found again; answers may be kept only where something was refused, which a run over
tens of thousands of customers needs. Secrets are taken out before anything is written.
"""

import base64
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import orjson

SECRET_HEADERS = frozenset({"authorization", "x-shopify-access-token", "api-key", "access-token", "cookie"})
Answers = Literal["all", "refusals"]

_SCHEMA = """
create table if not exists request (
    id integer primary key, at real not null, seconds real not null, platform text not null, method text not null,
    path text not null, query text not null, headers text not null, body blob not null,
    status integer, answer_headers text not null, answer blob, fault text, applied integer not null);
create index if not exists request_by_platform on request (platform, id);
"""
_INSERT = """
insert into request (at, seconds, platform, method, path, query, headers, body,
    status, answer_headers, answer, fault, applied)
values (:at, :seconds, :platform, :method, :path, :query, :headers, :body,
    :status, :answer_headers, :answer, :fault, :applied)
"""
_READ = """
select id, at, seconds, platform, method, path, query, headers, body, status, answer_headers, answer, fault, applied
from request
where id > :after and (:platform is null or platform = :platform) and (:method is null or method = :method)
    and (:path is null or path like :path)
order by id limit :limit
"""
_COUNT = """
select platform, method, coalesce(status, 0), count(*) from request group by 1, 2, 3 order by 1, 2, 3
"""


@dataclass(frozen=True)
class Recorded:
    """One request and its answer.

    :param at: seconds since the epoch; ``seconds`` is how long it took.
    :param path: with the platform's prefix, percent-encoded as it came.
    :param status: None when the connection was broken on purpose and no answer was given.
    :param answer: None when it was not kept.
    :param fault: kind of the fault that struck, or None.
    :param applied: whether the platform's own code saw the request.
    """

    at: float
    seconds: float
    platform: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    answer: bytes | None = field(default=None, repr=False)
    fault: str | None = None
    applied: bool = True
    id: int = 0

    def json(self) -> Any:
        """The request's body, decoded; None when it is empty."""
        return orjson.loads(self.body) if self.body else None

    def answer_json(self) -> Any:
        """The answer's body, decoded; None when it is empty or was not kept."""
        return orjson.loads(self.answer) if self.answer else None

    def to_wire(self) -> dict[str, Any]:
        """As JSON can carry it: bodies in base64."""
        return {
            **self.__dict__,
            "headers": dict(self.headers),
            "answer_headers": dict(self.answer_headers),
            "body": base64.b64encode(self.body).decode(),
            "answer": None if self.answer is None else base64.b64encode(self.answer).decode(),
        }

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> "Recorded":
        """The other way round."""
        answer = wire["answer"]
        return cls(
            **{
                **wire,
                "body": base64.b64decode(wire["body"]),
                "answer": None if answer is None else base64.b64decode(answer),
            }
        )


class RequestLog:
    """All requests in the order they were answered; safe to call from any thread.

    :param answers: keep every answer, or only those with a status of 400 and above.
    :param secrets: tokens that are struck out of paths, queries and bodies.
    """

    def __init__(self, path: str | Path, *, answers: Answers = "all", secrets: Collection[str] = ()) -> None:
        self._lock = threading.Lock()
        self._answers = answers
        self._secrets = tuple(secrets)
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = off")  # a log for tests: speed before safety
        self._db.executescript(_SCHEMA)

    def record(self, one: Recorded) -> None:
        """Append one request."""
        kept = self._answers == "all" or (one.status or 0) >= 400
        row = {
            **one.__dict__,
            "path": self._without_secrets(one.path.encode()).decode(),
            "query": self._without_secrets(one.query.encode()).decode(),
            "headers": _plain(one.headers),
            "body": zlib.compress(self._without_secrets(one.body), 1),
            "answer_headers": _plain(one.answer_headers),
            "answer": None if one.answer is None or not kept else zlib.compress(one.answer, 1),
            "applied": int(one.applied),
        }
        with self._lock:
            self._db.execute(_INSERT, row)

    def read(
        self, *, platform: str | None = None, method: str | None = None, path: str | None = None, after: int = 0
    ) -> Iterator[Recorded]:
        """Yield requests in order, at most 50 in memory.

        :param path: SQL LIKE pattern over the path with its prefix, as in ``"/mailchimp/%/segments/%"``.
        :param after: only those with a greater id.
        """
        while True:
            with self._lock:
                rows = self._db.execute(
                    _READ, {"platform": platform, "method": method, "path": path, "after": after, "limit": 50}
                ).fetchall()
            if not rows:
                return
            yield from (_recorded(row) for row in rows)
            after = rows[-1][0]

    def counts(self) -> list[dict[str, Any]]:
        """How many requests by platform, method and status; status 0 is a broken connection."""
        with self._lock:
            found = self._db.execute(_COUNT).fetchall()
        return [dict(zip(("platform", "method", "status", "requests"), row, strict=True)) for row in found]

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._db.execute("delete from request")

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def _without_secrets(self, text: bytes) -> bytes:
        for secret in self._secrets:
            text = text.replace(secret.encode(), b"***")
        return text


def _plain(headers: Mapping[str, str]) -> str:
    return orjson.dumps({name: value for name, value in headers.items() if name.lower() not in SECRET_HEADERS}).decode()


def _recorded(row: tuple) -> Recorded:
    (id, at, seconds, platform, method, path, query, headers, body, status, answer_headers, answer, fault, applied) = (
        row
    )
    return Recorded(
        at,
        seconds,
        platform,
        method,
        path,
        query,
        orjson.loads(headers),
        zlib.decompress(body),
        status,
        orjson.loads(answer_headers),
        None if answer is None else zlib.decompress(answer),
        fault,
        bool(applied),
        id,
    )
