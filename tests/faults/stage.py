"""One stage of the chain as a worker runs it: the project's own operator, in a process that may be killed at any time.

Everything a stage needs is imported here, so that a fork server which has read this file makes a worker in no time.
"""

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection
from typing import Any, Literal, cast

import great_expectations  # noqa: F401 - read once by the fork server, not by each worker
import phonenumbers  # noqa: F401
import psycopg
import scipy.sparse.csgraph  # noqa: F401
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import AirflowSkipException

from activation.defaults import ByKindOfError
from activation.operators.build_persons import BuildPersonsOperator
from activation.operators.build_segments import BuildSegmentsOperator
from activation.operators.check_connection import CheckConnectionOperator
from activation.operators.check_sources import CheckSourcesOperator
from activation.operators.check_stream import CheckStreamOperator
from activation.operators.land_stream import LandStreamOperator
from activation.operators.publish_stream import PublishStreamOperator
from activation.operators.sync_conversions import SyncGoogleConversionsOperator
from activation.operators.sync_destination import SyncDestinationOperator
from activation.operators.warehouse_operator import WarehouseOperator
from activation.operators.watch_steps import WatchStepsOperator
from activation.operators.watch_streams import WatchStreamsOperator
from include.connection_checks import Role
from include.errors import AudienceflowError

TRIES = 4  # Airflow's three retries
Stage = Literal[
    "connections", "land", "check", "publish", "sources", "persons", "segments", "sync", "conversions", "watch"
]


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    :param name: of the stream or the destination; of a connection its role and platform, of a watch what it watches.
    :param since: a landing begins here instead of at its cursor, ISO 8601.
    """

    stage: Stage
    name: str = ""
    as_of: str = ""
    since: str = ""

    def __str__(self) -> str:
        return f"{self.stage} {self.name}".strip()


@dataclass(frozen=True)
class Told:
    """How a worker says that its stage has ended.

    :param again: Airflow would try it once more.
    """

    result: Any = None
    error: str | None = None
    again: bool = False


@dataclass(frozen=True)
class Run:
    """What an operator reads of its DAG run: somebody started it, it is no backfill and has no data interval."""

    run_type: str = "manual"
    run_id: str = "fault-run"


@dataclass(frozen=True)
class Try:
    """What an operator reads of its task instance."""

    dag_id: str
    task_id: str
    try_number: int
    run_id: str = Run.run_id
    map_index: int = -1
    log_url: str | None = None


@dataclass
class Event:
    """Takes what an operator says about an asset."""

    extra: Any = None
    added: list[Any] = field(default_factory=list)

    def add(self, asset: Any) -> None:
        self.added.append(asset)


def operator_of(order: Order) -> WarehouseOperator:
    """The operator that the DAGs run for it, with the same time limit."""
    common: dict[str, Any] = {"task_id": str(order).replace(" ", "_"), "execution_timeout": timedelta(hours=2)}
    match order.stage:
        case "connections":
            role, platform = order.name.split()
            return CheckConnectionOperator(platform=platform, role=cast(Role, role), **common)
        case "land":
            return LandStreamOperator(stream=order.name, since=order.since, **common)
        case "check":
            return CheckStreamOperator(stream=order.name, **common)
        case "publish":
            return PublishStreamOperator(stream=order.name, **common)
        case "sources":
            return CheckSourcesOperator(as_of=order.as_of, **common)
        case "persons":
            return BuildPersonsOperator(as_of=order.as_of, owner="data-platform", **common)
        case "segments":
            return BuildSegmentsOperator(as_of=order.as_of, **common)
        case "sync":
            return SyncDestinationOperator(destination=order.name, as_of=order.as_of, **common)
        case "conversions":
            return SyncGoogleConversionsOperator(**common)
        case "watch":
            return WatchStreamsOperator(**common) if order.name == "streams" else WatchStepsOperator(**common)


def work(order: Order, environment: Mapping[str, str], try_number: int, told: Connection) -> None:
    """Run a stage to its end and tell it; runs in the worker.

    :param environment: the connections, as Airflow reads them.
    """
    os.environ.update(environment)
    operator = operator_of(order)
    ti = Try(order.stage, operator.task_id, try_number)
    context = {"ti": ti, "dag_run": Run(), "outlet_events": defaultdict(Event)}
    try:
        told.send(Told(operator.execute(context)))
    except AirflowSkipException as skipped:
        told.send(Told("skipped", str(skipped)))
    except (AudienceflowError, psycopg.Error) as error:
        decision = ByKindOfError().evaluate(error, try_number, TRIES)
        told.send(Told(error=f"{type(error).__name__}: {error}", again=decision.action is not RetryAction.FAIL))
