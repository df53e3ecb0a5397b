"""Airflow's REST interface, as much of it as starting a chain and watching it needs."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import requests
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from include.errors import FatalError, RetriableError

TIMEOUT = (5, 60)
Json = dict[str, Any]


class AirflowApi:
    """A session with one Airflow; logs in on its first call and again when the token has run out.

    :param url: ``http://127.0.0.1:8080``.
    :param patience: seconds a call is repeated for while nobody answers or the server fails; every call here may be
        made twice without harm.
    """

    def __init__(self, url: str, user: str, password: str, *, patience: float = 0.0) -> None:
        self.url = url
        self._patience = patience
        self._login = {"username": user, "password": password}
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine has no business between us and ourselves

    def call(
        self, method: str, path: str, *, json: Any = None, params: Json | None = None, ok: tuple[int, ...] = ()
    ) -> Any:
        """One call below /api/v2; the decoded answer.

        :param ok: statuses from 400 up that are an answer and not an error; they return None.
        :raises RetriableError: nobody answers, or 5xx.
        :raises FatalError: refused.
        """
        for attempt in Retrying(
            retry=retry_if_exception_type(RetriableError),
            stop=stop_after_delay(self._patience),
            wait=wait_fixed(1),
            reraise=True,
        ):
            with attempt:
                return self._once(method, path, json, params, ok)

    def _once(self, method: str, path: str, json: Any, params: Json | None, ok: tuple[int, ...]) -> Any:
        answer = self._send(method, path, json, params)
        if answer.status_code == 401:
            self._session.headers.pop("Authorization", None)
            answer = self._send(method, path, json, params)
        if answer.status_code in ok:
            return None
        if answer.status_code >= 500:
            raise RetriableError(
                f"Airflow answered {answer.status_code} to {method} {path}.", code=str(answer.status_code)
            )
        if answer.status_code >= 400:
            raise FatalError(f"Airflow refused {method} {path} with {answer.status_code}: {answer.text[:300]}")
        return answer.json() if answer.content else None

    def _send(self, method: str, path: str, json: Any, params: Json | None) -> requests.Response:
        try:
            if "Authorization" not in self._session.headers:
                granted = self._session.post(f"{self.url}/auth/token", json=self._login, timeout=TIMEOUT)
                if granted.status_code != 201:
                    raise RetriableError(f"Airflow answered {granted.status_code} to the login.")
                self._session.headers["Authorization"] = f"Bearer {granted.json()['access_token']}"
            return self._session.request(method, f"{self.url}/api/v2{path}", json=json, params=params, timeout=TIMEOUT)
        except requests.RequestException as lost:
            raise RetriableError(f"Airflow does not answer at {self.url} ({type(lost).__name__}).") from lost

    def token(self) -> str:
        """A token of this user, for pages beside the interface."""
        self.call("GET", "/version")
        return str(self._session.headers["Authorization"]).removeprefix("Bearer ")

    def warm_up(self) -> None:
        """Make the server build its execution interface now: else the first task waits 4 to 8 seconds for it."""
        address = f"{self.url}/execution/task-instances/{uuid.UUID(int=0)}/run"
        try:
            self._session.patch(address, json={}, headers={"Authorization": "Bearer warm-up"}, timeout=TIMEOUT)
        except requests.RequestException as lost:
            raise RetriableError(f"Airflow does not answer at {self.url} ({type(lost).__name__}).") from lost

    def healthy_since(self, moment: datetime) -> dict[str, bool]:
        """Which of scheduler, triggerer and dag_processor have given a sign of life after ``moment``.

        Airflow's own "healthy" may mean the previous start: it counts heartbeats up to 30 seconds old.
        """
        health = self.call("GET", "/monitor/health")
        return {
            part: _time(health[part].get(f"latest_{part}_heartbeat")) > moment.timestamp()
            for part in ("scheduler", "triggerer", "dag_processor")
        }

    def dags(self) -> dict[str, Json]:
        """Every DAG Airflow knows, by id."""
        return {dag["dag_id"]: dag for dag in self.call("GET", "/dags", params={"limit": 1000})["dags"]}

    def import_errors(self) -> list[Json]:
        """Files that could not be read: ``filename``, ``stack_trace``."""
        return self.call("GET", "/importErrors", params={"limit": 100})["import_errors"]

    def pause(self, dag_id: str, paused: bool) -> None:
        self.call("PATCH", f"/dags/{dag_id}", json={"is_paused": paused})

    def ensure_pool(self, name: str, slots: int, description: str) -> None:
        """Make a pool when missing; one that is there keeps the size somebody gave it."""
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        self.call("POST", "/pools", json=body, ok=(409,))

    def ensure_connection(self, connection: Json) -> None:
        """Make or replace a connection in Airflow's own database."""
        path = f"/connections/{connection['connection_id']}"
        if self.call("GET", path, ok=(404,)) is None:
            self.call("POST", "/connections", json=connection)
        else:
            self.call("PATCH", path, json=connection)

    def trigger(self, dag_id: str, run_id: str, *, of: tuple[datetime, datetime] | None = None) -> None:
        """Start a run. The run id is an idempotency key: asking twice starts one.

        :param of: the data interval it stands for; None: for none, as most runs that somebody asks for.
        """
        body: Json = {"dag_run_id": run_id, "logical_date": None}
        if of is not None:
            start, end = (at.isoformat() for at in of)
            body |= {"logical_date": start, "data_interval_start": start, "data_interval_end": end}
        self.call("POST", f"/dags/{dag_id}/dagRuns", json=body, ok=(409,))

    def backfill(self, dag_id: str, first: date, last: date) -> None:
        """Run a DAG for each of its intervals that begins in [first, last], also for those it has run for."""
        body = {"dag_id": dag_id, "from_date": f"{first}T00:00:00Z", "to_date": f"{last}T00:00:00Z"}
        self.call("POST", "/backfills", json={**body, "reprocess_behavior": "completed"})

    def runs(self, dag_ids: Sequence[str], *, since: datetime | None = None, states: Sequence[str] = ()) -> list[Json]:
        """Runs of some DAGs, oldest first, at most 100.

        :param since: only those queued for this moment or later.
        """
        body: Json = {"dag_ids": list(dag_ids), "order_by": "run_after", "page_limit": 100}
        if since:
            body["run_after_gte"] = since.isoformat()
        if states:
            body["states"] = list(states)
        return self.call("POST", "/dags/~/dagRuns/list", json=body)["dag_runs"]

    def fail_run(self, run: Json, note: str) -> None:
        """End a run that nobody works on any more."""
        self.call("PATCH", f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}", json={"state": "failed", "note": note})

    def task_instances(self, run: Json) -> list[Json]:
        """The tasks of one run."""
        path = f"/dags/{run['dag_id']}/dagRuns/{run['dag_run_id']}/taskInstances"
        return self.call("GET", path, params={"limit": 100})["task_instances"]

    def tasks_in(self, runs: Sequence[Json], states: Sequence[str]) -> list[Json]:
        """The tasks of several runs that are in one of ``states``, in one call."""
        if not runs:
            return []
        body = {
            "dag_ids": [run["dag_id"] for run in runs],
            "dag_run_ids": [run["dag_run_id"] for run in runs],
            "state": list(states),
            "page_limit": 100,
        }
        return self.call("POST", "/dags/~/dagRuns/~/taskInstances/list", json=body)["task_instances"]


def _time(text: str | None) -> float:
    return datetime.fromisoformat(text).timestamp() if text else 0.0
