"""The gate on real exports, through the real landing, mappings and staging statement."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from include import landing, publishing, quality, quarantine
from include.sources import registry
from include.sources.files import Folders
from tests.include.gate import column

ONLINE_RETAIL = Path("online-retail", "online_retail.csv.gz")
CDNOW = Path("cdnow", "cdnow_master.csv.gz")
STREAM = registry.stream("files.orders")


def take(conn, url, folder: Path) -> tuple[quality.Checked, publishing.Published]:
    landing.land(conn, STREAM.name, Folders((str(folder),)), until=datetime.now(UTC))
    checked = quality.check_stream(conn, url, STREAM)
    return checked, publishing.publish_stream(conn, STREAM)


def test_the_online_retail_export_is_checked_and_set_aside_with_reasons(conn, warehouse_url, real_data, tmp_path):
    shutil.copy(Path(real_data) / ONLINE_RETAIL, tmp_path)
    checked, published = take(conn, warehouse_url, tmp_path)
    counts = {one.rule: one.records for one in quarantine.counts(conn)}
    assert checked.records == 541_909
    assert counts["customer_missing"] == 135_080
    assert set(counts) == {"customer_missing", "not_a_product"}
    assert published.rows + published.quarantined == 541_909
    assert published.quarantined == checked.quarantined < 0.4 * 541_909
    assert column(conn, "select count(*) from staging.files_orders where kind = 'return' and amount_minor > 0") == [0]
    assert column(conn, "select count(*) from staging.files_orders"
                        " where (kind = 'return') is distinct from (order_key like 'C%%')") == [0]
    codes = column(conn, "select distinct sku from staging.files_orders")
    assert not {"POST", "D", "M", "DOT", "BANK CHARGES", "C2", "CRUK", "AMAZONFEE", "S", "PADS"} & set(codes)


def test_the_cdnow_export_passes_as_a_whole(conn, warehouse_url, real_data, tmp_path):
    shutil.copy(Path(real_data) / CDNOW, tmp_path)
    checked, published = take(conn, warehouse_url, tmp_path)
    assert (checked.records, checked.failed_rules) == (69_659, ())
    assert published == publishing.Published(rows=69_659, deleted=0, quarantined=0)
    assert column(conn, "select sum(amount_minor) from staging.files_orders") == [250_031_563]
    assert column(conn, "select count(distinct ids) from staging.files_orders") == [23_570]
