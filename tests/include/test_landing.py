"""Landing: rows and cursor together or not at all, one run at a time, nothing twice."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from include import landing, warehouse
from include.errors import ConfigError, RetriableError
from include.landing import Landed, land, land_again
from include.prefetch import prefetched
from include.sources import files
from include.sources.mapping import staging_parameters
from include.sources.pages import Page, Row
from tests.include.sources.contract.adapter import Record
from tests.include.sources.shop import open_shop

HEADER = "receipt_no,line_no,loyalty_id,email,phone,sku,description,quantity,unit_price,sold_at,country,currency\n"
NOW = datetime(2026, 11, 21, tzinfo=UTC)


def line(receipt: str, number: int = 1, quantity: str = "1", sold_at: str = "2026-11-20T10:15:00+01:00") -> str:
    return f"{receipt},{number},LK1,a@x.example,,S1,Thing,{quantity},9.99,{sold_at},DE,EUR\n"


def drop(folder: Path, name: str, text: str | bytes) -> None:
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def staged(conn: psycopg.Connection) -> list[dict]:
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch")]
    return warehouse.rows(conn, "staging/stg_files__orders", staging_parameters("files.orders", batches))


def raw_rows(conn: psycopg.Connection) -> int:
    return conn.execute("select count(*) from raw.record").fetchone()[0]


def land_orders(conn: psycopg.Connection, folder: Path) -> Landed:
    return land(conn, "files.orders", files.client([str(folder)]), until=NOW)


def test_a_file_is_landed_once_also_under_another_name(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER + line("A") + line("B"))
    first = land_orders(conn, tmp_path)
    drop(tmp_path, "till_copy.csv", HEADER + line("A") + line("B"))

    assert first.rows == 2
    assert land_orders(conn, tmp_path) == Landed(None, 0)


def test_a_changed_file_lands_only_what_changed(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER + line("A") + line("B"))
    land_orders(conn, tmp_path)
    drop(tmp_path, "till_1.csv", HEADER + line("A") + line("B", quantity="-2") + line("C"))

    assert land_orders(conn, tmp_path).rows == 2
    assert {row["record_key"]: row["quantity"] for row in staged(conn)} == {"A:1": 1, "B:1": -2, "C:1": 1}


def test_a_line_that_is_no_csv_names_its_file_and_line(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER + line("A") + "short,line\n" + line("B"))

    land_orders(conn, tmp_path)

    broken = [row for row in staged(conn) if row["order_key"] is None]
    assert [row["bad_casts"] for row in broken] == [["line 3 has 2 fields instead of 12"]]
    assert broken[0]["record_key"] == f"{tmp_path.name}/till_1.csv:3"


def test_a_line_in_another_encoding_is_set_aside_and_the_others_go_on(conn: psycopg.Connection, tmp_path: Path) -> None:
    foreign = line("B").replace("Thing", "Grün").encode("latin-1")
    drop(tmp_path, "till_1.csv", HEADER.encode() + line("A").encode() + foreign)

    land_orders(conn, tmp_path)

    assert sorted(len(row["bad_casts"]) for row in staged(conn)) == [0, 1]


def test_values_that_cannot_be_read_are_null_and_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER + line("A", quantity="zwei", sold_at="31.02.2026 9 Uhr"))

    land_orders(conn, tmp_path)

    [row] = staged(conn)
    assert (row["quantity"], row["occurred_at"], row["amount_minor"]) == (None, None, None)
    assert row["bad_casts"] == ["occurred_at", "quantity", "amount_minor"]


def test_a_column_that_is_missing_names_mapping_line_and_file(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER.replace("sold_at", "sold") + line("A"))

    with pytest.raises(ConfigError, match=r"till.yaml, line 7: the column 'sold_at' is missing in .*till_1.csv"):
        land_orders(conn, tmp_path)
    assert raw_rows(conn) == 0


def test_a_mapping_beside_the_data_wins(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till.yaml", """
match: ["till_*"]
shape: orders
csv: {delimiter: ";"}
columns: {order_key: Bon, occurred_at: Zeit, amount: Betrag}
constants: {currency: EUR, decimal: ",", date_order: dmy, timezone: Europe/Berlin}
""")
    drop(tmp_path, "till_1.csv", "Bon;Zeit;Betrag\n7;31.10.2026 18:05;1.234,50\n")

    land_orders(conn, tmp_path)

    [row] = staged(conn)
    assert (row["order_key"], row["amount_minor"], row["local_hour"]) == ("7", 123450, 18)
    assert row["occurred_at"] == datetime(2026, 10, 31, 17, 5, tzinfo=UTC)


def test_a_file_that_no_mapping_fits_is_named(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "holiday.csv", "a\n1\n")

    land_orders(conn, tmp_path)

    [skipped] = conn.execute("select cursor -> 'skipped' from ops.stream_cursor").fetchone()
    assert skipped == [f"{tmp_path.name}/holiday.csv"]


def test_a_folder_that_does_not_exist_is_an_error(conn: psycopg.Connection, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        land_orders(conn, tmp_path / "gone")


def test_a_failure_in_the_middle_leaves_no_row_and_no_cursor(conn: psycopg.Connection, tmp_path: Path) -> None:
    drop(tmp_path, "till_1.csv", HEADER + line("A"))
    drop(tmp_path, "till_2.csv", "wrong\n1\n")

    with pytest.raises(ConfigError):
        land_orders(conn, tmp_path)

    assert raw_rows(conn) == 0
    assert conn.execute("select count(*) from ops.batch").fetchone() == (0,)
    assert conn.execute("select count(*) from ops.stream_cursor").fetchone() == (0,)


def test_two_runs_cannot_land_one_stream_at_once(conn: psycopg.Connection, warehouse_url: str, tmp_path: Path) -> None:
    with (warehouse.connect(warehouse_url) as other, landing._alone(other, "files.orders"),
          pytest.raises(RetriableError, match="another run")):
        land_orders(conn, tmp_path)


def test_what_postgres_cannot_hold_is_replaced() -> None:
    page = Page([Row("k\0", rb'{"a":"x\u0000y\ud800z","b":"\\u0000","c":"\ud83d\ude00"}')])

    encoded = landing.encode(page, "files.orders", 1)

    assert rb'{"a":"x\ufffdy\ufffdz","b":"\\u0000","c":"\ud83d\ude00"}' in encoded
    assert b"k\xef\xbf\xbd" in encoded


def test_prefetching_stays_one_page_ahead() -> None:
    made: list[int] = []
    third = threading.Event()

    def numbers() -> Iterator[int]:
        for number in range(10):
            made.append(number)
            if number == 2:
                third.set()
            yield number

    with prefetched(numbers()) as ahead:
        assert next(ahead) == 0
        assert third.wait(5)
        assert len(made) <= 3  # one handed out, one waiting, one in hand
        assert list(ahead) == list(range(1, 10))


def test_an_error_while_prefetching_is_raised_where_the_page_is_asked_for() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise RetriableError("gone")

    with prefetched(broken()) as ahead:
        assert next(ahead) == 1
        with pytest.raises(RetriableError, match="gone"):
            next(ahead)


def test_a_range_read_again_brings_what_was_missed_and_leaves_the_cursor_where_it_is(
    conn: psycopg.Connection,
) -> None:
    with open_shop(conn) as shop:
        shop.put(1)
        early = shop.now()
        shop.land()
        shop.land(days=30)
        cursor = conn.execute("select cursor from ops.stream_cursor").fetchone()
        late = Record(2, 1, early, early)  # beyond every lag: no window will look there again
        shop.adapter.put(late)
        assert shop.land().rows == 0

        again = land_again(conn, shop.stream.name, shop.adapter.client, since=early, until=early + timedelta(days=1))

        assert again.rows == 1
        moved = conn.execute("select cursor from ops.stream_cursor").fetchone()
        assert moved[0]["since"] > cursor[0]["since"]  # by the landing before, not by the range
        assert land_again(conn, shop.stream.name, shop.adapter.client, since=early,
                          until=early + timedelta(days=1)).rows == 0
        assert conn.execute("select cursor from ops.stream_cursor").fetchone() == moved


def test_a_range_read_before_the_first_load_takes_nothing_from_it(conn: psycopg.Connection) -> None:
    with open_shop(conn) as shop:
        shop.put(1, 2)
        early = shop.now()

        land_again(conn, shop.stream.name, shop.adapter.client, since=early, until=early + timedelta(days=1))
        assert conn.execute("select count(*) from ops.stream_cursor").fetchone() == (0,)
        shop.put(3)

        assert shop.land().rows == 1
        assert conn.execute("select count(*), count(distinct record_key) from raw.record").fetchone() == (3, 3)


@pytest.mark.parametrize("stream", ["woocommerce.customers", "files.orders"])
def test_a_stream_that_every_landing_reads_whole_is_not_read_again_for_a_range(
    conn: psycopg.Connection, stream: str
) -> None:
    until = datetime(2026, 11, 22, tzinfo=UTC)

    nobody_is_asked = land_again(conn, stream, client=None, since=until - timedelta(days=1), until=until)

    assert nobody_is_asked == Landed(None, 0)
    assert conn.execute("select count(*) from ops.batch").fetchone() == (0,)
