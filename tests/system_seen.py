"""What the end-to-end test saw of the system: one record a chapter of its story."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import requests

from include.standins.request_log import Recorded
from tests.what_was_sent import changes

# The platforms whose audiences `tests.oracle` knows.
HOLDING = ("mailchimp", "klaviyo", "hubspot", "brevo", "meta", "google", "tiktok")


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
