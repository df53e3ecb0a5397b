"""The DAG files, read once by Airflow itself."""

from pathlib import Path

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import DAG

DAGS_FOLDER = Path(__file__).resolve().parents[2] / "dags"


@pytest.fixture(scope="session")
def dagbag() -> DagBag:
    return DagBag(dag_folder=str(DAGS_FOLDER))


@pytest.fixture(scope="session")
def dags(dagbag: DagBag) -> dict[str, DAG]:
    return dict(dagbag.dags)


@pytest.fixture(scope="session")
def import_errors(dagbag: DagBag) -> dict[str, str]:
    return dict(dagbag.import_errors)
