"""The gate on a real export, through the real landing, mapping and staging statement."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from include import landing, publishing, quality, quarantine
from include.sources import registry
from include.sources.files import Folders
from tests.include.gate import column

LINES = 541_909
WITHOUT_CUSTOMER = 135_080


def test_the_online_retail_export_is_checked_and_set_aside_with_reasons(conn, warehouse_url, real_data, tmp_path):
    shutil.copy(Path(real_data, "online-retail", "online_retail.csv.gz"), tmp_path)
    stream = registry.stream("files.orders")
    landing.land(conn, "files.orders", Folders((str(tmp_path),)), until=datetime.now(UTC))
    checked = quality.check_stream(conn, warehouse_url, stream)
    published = publishing.publish_stream(conn, stream)
    counts = {one.rule: one.records for one in quarantine.counts(conn)}
    assert checked.records == LINES
    assert counts["customer_missing"] == WITHOUT_CUSTOMER
    assert counts["not_a_product"] > 0
    assert published.rows + published.quarantined == LINES
    assert column(conn, "select count(*) from staging.files_orders where kind = 'return' and amount_minor > 0") == [0]
    codes = column(conn, "select distinct sku from staging.files_orders")
    assert not {"POST", "D", "M", "DOT", "BANK CHARGES", "C2", "CRUK", "AMAZONFEE", "S", "PADS"} & set(codes)
