"""
### Land, check and publish Brevo contacts and e-mail events

Lands the contacts changed since the cursor, and the opens, clicks, bounces, complaints and unsubscribes of the days
since then; checks them, publishes to `staging.brevo_contacts` and `staging.brevo_events`. Who is on Brevo's blacklist
or left a list there is a withdrawal in `consent.ledger` and leaves every audience in the next sync.

**Read a range again:** `airflow backfill create --dag-id extract_brevo --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `brevo_default` (API key): clear the task, it goes on at
the cursor. A red *check* names the rule; look at `ops.check_result`, mend, run the DAG again.
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
    tags=["extract", "brevo"],
)
def extract_brevo():
    for stream in ("brevo.contacts", "brevo.events"):
        stream_tasks(stream, pool="brevo_api")


extract_brevo()
