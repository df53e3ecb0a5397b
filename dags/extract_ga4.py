"""
### Land, check and publish Google Analytics reports

Lands the reports of `include/sources/ga4.yaml` day by day up to yesterday, the last three days again (Google restates
them), checks them, publishes to `staging.ga4_reports`. Rows of a report that is sampled, thresholded or rolled into
"(other)" say so in `lacks`, and the check tells how many there are.

**If it fails:** a red *land* is Google or the connection `ga4_default` (key file, extra `property_id`), or a used-up
quota of the property: clear the task later, it goes on at the cursor. A red *check* names the rule; look at
`ops.check_result`, mend, run the DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation import assets
from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=clock("25 3 * * *"),
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
