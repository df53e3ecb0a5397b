"""
### Land, check and publish HubSpot contacts, companies and deals

Lands what changed (or was archived) since each stream's cursor, checks each stream with its suite in `expectations/`,
publishes the good rows to `staging.hubspot_contacts`, `hubspot_companies` and `hubspot_deals` (with the companies and
contacts a deal belongs to). The streams share the account's limits through the pool `hubspot_api`.

**Read a range again:** `airflow backfill create --dag-id extract_hubspot --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `hubspot_default`: clear the task, it goes on at the
cursor. A red *check* names the rule; look at `ops.check_result`, have the source or the suite mended, then run the
DAG again: the held batch is checked again together with the new rows. Nothing was published meanwhile.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("0 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "hubspot"],
)
def extract_hubspot():
    for stream in ("hubspot.contacts", "hubspot.companies", "hubspot.deals"):
        stream_tasks(stream, pool="hubspot_api")


extract_hubspot()
