"""A landing killed with SIGKILL while it copies: what was committed stands, and the next one brings each row once."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from include import load_estimate
from include.landing import Landed, land
from include.sources import mailchimp
from tests.include.sources.mailing_list import BEGIN, List, shown
from tests.include.sources.small_server import Answer, Asked, serving

ROOT = Path(__file__).resolve().parents[2]
STREAM = "mailchimp.members"
MEMBERS, KNOWN = 6500, 1500
UNTIL = BEGIN + timedelta(days=1)
NEVER = 1_000_000


class Halting(List):
    """Holds back one page, so that who reads stands still between two of them."""

    def __init__(self, page: int) -> None:
        super().__init__({number: number for number in range(MEMBERS)})
        self.reached, self.released = threading.Event(), threading.Event()
        self._left = page
        self.after_answer = self._halt

    def _halt(self, asked: Asked) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached.set()
            self.released.wait(120)


def land_here(conn: psycopg.Connection, members: List, until: timedelta) -> Landed:
    with serving(members.answer) as url:
        return land(conn, STREAM, mailchimp.client(url, "key", "list"), until=BEGIN + until)


@contextmanager
def landing_process(warehouse_url: str, server: str, batch_rows: int,
                    until: datetime = UNTIL) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tests.include.sources.land_members", warehouse_url, server, until.isoformat()]
    process = subprocess.Popen([*command, str(batch_rows)], cwd=ROOT)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def kill_at_page(warehouse_url: str, page: int, batch_rows: int) -> None:
    """Start a landing and kill it when it has asked for the page: at least the one two before it is being copied."""
    members = Halting(page)
    with serving(members.answer) as server, landing_process(warehouse_url, server, batch_rows):
        assert members.reached.wait(60)
    members.released.set()


def until_postgres_noticed(conn: psycopg.Connection) -> None:
    """Return when the killed session is gone, and with it its lock."""
    conn.execute("select pg_advisory_lock(7210002, hashtext(%s))", (STREAM,))
    conn.execute("select pg_advisory_unlock(7210002, hashtext(%s))", (STREAM,))
    conn.commit()


def stands(conn: psycopg.Connection) -> tuple[int, int, int, object]:
    """Rows, records, batches, cursor."""
    [counted] = conn.execute("select count(*), count(distinct record_key) from raw.record").fetchall()
    [(batches,)] = conn.execute("select count(*) from ops.batch").fetchall()
    cursor = conn.execute("select cursor from ops.stream_cursor").fetchone()
    conn.commit()
    return (*counted, batches, cursor and cursor[0])


def test_killed_in_its_first_batch_nothing_is_left_and_the_next_run_brings_everything_once(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    kill_at_page(warehouse_url, 7, NEVER)
    until_postgres_noticed(conn)

    assert stands(conn) == (0, 0, 0, None)
    assert land_here(conn, List({number: number for number in range(MEMBERS)}), timedelta(days=1)).rows == MEMBERS
    assert stands(conn)[:3] == (MEMBERS, MEMBERS, 1)


@pytest.mark.parametrize("page", [2, 4, 6])  # the first answer is that of archived members
def test_killed_at_any_page_the_cursor_stays_where_it_was(
    conn: psycopg.Connection, warehouse_url: str, page: int
) -> None:
    everybody = List({number: number for number in range(MEMBERS)})
    land_here(conn, everybody, timedelta(seconds=KNOWN))
    before = stands(conn)

    kill_at_page(warehouse_url, page, NEVER)
    until_postgres_noticed(conn)

    assert stands(conn) == before
    assert land_here(conn, everybody, timedelta(days=1)).rows == MEMBERS - KNOWN
    assert stands(conn)[:3] == (MEMBERS, MEMBERS, 2)


def test_killed_in_a_later_batch_the_ones_before_it_stand_and_the_next_run_goes_on_behind_them(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    kill_at_page(warehouse_url, 8, 2000)
    until_postgres_noticed(conn)
    rows, records, batches, cursor = stands(conn)

    assert 0 < rows == records < MEMBERS
    assert batches >= 1
    assert cursor == {"since": (BEGIN + timedelta(seconds=rows - 1)).isoformat()}

    everybody = List({number: number for number in range(MEMBERS)})
    assert land_here(conn, everybody, timedelta(days=1)).rows == MEMBERS - rows
    assert stands(conn)[:2] == (MEMBERS, MEMBERS)


class Long:
    """A list whose member ``n`` changed in second ``n``: pages cost the same however long it is. Counts its pages."""

    def __init__(self, members: int, halt_at: int = 0) -> None:
        self.members, self.pages, self._halt_at = members, 0, halt_at
        self.reached, self.released = threading.Event(), threading.Event()

    def answer(self, asked: Asked) -> Answer:
        if asked.query.get("status") == "archived" or asked.query["count"] == "1":
            return Answer({"members": [], "total_items": self.members})
        since = datetime.fromisoformat(asked.query.get("since_last_changed", BEGIN.isoformat()))
        first = max(0, int((since - BEGIN).total_seconds()))
        found = [shown(number, number) for number in range(first, min(first + 1000, self.members))]
        self.pages += 1
        if self.pages == self._halt_at:
            self.reached.set()
            self.released.wait(600)
        return Answer({"members": found, "total_items": self.members})


@pytest.mark.timeout(3600)
def test_a_first_load_killed_at_60_percent_resumes_with_the_remaining_40(
    conn: psycopg.Connection, warehouse_url: str
) -> None:
    """``FIRST_LOAD=1000000`` plays it at full size."""
    members = int(os.environ.get("FIRST_LOAD", "20000"))
    slice_rows, pages, until = members // 20, members // 1000, BEGIN + timedelta(seconds=members)
    first = Long(members, halt_at=pages * 6 // 10 + 1)
    with serving(first.answer) as server, landing_process(warehouse_url, server, slice_rows, until):
        assert first.reached.wait(600)
    first.released.set()
    until_postgres_noticed(conn)
    rows, records, *_ = stands(conn)
    assert members * 6 // 10 - slice_rows - 3000 <= rows == records <= members * 6 // 10

    rest = Long(members)
    with serving(rest.answer) as url:
        landed = land(conn, STREAM, mailchimp.client(url, "key", "list"), until=until, batch_rows=slice_rows)

    assert rows + landed.rows == members
    assert stands(conn)[:2] == (members, members)
    assert rest.pages <= pages * 4 // 10 + slice_rows // 1000 + 5  # what the slice that died had read, and the overlap
    [estimated] = load_estimate.newest(conn, STREAM)
    assert estimated.records == 2 * members  # the list says the same of its archived ones
