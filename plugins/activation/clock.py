"""The time of day as a reason to run, and how it is switched off.

`make run` starts a system for one chain. Airflow would at once make up for the last tick of every clock (a DAG that
is unpaused at noon runs for this morning), so persons would be built while their sources are still being read. With
AUDIENCEFLOW_CLOCK=off in the environment, DAGs run only when asked, in a backfill, or when their assets say so.
"""

import os

from airflow.sdk import AssetOrTimeSchedule, CronDataIntervalTimetable, CronTriggerTimetable
from airflow.sdk.definitions.asset import BaseAsset

from activation.backfill_timetable import BackfillOnlyTimetable


def clock(cron: str) -> CronTriggerTimetable | None:
    """Run at this time of day.

    :param cron: in UTC.
    """
    if os.environ.get("AUDIENCEFLOW_CLOCK") == "off":
        return None
    return CronTriggerTimetable(cron, timezone="UTC")


def interval_clock(cron: str) -> CronDataIntervalTimetable | BackfillOnlyTimetable:
    """Run at this time of day, for the time since the last: what a backfill of a range is cut into.

    :param cron: in UTC.
    """
    if os.environ.get("AUDIENCEFLOW_CLOCK") == "off":
        return BackfillOnlyTimetable(cron, timezone="UTC")
    return CronDataIntervalTimetable(cron, timezone="UTC")


def sweep_or(cron: str, assets: BaseAsset) -> AssetOrTimeSchedule | BaseAsset:
    """Run when the assets say so, and on a clock as well: an event can be lost, a table cannot.

    A DAG of such a schedule has no start date: with one it would run for the last sweep as soon as it is switched on,
    which on a system's first day is before its sources are read.

    :param cron: when the sweep runs, in UTC.
    """
    time_of_day = clock(cron)
    return assets if time_of_day is None else AssetOrTimeSchedule(timetable=time_of_day, assets=assets)
