"""
### Compute the segments

Builds every file of `sql/segments/` in the order of their dependencies: who entered, who left, sizes and overlaps.
A segment outside its limits alerts its owner; its audiences are then held, not emptied.

**If it fails:** the error names the segment and the line. Segments that do not depend on it were built. Mend the
file, clear the task; a build of the same day changes nothing twice.
"""

from airflow.sdk import dag

from activation import assets
from activation.build import AS_OF
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.build_segments import BuildSegmentsOperator


@dag(
    schedule=sweep_or("15 6 * * *", assets.PERSONS),
    params={"as_of": AS_OF},
    max_active_runs=1,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["build", "segments"],
)
def build_segments():
    BuildSegmentsOperator(task_id="build_segments", outlets=[assets.SEGMENTS])


build_segments()
