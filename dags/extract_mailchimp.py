"""
### Land, check and publish Mailchimp members, e-mail activity and campaigns

Lands the members of the list changed since the cursor (subscribed, unsubscribed, cleaned, archived), the opens, clicks
and bounces of its campaigns, and the campaigns of the last 90 days with their figures; checks them, publishes to
`staging.mailchimp_members`, `…_activity` and `…_campaigns`. Who unsubscribed at Mailchimp is a withdrawal in
`consent.ledger` and is never subscribed again by us.

**Read a range again:** `airflow backfill create --dag-id extract_mailchimp --from-date … --to-date …
--reprocess-behavior completed`: each run reads its own interval once more, changes nothing that is newer, and leaves
the cursor where it is.

**If it fails:** a red *land* is the platform or the connection `mailchimp_default` (API key, extra `list_id`):
clear the task, it goes on at the cursor. A red *check* names the rule; look at `ops.check_result`, mend, run the
DAG again.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import interval_clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=interval_clock("10 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "mailchimp"],
)
def extract_mailchimp():
    for stream in ("mailchimp.members", "mailchimp.activity", "mailchimp.campaigns"):
        stream_tasks(stream, pool="mailchimp_api")


extract_mailchimp()
