"""What the DAGs behind staging share: their schedule and their day."""

from airflow.sdk import AssetOrTimeSchedule, BaseAsset, CronTriggerTimetable, Param

AS_OF = Param(
    None, type=["null", "string"], format="date", description="Compute for this day; empty: the day of the run"
)


def sweep_or(cron: str, assets: BaseAsset) -> AssetOrTimeSchedule:
    """Run when the assets say so, and on a clock as well: an event can be lost, a table cannot.

    :param cron: when the sweep runs, in UTC.
    """
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(cron, timezone="UTC"), assets=assets)
