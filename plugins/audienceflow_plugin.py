"""What audienceflow adds to Airflow's own pages: the results of the quality gate, and the way to them."""

from airflow.plugins_manager import AirflowPlugin

from activation.backfill_timetable import BackfillOnlyTimetable
from activation.quality_app import app
from activation.result_pages import PREFIX, ResultPageLink


class AudienceflowPlugin(AirflowPlugin):
    """Pages of results behind Airflow's login, an entry in its menu, a button on each check; a schedule."""

    name = "audienceflow"
    fastapi_apps = [{"app": app, "url_prefix": f"/{PREFIX}", "name": "Data quality"}]  # noqa: RUF012 (Airflow's form)
    external_views = [{"name": "Data quality", "href": f"{PREFIX}/", "destination": "nav"}]  # noqa: RUF012
    operator_extra_links = [ResultPageLink()]  # noqa: RUF012
    timetables = [BackfillOnlyTimetable]  # noqa: RUF012
