"""
### Land, check and publish Google Analytics reports

Lands the reports of `include/sources/ga4.yaml` day by day up to yesterday, the last three days again (Google restates
them), checks them, publishes to `staging.ga4_reports`. Rows of a report that is sampled, thresholded or rolled into
"(other)" say so in `lacks`, and the check tells how many there are.

**Read a range again:** `airflow backfill create --dag-id extract_ga4 --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is Google or the connection `ga4_default` (key file, extra `property_id`), or a used-up
quota of the property: clear the task later, it goes on at the cursor. A red *check* names the rule; look at
`ops.check_result`, mend, run the DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation import assets
from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("25 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "ga4"],
)
def extract_ga4():
    stream_tasks("ga4.reports", pool="ga4_api", outlets=[assets.REPORTS["ga4.reports"]])


extract_ga4()
