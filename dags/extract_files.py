"""
### Land, check and publish dropped files

Lands each new CSV, Parquet or gz file of the drop folders (connection `files_default`), by the mapping whose
pattern fits its name: till exports and other orders to `staging.files_orders`, lists of people to
`staging.files_persons`. A file that no mapping fits is named in the task's log and result, and left alone.

**If it fails:** the error names file and line. Put a repaired file into the folder (or add a mapping) and run the
DAG again; a file that was landed once is not landed twice.
"""

from datetime import UTC, datetime

from airflow.sdk import dag

from activation.clock import clock
from activation.defaults import DEFAULT_ARGS
from activation.extract import SINCE, stream_tasks


@dag(
    schedule=clock("15 3 * * *"),
    start_date=datetime(2026, 11, 1, tzinfo=UTC),
    params={"since": SINCE},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["extract", "files"],
)
def extract_files():
    for stream in ("files.orders", "files.persons"):
        stream_tasks(stream, pool="files")


extract_files()
