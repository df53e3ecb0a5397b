"""What the DAGs behind staging share: their day, and that the first persons wait for the first loads."""

from datetime import UTC, datetime

import psycopg
from airflow.sdk import Param
from airflow.sdk.exceptions import AirflowSkipException

from include import night

AS_OF = Param(
    None, type=["null", "string"], format="date", description="Compute for this day; empty: the day of the run"
)


def skip_during_first_loads(conn: psycopg.Connection) -> None:
    """Build nobody for the first time while a source is half read: who is a prospect would not be known to have bought.

    :raises AirflowSkipException: names the streams.
    """
    loading = night.first_loads(conn, datetime.now(UTC))
    if loading:
        raise AirflowSkipException(
            f"First loads are under way: {', '.join(loading)}. The first persons wait for them. To build "
            f"without one for a day: audienceflow source set-aside {loading[0]}"
        )
