"""First loads of a large shop: in bulk what pages give, found again after a kill, page by page where refused."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from include import landing, warehouse
from include.errors import RetriableError
from include.sources import shopify, shopify_bulk
from include.sources.mapping import staging_parameters
from include.sources.pages import Page, Window
from include.sources.registry import STREAMS
from tests.include.sources.land_bulk import OPTIONS
from tests.include.sources.platforms import client_of
from tests.standins import Standins

ROOT = Path(__file__).resolve().parents[3]
UNTIL = datetime.now(UTC) + timedelta(days=1)
FIRST = Window(None, UNTIL)
TABLES = {name: getattr(shopify, name.partition(".")[2]) for name in STREAMS if name.startswith("shopify.")}


def payloads(pages: Iterator[Page]) -> dict[str, bytes]:
    return {row.key: row.payload for page in pages for row in page.rows}


def asked(standins: Standins, word: str) -> list[dict[str, Any]]:
    """The variables of each call to the shop whose query holds a word."""
    return [
        one.json()["variables"]
        for one in standins.recorded("shopify", path="%graphql.json")
        if word in one.json()["query"]
    ]


def files(standins: Standins) -> list[str | None]:
    """From where each request wanted its file."""
    return [one.headers.get("range") for one in standins.recorded("shopify", path="%/storage/%")]


def make_longest(standins: Standins) -> None:
    """An order with more lines than a page of them holds."""
    [(_, one)] = [pair for pair in standins.documents("shopify", "order").items() if pair[1]["body"]["refunds"]][:1]
    line = one["body"]["lineItems"][0]
    lines = [{**line, "id": f"gid://shopify/LineItem/{one['id']}{no:04}", "sku": f"S{no}"} for no in range(260)]
    standins.put("shopify", "order", {**one, "body": {**one["body"], "lineItems": lines}})


@pytest.mark.parametrize("stream", TABLES)
def test_bulk_gives_the_very_payloads_that_pages_give(standins: Standins, stream: str) -> None:
    make_longest(standins)
    client = client_of(standins, "shopify")

    in_bulk = payloads(TABLES[stream](client, FIRST, OPTIONS))

    assert in_bulk == payloads(TABLES[stream](client, FIRST, {}))
    assert len(in_bulk) == len(standins.truth()["streams"][stream])
    assert len(asked(standins, "bulkOperationRunQuery")) == 1


def staged(conn: psycopg.Connection, stream: str) -> list[dict[str, Any]]:
    rows = warehouse.rows(
        conn,
        STREAMS[stream].staging_statement,
        staging_parameters(
            stream, [batch for (batch,) in conn.execute("select batch_id from ops.batch where stream = %s", (stream,))]
        ),
    )
    own = ("raw_id", "batch_id")
    return sorted(
        ({name: row[name] for name in row if name not in own} for row in rows),
        key=lambda row: (row["record_key"], row.get("entry_no")),
    )


def test_pain_29_a_first_load_in_bulk_stages_what_pages_stage_and_increments_are_paged(
    conn: psycopg.Connection, standins: Standins
) -> None:
    stream, client = "shopify.orders", client_of(standins, "shopify")
    landing.land(conn, stream, client, until=UNTIL, mapping=OPTIONS)
    in_bulk = staged(conn, stream)
    again = landing.land(conn, stream, client, until=UNTIL + timedelta(minutes=1), mapping=OPTIONS)
    conn.execute("truncate raw.record, ops.stream_cursor")

    landing.land(conn, stream, client, until=UNTIL)

    assert in_bulk == staged(conn, stream)
    assert again.rows == 0
    assert len(asked(standins, "bulkOperationRunQuery")) == 1


def test_a_small_shop_is_paged(standins: Standins) -> None:
    found = payloads(shopify.customers(client_of(standins, "shopify"), FIRST, {}))

    assert found
    assert asked(standins, "customersCount") == [{"limit": shopify_bulk.BULK_FROM + 1}]
    assert asked(standins, "ulkOperation") == []


def test_an_empty_result_has_no_file_and_ends(standins: Standins) -> None:
    early = Window(None, datetime(2001, 1, 1, tzinfo=UTC))

    pages = list(shopify.customers(client_of(standins, "shopify"), early, OPTIONS))

    assert (payloads(iter(pages)), pages[-1].cursor) == ({}, {"since": early.until.isoformat()})
    assert files(standins) == []


def busy(standins: Standins) -> None:
    """Five operations of somebody else."""
    standins.settings({"shopify.bulk_seconds": 3600})
    client = client_of(standins, "shopify")
    for _ in range(5):
        client.query(
            shopify_bulk.queries.START_BULK,
            {
                "query": "{ customers { edges { node { id } } } }",
                "grouped": False,
            },
        )


def fated(*fates: str) -> Callable[[Standins], None]:
    return lambda standins: standins.settings({"shopify.bulk_fates": list(fates)})


NO_TIME = {"options": {"bulk_from": 1, "bulk_patience": 0}}
REFUSALS: dict[str, tuple[Callable[[Standins], None], int]] = {
    "five_run_already": (busy, 6),
    "access_denied": (fated("FAILED ACCESS_DENIED"), 1),
    "took_too_long": (fated("FAILED TIMEOUT"), 1),
    "called_off": (fated("CANCELED"), 1),
    "breaks_every_time": (fated(*["FAILED INTERNAL_SERVER_ERROR"] * 3), 3),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused_in_bulk_is_paged(standins: Standins, case: str) -> None:
    happens, starts = REFUSALS[case]
    happens(standins)

    found = payloads(shopify.customers(client_of(standins, "shopify"), FIRST, NO_TIME))

    assert set(found) == {row["k"] for row in standins.truth()["streams"]["shopify.customers"]}
    assert len(asked(standins, "bulkOperationRunQuery")) == starts
    assert files(standins) == []  # nothing is made of what is left of one that failed


def test_an_operation_that_broke_inside_the_shop_is_started_again(standins: Standins) -> None:
    fated("FAILED INTERNAL_SERVER_ERROR")(standins)

    payloads(shopify.customers(client_of(standins, "shopify"), FIRST, OPTIONS))

    assert len(asked(standins, "bulkOperationRunQuery")) == 2
    assert files(standins) == [None]


def test_an_operation_whose_start_was_lost_is_found_and_not_started_twice(standins: Standins) -> None:
    standins.faults({"platform": "shopify", "kind": "lost_answer", "skip": 2, "next": 1})  # behind counting and looking

    found = payloads(shopify.customers(client_of(standins, "shopify"), FIRST, OPTIONS))

    assert len(found) == len(standins.truth()["streams"]["shopify.customers"])
    assert len(asked(standins, "bulkOperationRunQuery")) == 1
    assert len(standins.documents("shopify", "bulk_operation")) == 1


def test_a_file_that_breaks_off_is_taken_up_where_it_broke(standins: Standins) -> None:
    stream = "shopify.orders"
    standins.faults({"platform": "shopify", "path": "storage", "kind": "half_answer", "next": 1})

    pages = list(TABLES[stream](client_of(standins, "shopify"), FIRST, OPTIONS))

    keys = [row.key for page in pages for row in page.rows]
    assert sorted(keys) == sorted(row["k"] for row in standins.truth()["streams"][stream])
    first, second = files(standins)
    assert first is None
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 1000


def test_the_storage_is_shown_no_token(standins: Standins) -> None:
    list(shopify.customers(client_of(standins, "shopify"), FIRST, OPTIONS))

    [one] = standins.recorded("shopify", path="%/storage/%")
    assert "x-shopify-access-token" not in one.headers
    assert one.status == 200


def test_an_operation_of_two_days_ago_is_nobodys(standins: Standins) -> None:
    client = client_of(standins, "shopify")
    list(shopify.customers(client, FIRST, OPTIONS))
    [old] = standins.documents("shopify", "bulk_operation").values()
    long_ago = (datetime.now(UTC) - timedelta(days=2)).isoformat()
    standins.put("shopify", "bulk_operation", {**old, "body": {**old["body"], "completedAt": long_ago}})

    list(shopify.customers(client, FIRST, OPTIONS))

    assert len(asked(standins, "bulkOperationRunQuery")) == 2


def test_an_operation_that_expired_is_begun_anew(standins: Standins) -> None:
    client = client_of(standins, "shopify")
    list(shopify.customers(client, FIRST, OPTIONS))
    standins.advance(8 * 86_400)
    state = {"bulk": {"id": "gid://shopify/BulkOperation/1", "byte": 500, "until": UNTIL.isoformat()}}

    found = payloads(shopify.customers(client, Window(None, UNTIL, state), OPTIONS))

    assert len(found) == len(standins.truth()["streams"]["shopify.customers"])
    assert len(asked(standins, "bulkOperationRunQuery")) == 2


def test_lines_that_stand_apart_from_their_order_are_not_guessed_together(standins: Standins) -> None:
    """As the file would look if grouping were dropped: the answer is pages, not orders without lines."""
    client = client_of(standins, "shopify")
    shopify_query = shopify_bulk.ORDERS.whole.replace("UNTIL", UNTIL.strftime("%Y-%m-%dT%H:%M:%SZ"))
    client.query(shopify_bulk.queries.START_BULK, {"query": shopify_query, "grouped": False})

    found = payloads(shopify.orders(client, FIRST, OPTIONS))

    assert all(orjson.loads(one)["lineItems"]["nodes"] for one in found.values())
    assert found == payloads(shopify.orders(client, FIRST, {}))
    assert len(asked(standins, "bulkOperationRunQuery")) == 1


def kill_when(url: str, standins: Standins, seen: Callable[[], bool]) -> None:
    """Start a first load in a process of its own, and kill it when something is seen."""
    account = standins.account("shopify")
    command = [sys.executable, "-m", "tests.include.sources.land_bulk", url, account["base_url"], account["token"]]
    process = subprocess.Popen([*command, UNTIL.isoformat()], cwd=ROOT)
    try:
        while not seen():
            with pytest.raises(subprocess.TimeoutExpired):  # it must not end by itself
                process.wait(0.1)
    finally:
        process.kill()
        process.wait(30)


def landed_keys(conn: psycopg.Connection) -> list[str]:
    conn.execute("select pg_advisory_lock(7210002, hashtext('shopify.customers'))")  # when its session is gone
    conn.execute("select pg_advisory_unlock(7210002, hashtext('shopify.customers'))")
    keys = [key for (key,) in conn.execute("select record_key from raw.record where stream = 'shopify.customers'")]
    conn.commit()
    return keys


def load_again(conn: psycopg.Connection, standins: Standins) -> None:
    landing.land(
        conn, "shopify.customers", client_of(standins, "shopify"), until=UNTIL + timedelta(hours=1), mapping=OPTIONS
    )


def test_pain_29_a_load_killed_while_it_waits_finds_its_operation_again(
    conn: psycopg.Connection, warehouse_url: str, standins: Standins
) -> None:
    standins.settings({"shopify.bulk_seconds": 3600})
    kill_when(warehouse_url, standins, lambda: len(asked(standins, "query Bulk(")) > 0)
    assert landed_keys(conn) == []
    standins.advance(3600)

    load_again(conn, standins)

    assert sorted(landed_keys(conn)) == sorted(row["k"] for row in standins.truth()["streams"]["shopify.customers"])
    assert len(asked(standins, "bulkOperationRunQuery")) == 1


def test_pain_29_a_load_killed_in_the_middle_of_its_file_goes_on_at_that_byte(
    conn: psycopg.Connection, warehouse_url: str, standins: Standins
) -> None:
    pattern = next(iter(standins.documents("shopify", "customer").values()))
    many = (
        {**pattern, "id": str(id), "body": {**pattern["body"], "id": f"gid://shopify/Customer/{id}"}}
        for id in range(1, 1201)
    )
    standins.put("shopify", "customer", *many)
    standins.faults({"platform": "shopify", "path": "storage", "kind": "half_answer"})
    cursor = "select cursor -> 'bulk' ->> 'byte' from ops.stream_cursor where stream = 'shopify.customers'"

    def committed() -> bool:
        found = conn.execute(cursor).fetchone()
        conn.rollback()
        return found is not None

    kill_when(warehouse_url, standins, committed)
    before, [byte] = landed_keys(conn), conn.execute(cursor).fetchone()
    standins.faults()
    load_again(conn, standins)

    known = {row["k"] for row in standins.truth()["streams"]["shopify.customers"]} | {str(id) for id in range(1, 1201)}
    assert 0 < len(before) < len(known)
    assert sorted(landed_keys(conn)) == sorted(known)  # each once
    assert files(standins)[-1] == f"bytes={byte}-"
    assert len(asked(standins, "bulkOperationRunQuery")) == 1


def test_a_storage_that_keeps_failing_is_retriable_and_the_operation_stands(standins: Standins) -> None:
    standins.faults({"platform": "shopify", "path": "storage", "kind": "error", "status": 500})

    with pytest.raises(RetriableError, match="answered 500"):
        list(shopify.customers(client_of(standins, "shopify"), FIRST, OPTIONS))
    standins.faults()

    assert payloads(shopify.customers(client_of(standins, "shopify"), FIRST, OPTIONS))
    assert len(asked(standins, "bulkOperationRunQuery")) == 1
