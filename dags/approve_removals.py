"""
### Ask a person about removals that wait

A sync holds removals back when their source looks broken or when there are too many of them; additions go on. Each
such hold is one *ask* here: size, reason, age, causes and a masked sample. **Required Actions** (or the task's own
page) has the buttons:

* *Remove them*: the people shown may go, and nobody else. The sync of that destination is woken and computes the
  difference anew.
* *Keep them*: they stay; you are asked again only when somebody else would be removed.
* *Decide later*, or no answer for a day: asked again with the numbers of that day.

The same on the command line: `bin/audienceflow holds list`, `show`, `approve`, `reject`. Who, when and why stand in
`ops.audit`.

**If it fails:** clear the task; it asks again. An *ask* that is skipped was decided elsewhere or replaced by a larger
hold, which has an *ask* of its own.
"""

from airflow.sdk import dag

from activation import assets
from activation.clock import sweep_or
from activation.defaults import DEFAULT_ARGS
from activation.operators.approve_removals import HOLD_IN_WORDS, ApproveRemovalsOperator, ListHoldsOperator


@dag(
    schedule=sweep_or("5 * * * *", assets.HOLDS),
    max_active_runs=50,  # a question may wait for a day, and the next one must not wait behind it
    is_paused_upon_creation=False,
    catchup=False,
    default_args=DEFAULT_ARGS,
    doc_md=__doc__,
    tags=["approve", "sync"],
)
def approve_removals():
    waiting = ListHoldsOperator(task_id="list_holds")
    ApproveRemovalsOperator.partial(
        task_id="ask", outlets=[assets.APPROVED_SOMETHING], map_index_template=HOLD_IN_WORDS
    ).expand(hold_id=waiting.output)


approve_removals()
