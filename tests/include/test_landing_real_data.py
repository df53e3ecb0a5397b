"""Real exports land line by line, once: Online Retail (UCI 352) and CDNOW."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from include.landing import Landed, land
from include.sources import files

NOW = datetime(2026, 11, 21, tzinfo=UTC)
LINES = {"online-retail/online_retail.csv.gz": 541_909, "cdnow/cdnow_master.csv.gz": 69_659}


@pytest.mark.parametrize("file", LINES)
def test_a_real_export_lands_every_line_once(
    conn: psycopg.Connection, real_data: str, tmp_path: Path, file: str
) -> None:
    shutil.copy(Path(real_data) / file, tmp_path)
    drop = files.client([str(tmp_path)])

    landed = land(conn, "files.orders", drop, until=NOW)

    [counts] = conn.execute("""
        select count(*), count(distinct record_key), count(*) filter (where payload ->> '_error' is not null)
        from raw.record where batch_id = %s""", (landed.batch_id,)).fetchall()
    assert landed.rows == LINES[file]
    assert counts == (LINES[file], LINES[file], 0)
    assert land(conn, "files.orders", drop, until=NOW) == Landed(None, 0)

    (tmp_path / Path(file).name).touch()  # another time, the same content
    assert land(conn, "files.orders", drop, until=NOW) == Landed(None, 0)
