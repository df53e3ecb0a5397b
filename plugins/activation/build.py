"""What the DAGs behind staging share: their day."""

from airflow.sdk import Param

AS_OF = Param(
    None, type=["null", "string"], format="date", description="Compute for this day; empty: the day of the run"
)
