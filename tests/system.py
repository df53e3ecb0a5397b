"""The whole system for the end-to-end test: `make up`, days of a small merchant, `make down`, all of it recorded."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from include.runtime.airflow_api import AirflowApi
from include.runtime.airflow_config import USER
from include.runtime.pipeline import ACTIVE
from include.runtime.postgres import EmbeddedPostgres
from include.runtime.private import keep
from include.runtime.processes import TOKEN
from include.runtime.settings import ROOT
from include.runtime.system import dag_ids
from include.standins.request_log import Recorded
from tests.standins import Standins
from tests.what_was_sent import changes

CONTACTS = ("hubspot", "contact")
# The platforms whose audiences `tests.oracle` knows.
HOLDING = ("mailchimp", "klaviyo", "hubspot", "brevo", "meta", "google", "tiktok")
ONE_LEAVES = """
with

staying as (
    select member.person_id, member.audience_id, stay.membership_id, stay.segment
    from audience.member
    inner join audience.audience using (audience_id)
    inner join segment.membership as stay
        on audience.segment = stay.segment and member.person_id = stay.person_id and stay.left_at is null
    where audience.destination = 'meta' and member.acknowledged = 'present'
    limit 1
),

stale as (
    update segment.build set built_at = built_at - interval '3 days'
    from staying
    where build.segment = staying.segment
)

update segment.membership
set left_at = clock_timestamp(), left_version = membership.version, left_reason = 'rule'
from staying
where membership.membership_id = staying.membership_id
returning staying.person_id, staying.audience_id
"""
STILL_THERE = """
select from audience.member
where audience_id = %s and person_id = %s and acknowledged = 'present'
"""
LAPSED = """
select distinct on (member.person_id)
    member.person_id, member.audience_id, bought.order_key
from audience.member
inner join audience.audience using (audience_id)
inner join profile.person_order as bought on member.person_id = bought.person_id
where
    audience.destination = 'meta'
    and audience.segment = 'lapsed_high_value'
    and member.acknowledged = 'present'
    and bought.stream = 'shopify.orders'
order by member.person_id, bought.order_key
limit 5
"""
REMOVED_AT = """
select extract(epoch from max(delivery.at))::float, count(distinct delivery.person_id)
from audience.delivery
where
    delivery.audience_id = %s and delivery.person_id = any(%s)
    and delivery.operation = 'remove' and delivery.outcome in ('accepted', 'confirmed')
