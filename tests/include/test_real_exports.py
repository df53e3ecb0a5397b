"""Real exports through the real landing, mappings, staging statement and gate: Online Retail (UCI 352) and CDNOW.

Each is taken once; the tests look at what that left.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from include import publishing, quality, quarantine, warehouse
from include.landing import Landed, land
from include.runtime.postgres import EmbeddedPostgres
from include.sources import registry
from include.sources.files import Folders
from tests.databases import Databases
from tests.include.gate import column

ONLINE_RETAIL = Path("online-retail", "online_retail.csv.gz")
CDNOW = Path("cdnow", "cdnow_master.csv.gz")
NOT_A_PRODUCT = {"POST", "D", "M", "DOT", "BANK CHARGES", "C2", "CRUK", "AMAZONFEE", "S", "PADS"}
STREAM = registry.stream("files.orders")
NOW = datetime(2026, 11, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Taken:
    """An export landed, checked and published, and the open connection to where it is."""

    conn: psycopg.Connection
    folder: Path
    landed: Landed
    checked: quality.Checked
    published: publishing.Published


def take(url: str, folder: Path) -> Iterator[Taken]:
    with warehouse.connect(url) as conn:
        landed = land(conn, STREAM.name, Folders((str(folder),)), until=NOW)
        checked = quality.check_stream(conn, url, STREAM)
        published = publishing.publish_stream(conn, STREAM)
        conn.commit()
        yield Taken(conn, folder, landed, checked, published)


def taken_export(
    file: Path, postgres: EmbeddedPostgres, databases: Databases, real_data: str, folder: Path
) -> Iterator[Taken]:
    shutil.copy(Path(real_data) / file, folder)
    name = databases.lend()
    yield from take(postgres.url(name, role=databases.template), folder)
    databases.take_back(name)


@pytest.fixture(scope="module")
def online_retail(
    postgres: EmbeddedPostgres, databases: Databases, real_data: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Taken]:
    """541,909 lines of a shop, with returns, lines without a customer and lines that are no product."""
    yield from taken_export(ONLINE_RETAIL, postgres, databases, real_data, tmp_path_factory.mktemp("online_retail"))


@pytest.fixture(scope="module")
def cdnow(
    postgres: EmbeddedPostgres, databases: Databases, real_data: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Taken]:
    """69,659 purchases of 23,570 customers."""
    yield from taken_export(CDNOW, postgres, databases, real_data, tmp_path_factory.mktemp("cdnow"))


@pytest.mark.parametrize(("export", "lines"), [("online_retail", 541_909), ("cdnow", 69_659)])
def test_a_real_export_lands_every_line_once(export: str, lines: int, request: pytest.FixtureRequest) -> None:
    taken = request.getfixturevalue(export)
    counts = taken.conn.execute(
        "select count(*), count(distinct record_key), count(*) filter (where payload ->> '_error' is not null)"
        " from raw.record where batch_id = %s",
        (taken.landed.batch_id,),
    ).fetchone()
    assert taken.landed.rows == lines
    assert counts == (lines, lines, 0)
    drop = Folders((str(taken.folder),))
    assert land(taken.conn, STREAM.name, drop, until=NOW) == Landed(None, 0)
    next(taken.folder.iterdir()).touch()  # another time, the same content
    assert land(taken.conn, STREAM.name, drop, until=NOW) == Landed(None, 0)


def test_online_retail_is_checked_and_set_aside_with_reasons(online_retail: Taken) -> None:
    conn, checked, published = online_retail.conn, online_retail.checked, online_retail.published
    counts = {one.rule: one.records for one in quarantine.counts(conn)}
    assert checked.records == 541_909
    assert counts["customer_missing"] == 135_080
    assert set(counts) == {"customer_missing", "not_a_product"}
    assert published.rows + published.quarantined == 541_909
    assert published.quarantined == checked.quarantined < 0.4 * 541_909
    assert column(conn, "select count(*) from staging.files_orders where kind = 'return' and amount_minor > 0") == [0]
    differing = (
        "select count(*) from staging.files_orders where (kind = 'return') is distinct from (order_key like 'C%%')"
    )
    assert column(conn, differing) == [0]
    assert not NOT_A_PRODUCT & set(column(conn, "select distinct sku from staging.files_orders"))


def test_cdnow_passes_as_a_whole(cdnow: Taken) -> None:
    assert (cdnow.checked.records, cdnow.checked.failed_rules) == (69_659, ())
    assert cdnow.published == publishing.Published(rows=69_659, deleted=0, quarantined=0)
    assert column(cdnow.conn, "select sum(amount_minor) from staging.files_orders") == [250_031_563]
    assert column(cdnow.conn, "select count(distinct ids) from staging.files_orders") == [23_570]
