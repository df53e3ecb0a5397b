"""The whole system on one machine: Postgres, stand-ins and the four parts of Airflow, started and stopped as one."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

from include import warehouse
from include.errors import FatalError, RetriableError
from include.runtime import airflow_config, connections, ports, private, standins
from include.runtime.airflow_api import AirflowApi
from include.runtime.postgres import EmbeddedPostgres
from include.runtime.processes import Mode, ProcessRecord
from include.runtime.settings import ROOT, Settings
from include.runtime.state import State, settle

AIRFLOW_PARTS = ("api-server", "scheduler", "dag-processor", "triggerer")
START_TIMEOUT = 180.0  # seconds; a cold start on two busy cores takes 45
GENERATE_TIMEOUT = 1800.0  # seconds; a merchant of a million customers takes its time
T = TypeVar("T")


@dataclass(frozen=True)
class Addresses:
    """Where a running system is found."""

    airflow: str
    warehouse: str
    standins: str | None


class System:
    """One system in ``settings.home``. Only the holder of the home's lock may start or stop it.

    :param say: gets a line for every step, for people.
    """

    def __init__(self, settings: Settings, say: Callable[[str], None]) -> None:
        self.settings = settings
        self.say = say
        self.home = settings.home
        self.record = ProcessRecord(self.home / "processes.json")
        self.ports = ports.read(self.home / "ports.json")

    @property
    def private(self) -> private.Secrets:
        return private.keep(self.home / "secrets.json")

    @property
    def postgres(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.home / "postgres", self.ports.get("postgres", 0))

    @property
    def addresses(self) -> Addresses:
        return Addresses(
            airflow=f"http://127.0.0.1:{self.ports['airflow']}",
            warehouse=self.postgres.url("warehouse", role="warehouse"),
            standins=f"http://127.0.0.1:{self.ports['standins']}" if self.settings.standins else None,
        )

    @property
    def api(self) -> AirflowApi:
        """Airflow's REST interface, for a system that is up: short failures are waited out."""
        return self._api(patience=30.0)

    @property
    def standins(self) -> standins.StandIns | None:
        url = self.addresses.standins
        return standins.StandIns(url) if url else None

    def is_up(self) -> bool:
        """Whether `make up` left it running and every part is still there."""
        return self.record.mode == "up" and not self.record.ended() and bool(self.ports) and self.postgres.answers()

    def start(self, mode: Mode) -> None:
        """Start everything and wait until tasks can run; ends what a killed start left behind first.

        :raises FatalError: a part does not come up; names its log. What was started stays for ``stop``.
        """
        state = settle(self.settings)
        self.stop()
        self.ports = ports.choose(self.home / "ports.json")
        self.record.begin("run")
        if state.standins:
            self._start_standins(state)
        self._start_postgres()
        by_clock = mode == "up" and self.settings.environment.get("AUDIENCEFLOW_CLOCK") != "off"
        environment = self._environment(state, clock=by_clock)
        self._migrate_airflow(environment)
        began = datetime.now(UTC)
        with self._step("Airflow"):
            for part in AIRFLOW_PARTS:
                self._start_part(part, [sys.executable, "-m", "airflow", part], environment)
            self._settle_airflow(began)
        self._write_env()
        self.record.keep_as(mode)

    def stop(self) -> None:
        """Stop everything of this home, also what an earlier start left behind. Safe to repeat."""
        if self.record.token:
            self.record.stop()
        self.postgres.stop()

    def set_files(self) -> None:
        """Tell Airflow which folders hold dropped files."""
        folders = [str(self.settings.drops)] if self.settings.standins else []
        if folders:
            self.settings.drops.mkdir(parents=True, exist_ok=True)
        folders += self.settings.files
        if folders:
            self.api.ensure_connection(connections.file_drops(folders))

    def _api(self, patience: float) -> AirflowApi:
        user, password = airflow_config.USER, self.private.admin_password
        return AirflowApi(self.addresses.airflow, user, password, patience=patience)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.say(f"{name} ready after {time.monotonic() - began:.1f} s")

    def _start_part(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        self.record.start(name, command, environment, self.settings.logs / f"{name}.log")

    def _start_standins(self, state: State) -> None:
        inherited = {
            name: value for name, value in self.settings.environment.items() if name not in airflow_config.DROPPED
        }
        command = standins.command(self.settings, state.customers, self.ports["standins"], self.ports["smtp"])
        self._start_part("stand-ins", command, inherited | {"PYTHONPATH": str(ROOT)})

    def _start_postgres(self) -> None:
        with self._step("Postgres"):
            self.postgres.start()
            self.postgres.ensure_database("airflow")
            applied = warehouse.migrate(self.postgres.ensure_database("warehouse"))
        if applied:
            self.say(f"warehouse migrated: {applied[0]} to {applied[-1]}")

    def _environment(self, state: State, *, clock: bool) -> dict[str, str]:
        """What Airflow's parts get; the stand-ins' connections need the stand-ins to answer."""
        home = self.home / "airflow"
        airflow_config.write_files(home, self.private)
        database = self.postgres.url("airflow", role="airflow")
        base = dict(self.settings.environment)
        if self.settings.files:
            base.pop(connections.variable("files_default"), None)  # FILES wins over an inherited connection
        made = airflow_config.airflow_environment(base, home, self.ports, self.private, database, clock=clock)
        made |= connections.warehouse(self.addresses.warehouse)
        if state.standins:
            made |= self._standins_connections()
        return made

    def _standins_connections(self) -> dict[str, str]:
        with self._step("stand-ins"):
            self._until(GENERATE_TIMEOUT, "the stand-ins answer", self.standins.health)
        made = connections.to_standins(self.standins.accounts(), self.ports["smtp"])
        return made | connections.audience_drops(self.audience_drops)

    @property
    def audience_drops(self) -> Path:
        """Where audiences are dropped as files while the stand-ins play the platforms."""
        return self.home / "audiences"

    def _migrate_airflow(self, environment: dict[str, str]) -> None:
        """Bring Airflow's database to its version, alone, before any part looks at it; once a version."""
        stamp, wanted = self.home / "airflow" / "migrated", version("apache-airflow")
        if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
            return
        with self._step("Airflow's database"):
            log = self.settings.logs / "migrate.log"
            command = [sys.executable, "-m", "airflow", "db", "migrate"]
            if self.record.run("migrate", command, environment, log) != 0:
                raise FatalError(f"`airflow db migrate` failed; the cause is at the end of {log}.")
        stamp.write_text(wanted, encoding="utf-8")

    def _settle_airflow(self, began: datetime) -> None:
        """Wait for the web server, make pools and connections, then wait until every DAG of today's files is known."""
        api = self._api(patience=0.0)
        self._until(START_TIMEOUT, "Airflow's web server answers", lambda: api.call("GET", "/version"))
        for name, pool in json.loads((ROOT / "pools.json").read_text(encoding="utf-8")).items():
            api.ensure_pool(name, pool["slots"], pool["description"])
        self.set_files()
        api.warm_up()
        self._until(START_TIMEOUT, "Airflow's parts are alive", lambda: all(api.healthy_since(began).values()))
        self._until(START_TIMEOUT, "every DAG is read", lambda: _read_since(api, began))

    def _until(self, seconds: float, what: str, ask: Callable[[], T]) -> T:
        """Ask again and again until the answer is true; a part that dies meanwhile ends the waiting."""
        deadline = time.monotonic() + seconds
        while True:
            self.record.check(self.settings.logs)
            try:
                if answer := ask():
                    return answer
            except RetriableError:
                pass  # it is still starting
            if time.monotonic() > deadline:
                raise FatalError(f"Waited {seconds:.0f} s until {what}, in vain; look into {self.settings.logs}.")
            time.sleep(0.7)  # every question costs the starting web server time

    def _write_env(self) -> None:
        """.run/env: for psql and BI tools, as in `source .run/env; psql $WAREHOUSE_URL`."""
        lines = [f"WAREHOUSE_URL={self.addresses.warehouse}", f"AIRFLOW_URL={self.addresses.airflow}"]
        if self.addresses.standins:
            lines.append(f"STANDINS_URL={self.addresses.standins}")
        lines += [f"{name.upper()}_PORT={port}" for name, port in self.ports.items()]
        private.write_private(self.home / "env", "\n".join(lines) + "\n")


def dag_ids() -> list[str]:
    """Ids of the DAGs in dags/: a DAG is called like its file."""
    return sorted(path.stem for path in (ROOT / "dags").glob("*.py"))


def _read_since(api: AirflowApi, began: datetime) -> bool:
    """Whether Airflow has read every file of dags/ since ``began``.

    :raises FatalError: a file cannot be read; names file and error.
    """
    fresh = [error for error in api.import_errors() if datetime.fromisoformat(error["timestamp"]) > began]
    for error in fresh:
        words = error["stack_trace"].strip().splitlines()
        raise FatalError(f"{Path(error['filename']).name} cannot be read: {words[-1] if words else 'no reason given'}")
    known = api.dags()
    return all(
        dag_id in known and datetime.fromisoformat(known[dag_id]["last_parsed_time"]) > began for dag_id in dag_ids()
    )
