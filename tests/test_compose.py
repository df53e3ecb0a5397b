"""docker-compose.yaml says what it must, and names nothing that is not there."""

from pathlib import Path

import pytest
import yaml

from include.runtime.postgres import SETTINGS
from include.runtime.settings import ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
AIRFLOW = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer"],
    "worker-1": ["celery", "worker"],
    "worker-2": ["celery", "worker"],
}


def test_every_part_of_the_system_is_a_service() -> None:
    assert set(SERVICES) == {"postgres", "redis", "init", "standins", *AIRFLOW}
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["standins"]["profiles"] == ["standins"]


def test_postgres_is_set_as_the_one_of_make_run_but_for_where_it_listens() -> None:
    given = dict(word.removeprefix("-c").split("=") for word in SERVICES["postgres"]["command"][1:])
    here = {name: value.strip("'") for name, value in SETTINGS.items()}
    assert given == {name: here[name] for name in here.keys() - {"listen_addresses", "unix_socket_directories"}}


@pytest.mark.parametrize(("name", "words"), AIRFLOW.items())
def test_each_airflow_service_runs_its_part_with_celery(name: str, words: list[str]) -> None:
    command = SERVICES[name]["command"]
    assert command[: 3 + len(words)] == ["python", "-m", "airflow", *words]
    assert SERVICES[name]["environment"]["AIRFLOW__CORE__EXECUTOR"] == "CeleryExecutor"
    assert SERVICES[name]["depends_on"]["init"]["condition"] == "service_completed_successfully"


def test_the_two_workers_have_names_of_their_own() -> None:
    assert SERVICES["worker-1"]["command"] != SERVICES["worker-2"]["command"]


def test_every_folder_that_is_mounted_exists_and_every_volume_is_declared() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            known = (ROOT / source).is_dir() if source.startswith(".") else source in COMPOSE["volumes"]
            assert known, f"{name} mounts {source}"


def test_every_module_that_is_run_exists() -> None:
    for service in SERVICES.values():
        command = service.get("command", [])
        if command[:2] == ["python", "-m"] and command[2].startswith("include."):
            assert (ROOT / Path(*command[2].split("."))).with_suffix(".py").is_file()


def test_every_secret_comes_from_the_environment_and_is_in_the_example() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name in ("POSTGRES_PASSWORD", "AIRFLOW_FERNET_KEY", "AIRFLOW_API_SECRET_KEY", "AIRFLOW_JWT_SECRET"):
        assert f"\n{name}=\n" in example
        assert f"${{{name}" in (ROOT / "docker-compose.yaml").read_text(encoding="utf-8")


def test_the_scheduler_is_asked_whether_anybody_watches() -> None:
    check = SERVICES["scheduler"]["healthcheck"]
    assert check["test"][:5] == ["CMD", "python", "-m", "include.cli", "health"]
    assert SERVICES["scheduler"]["environment"]["WAREHOUSE_URL"].endswith("@postgres:5432/warehouse")
