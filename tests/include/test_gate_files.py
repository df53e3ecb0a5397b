"""The gate on dropped files: what leaves a file leaves staging, and a mapping says how much of its file may be held."""

import os
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from include import landing, publishing, quality
from include.errors import CriticalCheckError
from include.sources import registry
from include.sources.files import Folders
from tests.include.gate import column

MAPPING = """
match: ["shop*.csv"]
shape: orders
columns: {order_key: id, occurred_at: at, amount: amount}
ids: {shop_customer: customer}
constants: {currency: EUR, timezone: UTC}
"""
ALL_MAY_BE_HELD = "options: {max_quarantine_share: 1}\n"
STREAM = registry.stream("files.orders")


def drop(folder: Path, *customers: str, mapping: str = MAPPING, age: int) -> None:
    """A file with a line for each customer; ``age`` tells its versions apart."""
    (folder / "shop.yaml").write_text(mapping)
    lines = [f"o{number},2026-11-0{1 + number % 9},{number}.50,{who}" for number, who in enumerate(customers, 1)]
    (folder / "shop.csv").write_text("\n".join(["id,at,amount,customer", *lines, ""]))
    os.utime(folder / "shop.csv", (1_700_000_000 + age, 1_700_000_000 + age))


def take(conn: psycopg.Connection, url: str, folder: Path) -> publishing.Published:
    """Land, check and publish what lies in the folder."""
    landing.land(conn, STREAM.name, Folders((str(folder),)), until=datetime(2026, 11, 21, tzinfo=UTC))
    quality.check_stream(conn, url, STREAM)
    done = publishing.publish_stream(conn, STREAM)
    conn.commit()
    return done


def test_a_line_that_left_its_file_leaves_staging(conn, warehouse_url, tmp_path):
    drop(tmp_path, "ann", "bob", "cyd", age=1)
    assert take(conn, warehouse_url, tmp_path) == publishing.Published(rows=3, deleted=0, quarantined=0)
    drop(tmp_path, "ann", age=2)
    assert take(conn, warehouse_url, tmp_path) == publishing.Published(rows=0, deleted=2, quarantined=0)
    assert column(conn, "select ids ->> 'shop_customer' from staging.files_orders") == ["ann"]
    drop(tmp_path, "ann", "dan", age=3)
    assert take(conn, warehouse_url, tmp_path).rows == 1
    assert column(conn, "select ids ->> 'shop_customer' from staging.files_orders order by 1") == ["ann", "dan"]


def test_a_mapping_says_how_much_of_its_file_may_be_held(conn, warehouse_url, tmp_path):
    drop(tmp_path, *["ann"] * 10, *[""] * 30, age=1)
    with pytest.raises(CriticalCheckError, match=r"30 of 40 records break a rule, 75.0%; expected at most 5.0%"):
        take(conn, warehouse_url, tmp_path)
    drop(tmp_path, *["ann"] * 10, *[""] * 30, mapping=MAPPING + ALL_MAY_BE_HELD, age=1)
    assert take(conn, warehouse_url, tmp_path) == publishing.Published(rows=10, deleted=0, quarantined=30)
    assert column(conn, "select distinct rule from ops.quarantine") == ["customer_missing"]
    share = column(conn, "select details -> 'max_quarantine_share' from ops.check_result"
                         " where rule = 'quarantine_share' order by check_id")
    assert share[-1] == 1
