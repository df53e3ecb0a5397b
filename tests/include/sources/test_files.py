"""Dropped files as people drop them: Parquet, gz, other places than this disk, files that shrink, broken lines."""

import gzip
import logging
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fsspec
import psycopg
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from include import warehouse
from include.errors import ConfigError
from include.landing import Landed, land
from include.sources import files
from include.sources.mapping import staging_parameters

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PERSONS = """
match: ["club_*"]
shape: persons
key: [card]
columns: {email: mail, phone: phone, phone_country: land, last_name: name, city: town, country: land, changed_at: since}
ids: {loyalty: card}
consent:
  email: {path: news, granted: [ja], withdrawn: [nein], at: since}
constants: {timezone: Europe/Berlin, date_order: dmy}
"""
ORDERS = """
match: ["sales_*"]
shape: orders
columns: {order_key: receipt, occurred_at: at, amount: total, email: mail}
constants: {currency: EUR}
"""
CLUB = "card,mail,phone,name,town,land,news,since\n"


def drop(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def landed(conn: psycopg.Connection, stream: str, *folders: Path | str) -> Landed:
    return land(conn, stream, files.client([str(one) for one in folders]), until=NOW)


def staged(conn: psycopg.Connection, stream: str) -> list[dict[str, Any]]:
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch")]
    return warehouse.rows(conn, f"staging/stg_{stream.replace('.', '__')}", staging_parameters(stream, batches))


def tables(rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows)


def test_persons_of_a_dropped_list_are_staged_with_consent_and_ids(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "club.yaml", PERSONS)
    drop(tmp_path, "club_2026.csv", CLUB + "K1,Ann@X.example,0171 1234567,Lee,Kiel,DE,ja,20.11.2026 10:00\n"
         "K2,bo@x.example,,Lo,Bonn,DE,nein,19.11.2026 09:00\nK3,cy@x.example,,Li,Ulm,DE,,18.11.2026 09:00\n")

    assert landed(conn, "files.persons", tmp_path).rows == 3

    found = {row["record_key"]: row for row in staged(conn, "files.persons")}
    assert {key: row["consent_email"] for key, row in found.items()} == {"K1": "granted", "K2": "withdrawn", "K3": None}
    assert found["K1"]["consent_email_at"] == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (found["K1"]["ids"], found["K1"]["city"]) == ({"loyalty": "K1"}, "Kiel")
    assert all(row["bad_casts"] == [] for row in found.values())


def test_a_file_goes_to_the_stream_its_mapping_names(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "club.yaml", PERSONS)
    drop(tmp_path, "sales.yaml", ORDERS)
    drop(tmp_path, "club_1.csv", CLUB + "K1,,,,,,,\n")
    drop(tmp_path, "sales_1.csv", "receipt,at,total,mail\n1,2026-11-20,5.00,a@x.example\n2,2026-11-20,6.00,\n")

    assert landed(conn, "files.persons", tmp_path).rows == 1
    assert landed(conn, "files.orders", tmp_path).rows == 2


def test_parquet_keeps_numbers_and_times_as_they_are(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    at = datetime(2026, 11, 20, 8, 30, tzinfo=UTC)
    parquet.write_table(tables([
        {"receipt": 7, "at": at, "total": Decimal("1234.50"), "mail": "a@x.example", "note": None},
        {"receipt": 8, "at": at, "total": Decimal("-0.05"), "mail": None, "note": b"\xff"},
    ]), tmp_path / "sales_1.parquet")

    assert landed(conn, "files.orders", tmp_path).rows == 2

    found = sorted((row["order_key"], row["amount_minor"], row["occurred_at"], row["bad_casts"])
                   for row in staged(conn, "files.orders"))
    assert found == [("7", 123450, at, []), ("8", -5, at, [])]


def test_parquet_without_a_column_of_its_mapping_names_line_and_file(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    parquet.write_table(tables([{"receipt": 7, "at": "2026-11-20", "mail": ""}]), tmp_path / "sales_1.parquet")

    with pytest.raises(ConfigError, match=r"sales\.yaml, line 4: the column 'total' is missing in .*sales_1\.parquet"):
        landed(conn, "files.orders", tmp_path)


def test_more_rows_of_parquet_than_a_page_are_numbered_through(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    many = [{"receipt": number, "at": "2026-11-20", "total": "1.00", "mail": ""} for number in range(12_001)]
    parquet.write_table(tables(many), tmp_path / "sales_1.parquet", row_group_size=4000)

    assert landed(conn, "files.orders", tmp_path).rows == 12_001
    [(keys, last)] = conn.execute(
        "select count(distinct record_key), max((payload ->> '_line')::int) from raw.record").fetchall()
    assert (keys, last) == (12_001, 12_001)


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz"])
def test_a_compressed_file_is_read_like_a_plain_one(conn: psycopg.Connection, tmp_path: Path, ending: str) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    with fsspec.open(str(tmp_path / f"sales_1.csv.{ending}"), "wt", compression="infer", encoding="utf-8") as file:
        file.write("receipt,at,total,mail\n1,2026-11-20,5.00,\n2,2026-11-20,6.00,\n")

    assert landed(conn, "files.orders", tmp_path).rows == 2
    assert {row["order_key"]: row["amount_minor"] for row in staged(conn, "files.orders")} == {"1": 500, "2": 600}


def test_a_gz_that_ends_too_early_leaves_nothing_and_is_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    lines = "".join(f"{number},2026-11-20,{number}.00,p{number}@x.example\n" for number in range(30_000))
    packed = gzip.compress(f"receipt,at,total,mail\n{lines}".encode())
    drop(tmp_path, "sales_1.csv.gz", packed[:len(packed) // 2])

    with pytest.raises(ConfigError, match=r"sales_1\.csv\.gz cannot be read"):
        landed(conn, "files.orders", tmp_path)
    assert conn.execute("select count(*) from raw.record").fetchone() == (0,)


def test_a_file_that_is_no_parquet_is_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    drop(tmp_path, "sales_1.parquet", "receipt,at\n")

    with pytest.raises(ConfigError, match=r"sales_1\.parquet cannot be read"):
        landed(conn, "files.orders", tmp_path)


@pytest.fixture
def bucket() -> Iterator[str]:
    """A place that is no disk: an object store in this process."""
    url = f"memory://drop-{uuid.uuid4().hex}"
    store, root = fsspec.core.url_to_fs(url)
    store.makedirs(root)
    yield url
    store.rm(root, recursive=True)


def put(url: str, name: str, text: str) -> None:
    with fsspec.open(f"{url}/{name}", "wb") as file:
        file.write(text.encode())


def test_files_of_an_object_store_are_landed_once_and_again_when_they_change(
    conn: psycopg.Connection, bucket: str
) -> None:
    put(bucket, "sales.yaml", ORDERS)
    put(bucket, "november/sales_1.csv", "receipt,at,total,mail\n1,2026-11-20,5.00,\n2,2026-11-20,6.00,\n")

    assert landed(conn, "files.orders", bucket).rows == 2
    assert landed(conn, "files.orders", bucket) == Landed(None, 0)

    put(bucket, "november/sales_1.csv", "receipt,at,total,mail\n1,2026-11-20,5.00,\n2,2026-11-20,9.00,\n")
    assert landed(conn, "files.orders", bucket).rows == 1


def test_several_folders_are_one_source_and_equal_names_stay_apart(
    conn: psycopg.Connection, tmp_path: Path, bucket: str
) -> None:
    for place in (tmp_path, bucket):
        text = f"receipt,at,total,mail\n{len(str(place))},2026-11-20,5.00,\n"
        put(bucket, "sales_1.csv", text) if place == bucket else drop(tmp_path, "sales_1.csv", text)
    put(bucket, "sales.yaml", ORDERS)

    assert landed(conn, "files.orders", tmp_path, bucket).rows == 2


def test_lines_that_a_shorter_file_no_longer_has_are_taken_back(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    head = "receipt,at,total,mail\n"
    drop(tmp_path, "sales_1.csv", head + "1,2026-11-20,5.00,\n2,2026-11-20,6.00,\n3,2026-11-20,7.00,\n")
    landed(conn, "files.orders", tmp_path)
    drop(tmp_path, "sales_1.csv", head + "1,2026-11-20,5.00,\n")

    assert landed(conn, "files.orders", tmp_path).rows == 2
    assert [row["order_key"] for row in staged(conn, "files.orders")] == ["1"]


def test_a_field_with_line_breaks_is_one_record_and_the_line_is_where_it_begins(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    drop(tmp_path, "sales_1.csv", 'receipt,at,total,mail\n1,2026-11-20,5.00,"a\nb\nc"\n2,2026-11-20,6.00,\n')

    landed(conn, "files.orders", tmp_path)

    lines = conn.execute("select (payload ->> '_line')::int from raw.record order by raw_id").fetchall()
    assert lines == [(2,), (5,)]


def test_a_quote_that_breaks_the_format_names_file_and_lines_and_the_others_go_on(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    drop(tmp_path, "sales_1.csv", 'receipt,at,total,mail\n1,2026-11-20,5.00,\n2,"x"y,6.00,secret\n3,2026-11-20,7.00,\n')

    landed(conn, "files.orders", tmp_path)

    by_key = {row["record_key"]: row for row in staged(conn, "files.orders")}
    [broken] = [row for row in by_key.values() if row["order_key"] is None]
    assert broken["record_key"] == f"{tmp_path.name}/sales_1.csv:3"
    assert "lines 3 to 3 are not CSV" in broken["bad_casts"][0]
    assert "secret" not in broken["bad_casts"][0]
    assert len(by_key) == 3


def test_two_rows_of_one_key_in_one_file_are_versions_of_one_record(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "club.yaml", PERSONS)
    drop(tmp_path, "club_1.csv", CLUB + "K1,old@x.example,,,,,,\nK1,new@x.example,,,,,,\n")

    landed(conn, "files.persons", tmp_path)

    assert [row["email"] for row in staged(conn, "files.persons")] == ["new@x.example"]


def test_files_still_being_written_and_hidden_ones_are_left_alone(
    conn: psycopg.Connection, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    for name in ("sales_1.csv.part", "sales_2.csv.tmp", ".sales_3.csv", "sales_4.csv~"):
        drop(tmp_path, name, "broken")
    drop(tmp_path, "holiday.csv", "a\n")

    with caplog.at_level(logging.WARNING):
        assert landed(conn, "files.orders", tmp_path).rows == 0
    assert [record.getMessage() for record in caplog.records] == [
        f"files.orders: no mapping fits {tmp_path.name}/holiday.csv; put a .yaml beside it that does."]


@pytest.mark.parametrize("content", ["", "receipt,at,total,mail\n", "\ufeffreceipt,at,total,mail\r\n\r\n"])
def test_a_file_without_lines_lands_nothing_and_is_known(
    conn: psycopg.Connection, tmp_path: Path, content: str
) -> None:
    drop(tmp_path, "sales.yaml", ORDERS)
    drop(tmp_path, "sales_1.csv", content)

    assert landed(conn, "files.orders", tmp_path).rows == 0
    [known] = conn.execute("select cursor -> 'files' from ops.stream_cursor").fetchone()
    assert list(known) == [f"{tmp_path.name}/sales_1.csv"]


def test_a_mapping_beside_the_data_that_is_wrong_is_named_with_its_line(
    conn: psycopg.Connection, tmp_path: Path
) -> None:
    drop(tmp_path, "sales.yaml", ORDERS.replace("amount:", "ammount:"))

    with pytest.raises(ConfigError, match=rf"{tmp_path.name}/sales\.yaml, line 4: 'ammount' is not known"):
        landed(conn, "files.orders", tmp_path)
