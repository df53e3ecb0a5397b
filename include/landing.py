"""Land a stream: its pages go into raw by binary COPY, and the cursor moves in the same transaction.

Killed anywhere, a run leaves nothing behind: the next one reads the same window again. A first load of millions is
landed in slices, each whole in itself, wherever the source says that reading may be resumed: a slice ends after
BATCH_ROWS rows or SLICE_SECONDS, so a kill loses a minute.
"""

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from struct import Struct
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from include import load_estimate, sweep, warehouse
from include.errors import RetriableError
from include.prefetch import prefetched
from include.sources import registry
from include.sources.mapping import table_mapping
from include.sources.pages import Page, Window

BATCH_ROWS = 500_000  # rows after which a long load commits, at the next place where it can be resumed
SLICE_SECONDS = 60.0  # and after so long, however few they are
LONGEST_KEY = 400  # characters; an index entry of Postgres ends at 2,700 bytes
COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
# JSON allows what Postgres cannot hold as text: the character zero, and halves of a surrogate pair.
_UNSTORABLE = re.compile(
    rb"((?<!\\)(?:\\\\)*)(?:\\u0000|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2})")
_LENGTH = Struct(">i").pack
_HASH_LENGTH = _LENGTH(32)


@dataclass(frozen=True)
class Landed:
    """What one landing brought.

    :param batch_id: the newest batch that holds rows, if any.
    :param rows: records that are new or changed, or gone.
    :param gone: of these, records that the source no longer has (`include.sweep`).
    :param refused: why none was deleted though too many are gone; None: that was not so.
    """

    batch_id: int | None
    rows: int
    gone: int = 0
    refused: str | None = None


def land(conn: psycopg.Connection, stream_name: str, client: Any, *, until: datetime,
         since: datetime | None = None, batch_rows: int = BATCH_ROWS,
         mapping: Mapping[str, Any] | None = None) -> Landed:
    """Read the stream's window [cursor, until) and copy its rows into raw.

    Commits; what the caller left open on ``conn`` is committed first. Rows that equal the last landed version of their
    record are left out, so windows may overlap.

    :param batch_rows: a load commits behind so many rows, at the next place where it can be resumed.
    :param since: begin here when that is earlier than the cursor; without a cursor, begin here instead of at the start.
    :param mapping: instead of the one in the source's file.
    :raises RetriableError: another run lands this stream at this moment, or the platform fails for now.
    :raises FatalError: refused; nothing of the current batch is kept.
    """
    stream = registry.stream(stream_name)
    mapping = _mapping(stream) if mapping is None else mapping
    conn.commit()
    with _alone(conn, stream.name):
        state = _stored(conn, stream.name)
        window = Window(_begin(state, since), until, state)
        if window.since is None and not state:
            load_estimate.write(conn, stream, client, window, mapping)
        with prefetched(stream.pages(client, window, mapping)) as pages:
            landed = _land_batches(conn, stream, window, pages, batch_rows, mapping)
        swept = sweep.listing(conn, stream, client, mapping, until)
    return Landed(swept.batch_id or landed.batch_id, landed.rows + swept.gone, landed.gone + swept.gone,
                  landed.refused or swept.refused)


def land_again(conn: psycopg.Connection, stream_name: str, client: Any, *, since: datetime, until: datetime,
               batch_rows: int = BATCH_ROWS, mapping: Mapping[str, Any] | None = None) -> Landed:
    """Read the window [since, until) once more, whatever the cursor says; the cursor stays where it is.

    Rows that equal the last landed version of their record are left out. Nothing happens to a stream without ranges.

    :raises RetriableError: as `land`.
    """
    stream = registry.stream(stream_name)
    if not stream.ranged:
        return Landed(None, 0)
    mapping = _mapping(stream) if mapping is None else mapping
    conn.commit()
    window = Window(since, until)
    with _alone(conn, stream.name), prefetched(stream.pages(client, window, mapping)) as pages:
        return _land_batches(conn, stream, window, pages, batch_rows, mapping, moves=False)


def _mapping(stream: registry.Stream) -> Mapping[str, Any]:
    return {} if stream.source == "files" else table_mapping(stream.name)


def _begin(state: Mapping[str, Any], since: datetime | None) -> datetime | None:
    """Never later than the cursor: a gap would lose what changed inside it."""
    stored = datetime.fromisoformat(state["since"]) if state.get("since") else None
    known = [one for one in (stored, since) if one is not None]
    return min(known).astimezone(UTC) if known else None


