"""
### Drop audiences as files

Each audience named in a segment's front matter under `file_drop` is a folder below the URL of the connection
`file_drop_default`: CSV or Parquet, the changes or everybody, with a manifest that announces them (docs/file-drop.md).

**If it fails:** clear the task; the ledger (`audience.member`) knows what was dropped and only the rest is written. A
pink *everybody is delivered* means people were rejected or removals wait for approval: `bin/audienceflow holds list`
shows what waits.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.sync_destination import ShowPartialOperator, SyncDestinationOperator


@dag(
    schedule=sweep_or("30 6 * * *", assets.SEGMENTS | assets.APPROVALS["file_drop"]),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["sync", "file_drop"],
)
def sync_file_drop():
    sync = SyncDestinationOperator(
        task_id="sync", destination="file_drop", pool="files", outlets=[assets.AUDIENCES["file_drop"]]
    )
    sync >> ShowPartialOperator(task_id="show_partial", sync_task_id="sync")


sync_file_drop()