"""
FAILED_PAGE = """
select path, run_id from ops.result_page
where suite = 'hubspot_contacts' and critical > 0
order by checked_at desc
limit 1
"""
EVERY_COLUMN = """
select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'
"""


@dataclass(frozen=True)
class Step:
    """One `make run` and what was true around it.

    :param code: exit code.
    :param truth: what the merchant knew during the run.
    :param members: by platform, who was in each audience after it.
    :param requests: everything the platforms were asked from its beginning to the next step's.
    :param dag_runs: by DAG, states of its runs in this step.
    :param failed_tasks: as ``dag_id.task_id``.
    :param as_of: the day the newest segments are of; a run near midnight may build for the next day.
    """

    code: int
    words: str = field(repr=False)
    report: dict[str, Any] = field(repr=False)
    truth: dict[str, Any] = field(repr=False)
    members: dict[str, Any] = field(repr=False)
    requests: tuple[Recorded, ...] = field(repr=False)
    alerts: dict[str, list[dict[str, Any]]] = field(repr=False)
    dag_runs: Mapping[str, tuple[str, ...]] = field(repr=False)
    failed_tasks: tuple[str, ...] = ()
    as_of: date | None = None

    def written(self) -> list[Recorded]:
        """Requests that change something at a destination."""
        kept = [one for one in self.requests if one.platform in HOLDING and changes(one)]
        return [one for one in kept if one.path != "/google/token"]


@dataclass(frozen=True)
class Asked:
    """A removal that waited and was approved.

    :param question: as Airflow shows it.
    :param held: whether the platform still had the person when the question stood.
    :param shown: the squares of the sync that held it: task, state, words.
    :param audit: who did what, why.
    :param syncs: the squares of all syncs of Mailchimp.
    """

    question: dict[str, Any] = field(repr=False)
    held: bool
    shown: list[tuple[str, str, str | None]]
    audit: list[tuple[str, str, str]]
    syncs: list[tuple[str, str, str | None]] = field(repr=False)


@dataclass(frozen=True)
class Bought:
    """People of a win-back audience who bought at the shop, while only its orders were followed.

    :param people: who bought; ``left`` of them are no longer in the audience.
    :param seconds: from the first order at the shop to the last removal that the platform took.
    :param again: state of the build when the orders were looked at once more.
    """

    people: int
    left: int
    seconds: float
    again: str


@dataclass(frozen=True)
class Looked:
    """What was seen of connections, steps and pages.

    :param checks: squares of the check of all connections; ``watched``: of the watch.
    :param asked: role, platform, state and problems of each connection.
    :param page: path of the page that the failed check has left; ``link``: what its button leads to.
    :param web: who asked for that page, and what they were answered.
    """

    checks: list[tuple[str, str, str | None]]
    watched: list[tuple[str, str, str | None]]
    asked: list[tuple[str, str, str, list[str]]]
    page: str
    link: str
    web: Mapping[str, requests.Response] = field(repr=False)


def alerts_of(alerts: Mapping[str, list[dict[str, Any]]], subject: str) -> dict[str, list[dict[str, Any]]]:
    """By channel, the alerts that name a subject."""
    return {channel: [one for one in got if subject in json.dumps(one)] for channel, got in alerts.items()}


def make(command: str, home: Path, **choices: str) -> subprocess.CompletedProcess[str]:
    """Run what `make <command>` runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    at_once = {"AIRFLOW_VAR_ALERT_SETTLE_MINUTES": "0"}  # no clock runs that would tell a recovery later
    return subprocess.run(
        [sys.executable, "-m", "include.runtime", command],
        cwd=ROOT,
        env={**kept, **at_once, "AUDIENCEFLOW_HOME": str(home), "AUDIENCEFLOW_CLOCK": "off", **choices},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


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

    def ask_and_approve(self) -> "Asked":
        """Somebody leaves a segment whose build has gone stale: the removal waits, a person approves it in Airflow."""
        with psycopg.connect(self.env["WAREHOUSE_URL"], autocommit=True) as conn:
            person, audience_id = conn.execute(ONE_LEAVES).fetchone()
            self.airflow.trigger("sync_meta", "leaves-a-stale-segment")
            question = self._until(self._questions)[0]
            held = conn.execute(STILL_THERE, (audience_id, person)).fetchone() is not None
            ti = question["task_instance"]
            path = f"/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}/{ti['map_index']}"
            answer = {"chosen_options": ["Remove them"], "params_input": {"why": "a campaign ended"}}
            self.airflow.call("PATCH", f"{path}/hitlDetails", json=answer)
            self._until(
                lambda: conn.execute(STILL_THERE, (audience_id, person)).fetchone() is None,
                "approve_removals",
                "sync_meta",
            )
            audit = conn.execute("select actor, action, details ->> 'why' from ops.audit").fetchall()
        self.until_idle()
        shown = self._squares("sync_meta", "leaves-a-stale-segment")
        return Asked(question, held, shown, audit, self._squares("sync_mailchimp"))

    def buy_again(self) -> Bought:
        """Some whom Meta holds as lapsed buy at the shop; its orders are followed, and nothing else is read."""
        with psycopg.connect(self.env["WAREHOUSE_URL"], autocommit=True) as conn:
            buyers = conn.execute(LAPSED).fetchall()
            orders = self.standins.documents("shopify", "order")
            now = datetime.now(UTC)
            new = [_bought_now(orders[key], number, now) for number, (*_, key) in enumerate(buyers)]
            self.standins.put("shopify", "order", *new)
            self.airflow.pause("follow_orders", False)
            asked = (buyers[0][1], [person for person, *_ in buyers])
            looks = itertools.count(1)

            def have_left() -> bool:
                """Look at the orders once, as the clock would; what is seconds old is left to the next look."""
                self.airflow.trigger("follow_orders", f"somebody-bought-{next(looks)}")
                self.until_idle()
                return conn.execute(REMOVED_AT, asked).fetchone()[1] == len(buyers)

            self._until(have_left, "follow_orders", "build_segments", "sync_meta")
            at, left = conn.execute(REMOVED_AT, asked).fetchone()
        self.until_idle()
        self.airflow.trigger("follow_orders", "nobody-bought")
        self.until_idle()
        again = dict(square[:2] for square in self._squares("follow_orders", "nobody-bought"))["build_persons"]
        return Bought(len(buyers), left, at - now.timestamp(), again)

    def look_around(self) -> "Looked":
        """Check every connection, watch every step, and open the page that the failed check has left."""
        for dag_id in ("check_connections", "watch"):
            self.airflow.pause(dag_id, False)
            self.airflow.trigger(dag_id, "looks-around")
        self.until_idle()
        checks, watched = self._squares("check_connections", "looks-around"), self._squares("watch", "looks-around")
        with psycopg.connect(self.env["WAREHOUSE_URL"]) as conn:
            asked = conn.execute("select role, platform, state, problems from ops.connection_check").fetchall()
            [(path, run)] = conn.execute(FAILED_PAGE).fetchall()
        where = f"/dags/extract_hubspot/dagRuns/{run}/taskInstances/check_contacts/links"
        link = self.airflow.call("GET", where)["extra_links"]["Results"]
        logged_in = {"Authorization": f"Bearer {self.airflow.token()}"}
        outside = f"{self.env['AIRFLOW_URL']}/quality/..%2Fprocesses.html"
        web = {
            "nobody": requests.get(link, timeout=60, allow_redirects=False, headers={"Accept": "application/json"}),
            "a person": requests.get(link, timeout=60, allow_redirects=False, headers={"Accept": "text/html"}),
            "logged in": requests.get(link, timeout=60, headers=logged_in),
            "outside": requests.get(outside, timeout=60, headers=logged_in),
        }
        shots = os.environ.get("PAGES_SHOTS")
        if shots:
            shutil.copytree(self.home / "results", Path(shots) / "results", dirs_exist_ok=True)
        return Looked(checks, watched, asked, path, link, web)

    def _questions(self) -> list[dict[str, Any]]:
        """Those that wait: an answer to one whose task still runs would be taken for a command to end it."""
        found = self.airflow.call("GET", "/dags/~/dagRuns/~/hitlDetails")["hitl_details"]
        return [one for one in found if one["task_instance"]["state"] in ("awaiting_input", "deferred")]

    def _squares(self, dag_id: str, run_id: str | None = None) -> list[tuple[str, str, str | None]]:
        """Task, state and the words beside its square, of one run (None: of all)."""
        runs = [run for run in self.airflow.runs([dag_id]) if run_id in (None, run["dag_run_id"])]
        tasks = [task for run in runs for task in self.airflow.task_instances(run)]
        return sorted((task["task_id"], task["state"], task["rendered_map_index"]) for task in tasks)

    def _until(self, ask: Callable[[], Any], *dag_ids: str) -> Any:
        """Ask until there is an answer; what the named DAGs are at is told when there is none in three minutes."""
        retrying = Retrying(
            retry=retry_if_result(lambda got: not got),
            stop=stop_after_delay(180),
            wait=wait_fixed(0.5),
            retry_error_callback=lambda state: state.outcome.result(),
        )
        answer = retrying(ask)
        assert answer, {dag_id: self._squares(dag_id) for dag_id in dag_ids}
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
                query = psycopg.sql.SQL("select t::text from {} as t").format(psycopg.sql.Identifier(table))
                yield f"airflow's {table}", "\n".join(row for (row,) in conn.execute(query))
        with psycopg.connect(postgres.url("warehouse")) as conn:
            tables = conn.execute("select table_name from information_schema.tables where table_schema = 'ops'")
            for (table,) in tables.fetchall():
                query = psycopg.sql.SQL("select t::text from ops.{} as t").format(psycopg.sql.Identifier(table))
                yield f"ops.{table}", "\n".join(row for (row,) in conn.execute(query))

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


def still_running(token: str, leaders: list[psutil.Process]) -> list[str]:
    """Processes of a start that are still there; a pid that is another's by now is not, nor is one only not reaped."""
    found = []
    for process in [*(one for one in leaders if one.is_running()), *psutil.process_iter()]:
        try:
            ours = process in leaders or process.environ().get(TOKEN) == token
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(" ".join(process.cmdline()))
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def taken(ports: list[int]) -> list[int]:
    """Ports on which somebody listens."""
    found = []
    for port in ports:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found


def _bought_now(order: dict[str, Any], number: int, now: datetime) -> dict[str, Any]:
    """Another order of the same customer, without refunds."""
    key, stamp = f"88000{number}", int(now.timestamp() * 1000)
    at = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    times = {"createdAt": at, "processedAt": at, "updatedAt": at, "cancelledAt": None}
    body = {**order["body"], **times, "id": f"gid://shopify/Order/{key}", "legacyResourceId": key, "refunds": []}
    return {**order, "id": key, "body": body, "created_at": stamp, "changed_at": stamp}


def _changed(document: dict[str, Any], now: str, **properties: Any) -> dict[str, Any]:
    body = document["body"]
    body = {**body, "updatedAt": now, "properties": {**body["properties"], "lastmodifieddate": now, **properties}}
    stamp = int(datetime.fromisoformat(now).timestamp() * 1000)
    return {**document, "body": body, "changed_at": stamp}
