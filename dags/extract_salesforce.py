"""
### Land, check and publish Salesforce contacts, leads, accounts and opportunities

Lands what changed (or went to the recycle bin) since each stream's cursor, checks each stream with its suite in
`expectations/`, publishes the good rows to `staging.salesforce_contacts`, `salesforce_leads`, `salesforce_accounts` and
`salesforce_opportunities` (with their contact roles). The first load is a Bulk API 2.0 job a stream.

**Read a range again:** `airflow backfill create --dag-id extract_salesforce --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `salesforce_default`: its text names a missing right, a
field that `include/sources/salesforce.yaml` asks for and the account lacks, or a limit of the day. Clear the task, it
goes on where it stopped. A red *check* names the rule; look at `ops.check_result`, have the source or the suite mended,
then run the DAG again.
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
    tags=["extract", "salesforce"],
)
def extract_salesforce():
    for table in ("contacts", "leads", "accounts", "opportunities"):
        stream_tasks(f"salesforce.{table}", pool="salesforce_api")


extract_salesforce()
