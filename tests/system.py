"""The whole system for the end-to-end test: `make up`, days of a small merchant, `make down`, all of it recorded."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from include.runtime.airflow_api import AirflowApi
from include.runtime.airflow_config import USER
from include.runtime.pipeline import ACTIVE
from include.runtime.postgres import EmbeddedPostgres
from include.runtime.private import keep
from include.runtime.system import dag_ids
from tests.canaries import rows_of
from tests.standins import Standins
from tests.system_processes import make
from tests.system_seen import HOLDING, Step, alerts_of

CONTACTS = ("hubspot", "contact")
EVERY_COLUMN = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
"""


@dataclass(frozen=True)
class RunningSystem:
    """What `make up` left running in ``home``."""

    home: Path

    @property
    def env(self) -> dict[str, str]:
        lines = (self.home / "env").read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)

    @property
    def ports(self) -> list[int]:
        return [int(value) for name, value in self.env.items() if name.endswith("_PORT")]

    @property
    def standins(self) -> Standins:
        return Standins(self.env["STANDINS_URL"], 0, 0, process=None)  # type: ignore[arg-type]

    @property
    def airflow(self) -> AirflowApi:
        password = keep(self.home / "secrets.json").admin_password
        return AirflowApi(self.env["AIRFLOW_URL"], USER, password, patience=30.0)

    def run(self, **choices: str) -> Step:
        """`make run`, then wait until no DAG is at work and everything it said has arrived."""
        before = self.standins.recorded()
        began = datetime.now(UTC)
        ended = make("run", self.home, **choices)
        self.until_idle()
        runs = self.airflow.runs(dag_ids(), since=began)
        by_dag: dict[str, tuple[str, ...]] = {}
        for run in runs:
            by_dag[run["dag_id"]] = (*by_dag.get(run["dag_id"], ()), run["state"])
        failed = self.airflow.tasks_in(runs, ("failed",))
        return Step(
            code=ended.returncode,
            words=ended.stdout[-6000:] + ended.stderr[-2000:],
            report=json.loads((self.home / "report.json").read_text(encoding="utf-8")),
            truth=self.standins.truth(),
            members={platform: self.standins.members(platform) for platform in HOLDING},
            requests=tuple(self.standins.recorded(after=before[-1].id if before else 0)),
            alerts=self.standins.alerts(),
            dag_runs=by_dag,
            failed_tasks=tuple(sorted(f"{task['dag_id']}.{task['task_id']}" for task in failed)),
            as_of=self._as_of(),
        )

    def _as_of(self) -> date | None:
        with psycopg.connect(self.env["WAREHOUSE_URL"]) as conn:
            return conn.execute("select max(as_of) from segment.build").fetchone()[0]

    def empty_the_addresses(self) -> dict[str, dict[str, Any]]:
        """HubSpot loses every contact's e-mail address; returns the contacts as they were."""
        before = self.standins.documents(*CONTACTS)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.standins.put(*CONTACTS, *(_changed(one, now, email=None) for one in before.values()))
        return before

    def repair(self, before: Mapping[str, dict[str, Any]]) -> None:
        """The addresses are back: the contacts as they were, changed once more."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.standins.put(*CONTACTS, *(_changed(one, now) for one in before.values()))

    def wait_for_alerts(self, each: int, *, of: str) -> dict[str, list[dict[str, Any]]]:
        """Alerts that name ``of`` once so many came on each channel, or what came in a minute.

        A task tells after it has ended.
        """
        return Retrying(
            retry=retry_if_result(lambda got: min(map(len, got.values())) < each),
            stop=stop_after_delay(60),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result(),
        )(lambda: alerts_of(self.standins.alerts(), of))

    def squares(self, dag_id: str, run_id: str | None = None) -> list[tuple[str, str, str | None]]:
        """Task, state and the words beside its square, of one run (None: of all)."""
        runs = [run for run in self.airflow.runs([dag_id]) if run_id in (None, run["dag_run_id"])]
        tasks = [task for run in runs for task in self.airflow.task_instances(run)]
        return sorted((task["task_id"], task["state"], task["rendered_map_index"]) for task in tasks)

    def until(self, ask: Callable[[], Any], *dag_ids: str) -> Any:
        """Ask until there is an answer; what the named DAGs are at is told when there is none in three minutes."""
        retrying = Retrying(
            retry=retry_if_result(lambda got: not got),
            stop=stop_after_delay(180),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result(),
        )
        answer = retrying(ask)
        assert answer, {dag_id: self.squares(dag_id) for dag_id in dag_ids}
        return answer

    def told(self) -> Iterator[tuple[str, str]]:
        """Everything Airflow, the ops tables, logs and pages of results keep, and all alerts, as (where, text)."""
        yield "alerts", json.dumps(self.standins.alerts(), ensure_ascii=False)
        for path in sorted([*self.home.rglob("*.log"), *(self.home / "results").rglob("*"), self.home / "report.json"]):
            if "postgres" not in path.parts and path.is_file():
                yield str(path.relative_to(self.home)), path.read_text(encoding="utf-8", errors="replace")
        postgres = EmbeddedPostgres(self.home / "postgres", int(self.env["POSTGRES_PORT"]))
        with psycopg.connect(postgres.url("airflow")) as conn:
            for (table,) in conn.execute(EVERY_COLUMN).fetchall():
                yield f"airflow's {table}", rows_of(conn, "public", table)
        with psycopg.connect(postgres.url("warehouse")) as conn:
            tables = conn.execute("select table_name from information_schema.tables where table_schema = 'ops'")
            for (table,) in tables.fetchall():
                yield f"ops.{table}", rows_of(conn, "ops", table)

    def streams_with_held_rows(self) -> list[str]:
        """Streams of which a row was set aside."""
        with psycopg.connect(self.env["WAREHOUSE_URL"]) as conn:
            return [stream for (stream,) in conn.execute("select distinct stream from ops.quarantine")]

    def leaders(self) -> tuple[str, list[psutil.Process]]:
        """The start's token and the processes written down."""
        kept = json.loads((self.home / "processes.json").read_text(encoding="utf-8"))
        pid = int((self.home / "postgres" / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        return kept["token"], [psutil.Process(one) for one in (pid, *(part["pid"] for part in kept["parts"]))]

    def until_idle(self) -> None:
        """Wait until no DAG is at work."""
        Retrying(retry=retry_if_result(bool), stop=stop_after_delay(180), wait=wait_fixed(1))(
            lambda: self.airflow.runs(dag_ids(), states=ACTIVE)
        )


def _changed(document: dict[str, Any], now: str, **properties: Any) -> dict[str, Any]:
    body = document["body"]
    body = {**body, "updatedAt": now, "properties": {**body["properties"], "lastmodifieddate": now, **properties}}
    stamp = int(datetime.fromisoformat(now).timestamp() * 1000)
    return {**document, "body": body, "changed_at": stamp}
