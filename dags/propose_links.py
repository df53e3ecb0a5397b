"""
### Propose persons that may be one though they share no key

Compares golden records (names, birth dates, places, phones) once a week and keeps what may be one person in
`identity.proposal`; `bin/audienceflow identity proposals list` shows it. Switched off until somebody switches it on,
and nothing in the nightly chain waits for it. With the Airflow variable `accept_proposals` at `yes`, what holds at the
stricter threshold is joined by the next `build_persons`; otherwise everything waits for a person.

**If it fails:** clear the task. It is one transaction: nothing was kept, nothing was joined.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.operators.propose_links import ProposeLinksOperator


@dag(
    schedule=clock("0 10 * * 0"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    max_active_runs=1,
    is_paused_upon_creation=True,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["build", "identity"],
)
def propose_links():
    ProposeLinksOperator(task_id="propose", accept="{{ var.value.get('accept_proposals', 'no') }}")


propose_links()