def _land_batches(conn: psycopg.Connection, stream: registry.Stream, window: Window, pages: Iterator[Page],
                  batch_rows: int, mapping: Mapping[str, Any], *, moves: bool = True) -> Landed:
    """:param moves: whether the stream's cursor follows; behind a part that lacks too much it does not."""
    done = Landed(None, 0)
    while True:
        batch = _land_batch(conn, stream, window, pages, batch_rows, mapping, moves and done.refused is None)
        done = Landed(batch.batch_id if batch.rows else done.batch_id, done.rows + batch.rows,
                      done.gone + batch.swept.gone, done.refused or batch.swept.refused)
        if batch.exhausted:
            return done


@dataclass(frozen=True)
class _Copied:
    batch_id: int
    rows: int
    cursor: Mapping[str, Any] | None
    exhausted: bool
    whole: tuple[str, ...] = ()
    swept: sweep.Swept = sweep.NOTHING


def _land_batch(conn: psycopg.Connection, stream: registry.Stream, window: Window, pages: Iterator[Page],
                batch_rows: int, mapping: Mapping[str, Any], moves: bool) -> _Copied:
    """One transaction: a batch, its rows, the cursor behind them."""
    name = stream.name
    with conn.transaction():
        [opened] = warehouse.rows(conn, "landing/open_batch",
                                  {"stream": name, "since": window.since, "until": window.until})
        batch_id = opened["batch_id"]
        copied = _copy(conn, name, batch_id, pages, batch_rows)
        swept = sweep.parts(conn, stream, batch_id, copied.whole, mapping, window.until, last=copied.exhausted)
        rows = copied.rows + swept.gone
        if rows and not opened["first"]:
            rows -= warehouse.run(conn, "landing/drop_unchanged", {"stream": name, "batch_id": batch_id})
        cursor = copied.cursor if copied.cursor is not None else {"since": window.until.isoformat()}
        warehouse.run(conn, "landing/close_batch", {"batch_id": batch_id, "rows": rows})
        if moves and swept.refused is None:
            warehouse.run(conn, "landing/move_cursor",
                          {"stream": name, "cursor": Jsonb(dict(cursor)), "batch_id": batch_id})
        return _Copied(batch_id, rows, cursor, copied.exhausted, swept=swept)


def _copy(conn: psycopg.Connection, stream: str, batch_id: int, pages: Iterator[Page], batch_rows: int) -> _Copied:
    """Copy pages until they end, or until the batch is large and the source can be resumed."""
    rows, cursor, whole, begun = 0, None, list[str](), time.monotonic()
    with conn.cursor() as db, db.copy(warehouse.statement("landing/copy_rows")) as copy:
        copy.write(COPY_HEADER)
        for page in pages:
            copy.write(encode(page, stream, batch_id))
            rows += len(page.rows)
            cursor = page.cursor if page.cursor is not None else cursor
            whole += page.whole
            if page.cursor is not None and (rows >= batch_rows or time.monotonic() - begun >= SLICE_SECONDS):
                break
        else:
            copy.write(COPY_END)
            return _Copied(batch_id, rows, cursor, exhausted=True, whole=tuple(whole))
        copy.write(COPY_END)
    return _Copied(batch_id, rows, cursor, exhausted=False, whole=tuple(whole))


def encode(page: Page, stream: str, batch_id: int) -> bytes:
    """A page as tuples of a binary COPY: batch_id, stream, record_key, payload, payload_hash."""
    name = stream.encode()
    start = Struct(">hiq").pack(5, 8, batch_id) + _LENGTH(len(name)) + name
    parts: list[bytes] = []
    for key, payload in page.rows:
        if b"\\u" in payload:
            payload = _UNSTORABLE.sub(rb"\1\\ufffd", payload)
        key_bytes = key.replace("\0", "\ufffd").encode() if len(key) <= LONGEST_KEY else _short(key)
        parts += (start, _LENGTH(len(key_bytes)), key_bytes, _LENGTH(len(payload)), payload, _HASH_LENGTH,
                  sha256(payload).digest())
    return b"".join(parts)


def _short(key: str) -> bytes:
    """An index holds no text of any length: an overlong key keeps its beginning and the hash of all of it."""
    start = key[:LONGEST_KEY // 2].replace("\0", "\ufffd")
    return f"{start}~{sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()}".encode()


def _stored(conn: psycopg.Connection, stream: str) -> Mapping[str, Any]:
    found = warehouse.rows(conn, "landing/read_cursor", {"stream": stream})
    conn.commit()
    return found[0]["cursor"] if found else {}


@contextmanager
def _alone(conn: psycopg.Connection, stream: str) -> Iterator[None]:
    """Hold the stream's lock; it goes with the session, so a killed run blocks nobody."""
    [answer] = warehouse.rows(conn, "landing/take_stream", {"stream": stream})
    conn.commit()
    if not answer["taken"]:
        raise RetriableError(f"{stream}: another run is landing it; wait for that one to end.", code="locked")
    try:
        yield
    finally:
        if not conn.closed:
            conn.rollback()
            warehouse.rows(conn, "landing/give_stream", {"stream": stream})
            conn.commit()
