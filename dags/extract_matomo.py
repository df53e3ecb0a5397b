"""
### Land, check and publish Matomo visits

Lands the visits of the connection's sites since the cursor, and those of the day before again (a visit grows while it
is open; one that does not come any more was deleted), checks them, publishes to `staging.matomo_visits`: each visit is
an event `site_visited`, with the goals and searches in it beside. Addresses of machines and query strings stay at
Matomo.

**Read a range again:** `airflow backfill create --dag-id extract_matomo --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is Matomo or the connection `matomo_default` (token_auth, extra `site_ids`): clear the
task, it goes on at the cursor. A red *check* names the rule; look at `ops.check_result`, mend, run the DAG again.
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
    tags=["extract", "matomo"],
)
def extract_matomo():
    stream_tasks("matomo.visits", pool="matomo_api")


extract_matomo()
