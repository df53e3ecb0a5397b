"""
### Forget what nobody looks back at

Deletes the masked requests and answers of calls to platforms (`audience.exchange`) that are older than 30 days, or than
the Airflow variable `exchange_keep_days` says. What was delivered to whom (`audience.delivery`) stays. Pages of checks
go after 90 days (`result_keep_days`), but each suite's newest; tries of tasks, results of checks, notices and what else
`ops` keeps of past work go after 400 (`history_keep_days`, at least 61), but the newest of each kind.

**If it fails:** clear the task. It deletes by age, so a run that was left out is made up for by the next.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.operators.forget_history import ForgetHistoryOperator
from activation.operators.forget_pages import ForgetPagesOperator
from activation.operators.prune_exchanges import PruneExchangesOperator


@dag(
    schedule=clock("15 2 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    max_active_runs=1,
    is_paused_upon_creation=False,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["maintain"],
)
def maintain():
    PruneExchangesOperator(task_id="prune_exchanges", keep_days="{{ var.value.get('exchange_keep_days', 30) }}")
    ForgetHistoryOperator(task_id="forget_history", keep_days="{{ var.value.get('history_keep_days', 400) }}")
    ForgetPagesOperator(task_id="forget_pages", keep_days="{{ var.value.get('result_keep_days', 90) }}")


maintain()
