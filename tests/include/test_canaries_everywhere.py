"""A row that breaks a rule, with a canary in every column that can hold one, of every stream: the check tells none.

The end-to-end test plants canaries at the platforms, where the merchant has rows to model them on. Here each
suite gets a row of its own shape, so that a new stream is covered without a line.
"""

import json
import logging
from typing import Any

import psycopg
import pytest

from include import quality
from include.results import draw
from include.results.store import PageFolder
from include.stream_watch import states
from include.suites import SUITE_ROOT, read_suite
from include.task_run import TaskKey
from tests import canaries
from tests.include.gate import STREAMS, GateStream, good, land, staged

SUITES = sorted(path.stem for path in SUITE_ROOT.glob("*.json"))
OURS = ("stream", "record_key", "payload_hash", "bad_casts", "lacks")  # what a staging statement writes there is ours
KEY = TaskKey("d", "r", "t", -1, 1)


def planted(conn: psycopg.Connection, stream: GateStream) -> dict[str, Any]:
    """A row that cannot be read, with an address, a name or an unusual text wherever there is room.

    Columns in which a critical rule knows each word (a consent's state) stay as they are: the batch would stop.
    """
    rules = read_suite(stream.suite).rules
    critical = [rule for rule in rules if rule.severity == "critical" and "value_set" in rule.kwargs]
    words = {column for rule in critical for column in rule.columns}
    columns = conn.execute(
        "select column_name, data_type from information_schema.columns where table_schema = 'checking'"
        " and table_name = %s and is_generated = 'NEVER' and not column_name = any(%s)", (stream.shape, list(OURS)),
    ).fetchall()  # fmt: skip
    columns = [(name, kind) for name, kind in columns if name not in words]
    word, told = canaries.word(stream.name), canaries.address(stream.name)
    room = {
        "text": told if stream.shape == "person_record" else canaries.unusual(stream.name),
        "jsonb": {told: word},
        "ARRAY": [word, told],
    }
    row = good(stream, 7) | {name: room[kind] for name, kind in columns if kind in room}
    return row | {"bad_casts": ["changed_at"]}


@pytest.mark.parametrize("name", SUITES)
def test_a_row_full_of_canaries_is_set_aside_and_told_nowhere(
    conn: psycopg.Connection, warehouse_url: str, tmp_path: Any, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    stream = STREAMS[name]
    land(conn, stream, *[good(stream, number) for number in range(1, 6)], planted(conn, stream))
    checked = quality.check_stream(conn, warehouse_url, stream, staged=staged, max_quarantine_share=0.5)
    assert checked.quarantined == 1
    about: dict[str, Any] = {"stream": stream.name, "owner": checked.owner, "link": None}
    folder = PageFolder(str(tmp_path))
    pages = [draw.draw_newest(conn, folder, name, key=KEY, **about), f"{name}/{draw.INDEX}", draw.INDEX]
    tables = conn.execute("select tablename from pg_tables where schemaname = 'ops'").fetchall()
    told = {
        **{f"ops.{table}": canaries.rows_of(conn, "ops", table) for (table,) in tables},
        **{str(path): folder.read(str(path)).decode() for path in pages},
        "notices": json.dumps([vars(state) for state in states(checked)]),
        "result": repr(checked),
        "log": caplog.text,
    }
    assert canaries.sightings(told.items()) == {}
