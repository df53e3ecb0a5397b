"""Airflow's configuration on this machine, all of it as environment variables: no airflow.cfg is edited or read.

Values and their reasons come from trying Airflow 3.3; docker-compose.yaml holds the same for containers.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from include.runtime.private import Secrets, write_private
from include.runtime.settings import ROOT

USER = "admin"
DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "VIRTUAL_ENV", "AIRFLOW_CONFIG")  # would slow or mislead the parts
LOCAL_SETTINGS = Path(__file__).with_name("airflow_local_settings.py")


def airflow_environment(
    base: Mapping[str, str],
    home: Path,
    ports: Mapping[str, int],
    private: Secrets,
    database_url: str,
    *,
    clock: bool,
) -> dict[str, str]:
    """The environment of every Airflow part.

    :param base: what the parts inherit; connections (AIRFLOW_CONN_…) and secrets backends pass through.
    :param home: AIRFLOW_HOME.
    :param database_url: libpq URL of Airflow's own database.
    :param clock: False: DAGs run when asked or when their assets say so, not by the time of day.
    """
    web = f"http://127.0.0.1:{ports['airflow']}"
    kept = {name: value for name, value in base.items() if name not in DROPPED}
    return kept | {
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}",
        "PYTHONUNBUFFERED": "1",
        "AUDIENCEFLOW_CLOCK": "on" if clock else "off",
        "AIRFLOW_VAR_RESULT_PAGES": base.get("AIRFLOW_VAR_RESULT_PAGES") or str(home.parent / "results"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(min(32, 3 * (os.cpu_count() or 2))),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{web}/execution/",
        "AIRFLOW__CORE__FERNET_KEY": private.fernet_key,
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{USER}:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(home / "passwords.json"),
        "AIRFLOW__CORE__TEST_CONNECTION": "Enabled",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": database_url.replace("postgresql://", "postgresql+psycopg2://", 1),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(ports["airflow"]),
        "AIRFLOW__API__BASE_URL": web,
        "AIRFLOW__API__SECRET_KEY": private.api_secret_key,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": private.jwt_secret,
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",  # default 1: a second between two tasks of a chain
        "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "60",  # default 300: after a crash tasks wait that long
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",  # default 5: failed tasks hang on for that long
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
        # default 30: twenty files again and again take half a core; a file that changed is read at once anyway
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "600",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__LOGGING__WORKER_LOG_SERVER_PORT": str(ports["worker_log"]),
        "AIRFLOW__LOGGING__TRIGGER_LOG_SERVER_PORT": str(ports["trigger_log"]),
    }


def write_files(home: Path, private: Secrets) -> None:
    """What Airflow reads from AIRFLOW_HOME: the user's password and the scheduler's early imports."""
    write_private(home / "passwords.json", json.dumps({USER: private.admin_password}))
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config" / LOCAL_SETTINGS.name).write_text(LOCAL_SETTINGS.read_text(encoding="utf-8"), encoding="utf-8")
