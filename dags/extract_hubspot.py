"""
### Land, check and publish HubSpot contacts

Lands the contacts changed (or archived) since the stream's cursor in `raw.hubspot_contacts`, checks them with the
suite `expectations/hubspot_contacts.json`, publishes the good ones to `staging.hubspot_contacts`.

**Read a range again:** `airflow backfill create --dag-id extract_hubspot --from-date … --to-date …`:
each run reads its own interval once more, changes nothing that is newer, and leaves the cursor where it is.

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
    stream_tasks("hubspot.contacts", pool="hubspot_api")


extract_hubspot()
