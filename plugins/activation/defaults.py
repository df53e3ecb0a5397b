"""What every task of every DAG has: an owner, retries that obey the error's kind, a time limit, alerts."""

from datetime import timedelta
from typing import Any

import psycopg
from airflow.sdk import RetryDecision, RetryPolicy
from airflow.sdk.definitions.context import Context

from activation.alerts import StateChangeNotifier
from include.errors import FatalError, RetriableError

# A mistake in our own code or SQL is the same at the next try: better red at once than in five minutes.
OUR_MISTAKES = (AttributeError, ImportError, LookupError, NameError, TypeError, psycopg.ProgrammingError)


class ByKindOfError(RetryPolicy):
    """Fail at once on what somebody must mend; wait as long as the other side asked before trying again."""

    def evaluate(
        self, exception: BaseException, try_number: int, max_tries: int, context: Context | None = None
    ) -> RetryDecision:
        if isinstance(exception, (FatalError, *OUR_MISTAKES)):
            return RetryDecision.fail(reason="a retry cannot help")
        if isinstance(exception, RetriableError) and exception.retry_after is not None:
            return RetryDecision.retry(timedelta(seconds=exception.retry_after), reason="the platform asked to wait")
        return RetryDecision.default()


DEFAULT_ARGS: dict[str, Any] = {
    "owner": "data-platform",
    "retries": 3,
    "retry_delay": timedelta(seconds=20),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": ByKindOfError(),
    "execution_timeout": timedelta(hours=2),  # is Postgres' statement_timeout as well
    "on_failure_callback": StateChangeNotifier(failing=True),
    "on_success_callback": StateChangeNotifier(failing=False),
}
