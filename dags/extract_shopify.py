"""
### Land, check and publish Shopify customers, orders and abandoned checkouts

Lands what changed since each stream's cursor by the Admin GraphQL interface, checks each stream with its suite in
`expectations/`, publishes the good rows to `staging.shopify_customers`, `shopify_orders` (one row a sold line or
refund) and `shopify_checkouts`. The streams share the shop's query budget through the pool `shopify_api`.

**Read a range again:** `airflow backfill create --dag-id extract_shopify --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `shopify_default`: clear the task, it goes on at the
cursor. A red *check* names the rule; look at `ops.check_result`, have the source or the suite mended, then run the
DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("5 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "shopify"],
)
def extract_shopify():
    for stream in ("shopify.customers", "shopify.orders", "shopify.checkouts"):
        stream_tasks(stream, pool="shopify_api")


extract_shopify()
