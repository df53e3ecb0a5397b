"""What a set of containers needs once before anything else starts: roles, databases, migrations, pools. Safe to repeat.

Run by the service `init` of docker-compose.yaml: ``python -m include.runtime.init_containers`` with POSTGRES_URL (libpq
URL of a superuser) and ROLE_PASSWORD in the environment, beside Airflow's own settings.
"""

import os
import subprocess
import sys
from urllib.parse import urlsplit, urlunsplit

from include import warehouse
from include.errors import ConfigError, FatalError
from include.runtime.postgres import ensure_database
from include.runtime.settings import ROOT

AIRFLOW_COMMANDS = (("db", "migrate"), ("pools", "import", str(ROOT / "pools.json")))


def main() -> None:
    """Make everything the other services expect.

    :raises FatalError: Airflow's own migration or the pools failed; its words are above.
    """
    admin, password = _given("POSTGRES_URL"), _given("ROLE_PASSWORD")
    for name in ("airflow", "warehouse"):
        ensure_database(admin, name, password)
    warehouse.migrate(_as_role(admin, "warehouse", password))
    for command in AIRFLOW_COMMANDS:
        if subprocess.run([sys.executable, "-m", "airflow", *command], check=False).returncode != 0:
            raise FatalError(f"`airflow {' '.join(command)}` failed.")


def _given(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise ConfigError(f"{name} is not set; docker-compose.yaml sets it for the service init.")
    return value


def _as_role(admin: str, role: str, password: str) -> str:
    """The admin's URL for the role's own database."""
    parts = urlsplit(admin)
    return urlunsplit(
        parts._replace(netloc=f"{role}:{password}@{parts.hostname}:{parts.port or 5432}", path=f"/{role}")
    )


if __name__ == "__main__":
    main()
