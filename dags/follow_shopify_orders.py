"""
### Follow the orders of Shopify through the day

Every two minutes of the day: lands the orders that changed, checks and publishes them and, when something changed,
brings persons up to date; segments and audiences follow by their assets. So whoever bought leaves the audiences that
want to win them back within minutes, not tomorrow. It stays out of the way at night, when `extract_shopify` and the
other sources are read for the chain, and never says by the stream's asset that the night's orders are there.

**If it fails:** nothing is lost: the cursor stays where it was and the next run, or the night's, reads on from there.
A red *check* names the rule; `ops.check_result` has the counts. *Skipped* means that nothing changed.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.build import AS_OF
from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, follow_tasks


@dag(
    schedule=clock("*/2 7-23 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE, "as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "shopify", "build"],
)
def follow_shopify_orders():
    follow_tasks("shopify.orders", pool="shopify_api")


follow_shopify_orders()
