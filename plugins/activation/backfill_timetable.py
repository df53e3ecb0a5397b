"""The schedule of a DAG that no clock starts, but whose past can be read again."""

from airflow.timetables.base import DagRunInfo, DataInterval, TimeRestriction
from airflow.timetables.interval import CronDataIntervalTimetable


class BackfillOnlyTimetable(CronDataIntervalTimetable):
    """Intervals of a cron expression for `airflow backfill create` alone; the scheduler finds nothing to start.

    A backfill walks through the intervals as if the DAG caught up; the scheduler asks without, as our DAGs do not.
    """

    def next_dagrun_info(
        self, *, last_automated_data_interval: DataInterval | None, restriction: TimeRestriction
    ) -> DagRunInfo | None:
        if not restriction.catchup:
            return None
        return super().next_dagrun_info(
            last_automated_data_interval=last_automated_data_interval, restriction=restriction
        )
