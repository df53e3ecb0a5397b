"""``connections check``: what the credentials of each source and destination are worth.

Credentials live in Airflow and do not leave it: Airflow asks the platforms, every morning or when told to by `--now`,
and this shows what it wrote down.
"""

import os
import time
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from include.cli.app import Json, home, setting, warehouse_connection
from include.cli.output import print_json, print_table
from include.errors import ConfigError, RetriableError

commands = typer.Typer(no_args_is_help=True, help="The platforms that are read and that audiences go to.")
DAG = "check_connections"
LONGEST = 300.0  # seconds a check on demand may take
PAUSE = 1.0


@commands.callback()
def _group() -> None:
    """Keeps `check` a command of its own."""


@commands.command("check")
def check(
    now: Annotated[bool, typer.Option("--now", help="Ask the platforms now, through Airflow.")] = False,
    json: Json = False,
) -> None:
    """State of credentials, scopes, expiry, limits, what is left of them; when that was asked. Exit 1: one is bad."""
    from include import connection_checks

    if now:
        _ask_now()
    with warehouse_connection() as conn:
        found = [vars(result) for result in connection_checks.newest(conn)]
    if json:
        print_json(found)
    else:
        _print(found)
    if any(result["state"] != "ok" for result in found):
        raise SystemExit(1)


def _print(found: list[dict[str, Any]]) -> None:
    told = [
        {
            **one,
            "limits": [f"{name} {value}" for name, value in one["limits"].items()],
            "left": [f"{quota['remaining']:,} of {quota['limit']:,} {name}" for name, quota in one["quota"].items()],
        }
        for one in found
    ]
    columns = [
        "role",
        "platform",
        "state",
        "account",
        "scopes",
        "limits",
        "left",
        "expires_at",
        "checked_at",
        "problems",
    ]
    print_table("Connections", columns, told, empty="none was checked yet; `connections check --now` asks them")


def _ask_now() -> None:
    """Run the DAG that asks and wait for its end; a platform that refuses fails it, and that is an answer.

    :raises ConfigError: it is not known where Airflow is.
    :raises RetriableError: Airflow does not answer, or takes longer than LONGEST.
    """
    from include.runtime.airflow_api import AirflowApi

    user, password = _login()
    api = AirflowApi(setting("AIRFLOW_URL", "Airflow"), user, password, patience=10.0)
    run_id = f"asked-{datetime.now(UTC):%Y%m%dT%H%M%S.%f}"
    api.trigger(DAG, run_id)
    deadline = time.monotonic() + LONGEST
    while time.monotonic() < deadline:
        state = api.call("GET", f"/dags/{DAG}/dagRuns/{run_id}")["state"]
        if state in ("success", "failed"):
            return
        time.sleep(PAUSE)
    raise RetriableError(f"{DAG} has not ended within {LONGEST:.0f} s; see Airflow's UI.")


def _login() -> tuple[str, str]:
    """From AIRFLOW_USER and AIRFLOW_PASSWORD, or the user of a system that `make up` started."""
    from include.runtime.airflow_config import USER
    from include.runtime.private import keep

    if password := os.environ.get("AIRFLOW_PASSWORD"):
        return os.environ.get("AIRFLOW_USER", USER), password
    path = home() / "secrets.json"
    if not path.is_file():
        raise ConfigError("No login to Airflow is named: set AIRFLOW_USER and AIRFLOW_PASSWORD.")
    return USER, keep(path).admin_password
