"""
### Land, check and publish Klaviyo profiles and events

Lands the profiles updated or suppressed since the cursor, and the events since then and of the seven days before,
because they come late; checks them, publishes to `staging.klaviyo_profiles` and `staging.klaviyo_events`. Who
unsubscribed, complained, bounced or was suppressed at Klaviyo is a withdrawal in `consent.ledger` and leaves every
audience in the next sync.

**Read a range again:** `airflow backfill create --dag-id extract_klaviyo --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `klaviyo_default` (a private key that may read profiles,
events and metrics): clear the task, it goes on at the cursor. A red *check* names the rule; look at `ops.check_result`,
mend, run the DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("15 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "klaviyo"],
)
def extract_klaviyo():
    for stream in ("klaviyo.profiles", "klaviyo.events"):
        stream_tasks(stream, pool="klaviyo_api")


extract_klaviyo()
