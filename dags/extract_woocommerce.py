"""
### Land, check and publish WooCommerce customers and orders

Lands every customer (the shop cannot tell which of them changed; the unchanged are left out here) and the orders that
changed since the stream's cursor, checks both with their suites in `expectations/`, publishes the good rows to
`staging.woocommerce_customers` and `woocommerce_orders` (one row a sold line or refund). The streams read the shop one
after the other through the pool `woocommerce_api`: the shop's own customers wait for the same machine.

**Read a range again:** `airflow backfill create --dag-id extract_woocommerce --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the shop, its firewall or the connection `woocommerce_default`: clear the task, it goes
on where it stopped. A red *check* names the rule; look at `ops.check_result`, have the source or the suite mended, then
run the DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("20 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "woocommerce"],
)
def extract_woocommerce():
    for stream in ("woocommerce.customers", "woocommerce.orders"):
        stream_tasks(stream, pool="woocommerce_api")


extract_woocommerce()
