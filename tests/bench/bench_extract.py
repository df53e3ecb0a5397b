"""How fast pages of an API become rows in raw: against dlt on the same server, and against a bare COPY."""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import psycopg
import requests

from include import landing, warehouse
from include.runtime.postgres import free_port
from include.sources import mailchimp
from tests.bench.measure import Bench, Measure, peak_mb
from tests.bench.members_server import member
from tests.bench.peers import python_with
from tests.bench.postgres import throwaway_warehouse

ROOT = Path(__file__).resolve().parents[2]
ROWS = 60_000  # a minute for three turns on a slow disk
DLT_ROWS = 15_000  # enough for a rate: dlt takes seconds for them
FEW, MANY = 100_000, 5_000_000


@contextmanager
def _server(rows: int) -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.members_server", str(port), str(rows)], cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while not _answers(url):
            if time.monotonic() > deadline:
                raise RuntimeError("The bench's server did not come up.")
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=10)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/3.0/lists/bench/members?count=1", timeout=2).ok
    except requests.ConnectionError:
        return False


def _land(conn: psycopg.Connection, url: str, rows: int) -> float:
    """Seconds to land the list."""
    begun = time.perf_counter()
    landed = landing.land(conn, "mailchimp.members", mailchimp.client(url, "key", "bench"), until=datetime.now(UTC))
    seconds = time.perf_counter() - begun
    if landed.rows != rows:
        raise RuntimeError(f"{landed.rows} rows landed instead of {rows}.")
    return seconds


def _copy(conn: psycopg.Connection, rows: int) -> float:
    """Seconds of a bare COPY of the same rows, ready in memory, into the same table."""
    ready = [(0, "mailchimp.members", one[7:39].decode(), one.decode(), sha256(one).digest())
             for one in (member(number) for number in range(rows))]
    begun = time.perf_counter()
    with conn.cursor() as db, db.copy(warehouse.statement("landing/copy_rows")) as copy:
        copy.set_types(["int8", "text", "text", "json", "bytea"])
        for one in ready:
            copy.write_row(one)
    conn.commit()
    return time.perf_counter() - begun


def _emptied(conn: psycopg.Connection) -> None:
    conn.execute("truncate raw.record, ops.stream_cursor, ops.batch, ops.check_result, ops.quarantine cascade")
    conn.commit()


def measure_vs_copy() -> Measure:
    """Our landing (HTTP, parsing, hashing, COPY) against the COPY alone; the best of three turns of each."""
    with throwaway_warehouse() as url, warehouse.connect(url) as conn, _server(ROWS) as server:
        ours, bare = [], []
        for _ in range(3):
            ours.append(_land(conn, server, ROWS))
            _emptied(conn)
            bare.append(_copy(conn, ROWS))
            _emptied(conn)
    seconds, copy = min(ours), min(bare)  # what else the machine does only ever adds
    return Measure(ratio=seconds / copy, seconds=seconds, rows_per_second=ROWS / seconds,
                   note=f"{ROWS:,} rows over HTTP; bare COPY of them takes {copy:.1f} s")


def measure_vs_dlt() -> Measure:
    """Rows per second of our landing against dlt's REST source into the same Postgres."""
    python = python_with("dlt[postgres]")
    folder = tempfile.mkdtemp(prefix="bench-dlt-")
    try:
        with throwaway_warehouse() as url, warehouse.connect(url) as conn:
            with _server(DLT_ROWS) as server:
                answer = subprocess.run([str(python), str(ROOT / "tests/bench/dlt_members.py"), server, url, folder],
                                        capture_output=True, text=True, check=True)
            with _server(ROWS) as server:
                seconds = _land(conn, server, ROWS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    theirs = DLT_ROWS / float(answer.stdout.split()[-1])
    return Measure(ratio=ROWS / seconds / theirs, seconds=seconds, rows_per_second=ROWS / seconds,
                   note=f"dlt: {theirs:,.0f} rows/s over {DLT_ROWS:,} rows")


def peak_of_landing(url: str, server: str, rows: int) -> tuple[float, float]:
    """Seconds and megabytes at most of this process, which lands so many rows and does nothing else."""
    with warehouse.connect(url) as conn:
        return _land(conn, server, rows), peak_mb()


def _in_a_process(rows: int) -> tuple[float, float]:
    with (
        throwaway_warehouse() as url,
        _server(rows) as server,
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process,
    ):
        return process.submit(peak_of_landing, url, server, rows).result()


def extract_memory() -> Measure:
    """Megabytes at most of a landing of five million rows against one of a hundred thousand."""
    _, few = _in_a_process(FEW)
    seconds, many = _in_a_process(MANY)
    note = f"{FEW:,} rows {few:,.0f} MB, {MANY:,} rows {many:,.0f} MB"
    return Measure(many / few, seconds, MANY / seconds, note, many)


BENCHES: dict[str, Bench] = {
    "extract_vs_copy": measure_vs_copy,
    "extract_vs_dlt": measure_vs_dlt,
    "extract_memory": extract_memory,
}
