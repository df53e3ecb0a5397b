"""Where the pages of the quality gate's results lie, and their address behind Airflow's login.

The folder is what the Airflow variable ``result_pages`` names, any fsspec URL; without it ``results`` beside Airflow's
logs. Workers write there, the web server reads there: both must reach it.
"""

import os
from pathlib import Path
from typing import Any

import psycopg
from airflow.sdk import BaseOperator, BaseOperatorLink, Variable
from airflow.sdk.configuration import conf

from include.results import draw
from include.results.store import PageFolder
from include.task_run import TaskKey

PREFIX = "quality"  # of the web app, below Airflow's own address


def folder() -> PageFolder:
    """The folder of pages."""
    home = Path(os.environ.get("AIRFLOW_HOME") or "~/airflow").expanduser()
    return PageFolder(Variable.get("result_pages", default=str(home / "results")))


def url_of(path: str) -> str:
    """The address of a page, for people who are logged in to Airflow."""
    return f"{conf.get('api', 'base_url', fallback='http://localhost:8080').rstrip('/')}/{PREFIX}/{path}"


def key_of(ti: Any) -> TaskKey:
    """One try of a task."""
    return TaskKey(ti.dag_id, ti.run_id, ti.task_id, ti.map_index if ti.map_index is not None else -1, ti.try_number)


def page_of(conn: psycopg.Connection, ti: Any) -> str | None:
    """The address of the page that this task of this run made; None: it made none."""
    path = draw.page_of(conn, key_of(ti))
    return None if path is None else url_of(path)


class ResultPageLink(BaseOperatorLink):
    """The button *Results* on a task that checks a stream."""

    name = "Results"

    def get_link(self, operator: BaseOperator, *, ti_key: Any) -> str:
        """The page of the check that has just ended; the index when it found nothing open."""
        return getattr(operator, "result_page", None) or url_of(draw.INDEX)
