"""Alerts from Airflow's connections and variables: which channels there are, and when people hear of a state."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from activation import alerts, result_pages
from activation.operators.check_connection import CheckConnectionOperator
from activation.operators.land_stream import LandStreamOperator
from activation.operators.sync_destination import SyncDestinationOperator
from include.alert_channels import SlackChannel, WebhookChannel
from include.errors import AuthError, CriticalCheckError, FatalError, LostAnswerError, QuotaError, RetriableError
from include.segments.build import SegmentBuildError

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU="


def connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, **value: object) -> None:
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(value))


def test_every_channel_that_has_a_connection_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    slack = {"host": "https://hooks.slack.com", "password": "services/T/B/x", "extra": {"mentions": {"crm": "S1"}}}
    connection(monkeypatch, "smtp_default", conn_type="smtp", host="mail.example", port=25)
    connection(monkeypatch, "slack_default", conn_type="slackwebhook", **slack)
    connection(monkeypatch, "alert_webhook_default", conn_type="http", host="https://x.example/in", password=SECRET)
    found = {channel.name: channel for channel in alerts.channels()}
    assert set(found) == {"smtp", "slack", "webhook"}
    assert isinstance(found["slack"], SlackChannel)
    assert found["slack"].mentions == {"crm": "S1"}
    assert isinstance(found["webhook"], WebhookChannel)
    assert SECRET not in repr(found)


def test_a_webhook_without_a_secret_is_not_used_and_the_others_are(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    connection(monkeypatch, "smtp_default", conn_type="smtp", host="mail.example", port=25)
    connection(monkeypatch, "slack_default", conn_type="slackwebhook", host="https://hooks.slack.com", password="s")
    connection(monkeypatch, "alert_webhook_default", conn_type="http", host="https://x.example/in")
    assert [channel.name for channel in alerts.channels()] == ["smtp", "slack"]
    assert "put `whsec_…` into its password" in caplog.text


@pytest.mark.parametrize(
    ("settle", "remind", "policy"),
    [
        ("5", "2", (timedelta(minutes=5), timedelta(hours=2))),
        ("0", "0", (timedelta(0), None)),
    ],
)
def test_variables_say_when_people_hear_of_a_state(
    monkeypatch: pytest.MonkeyPatch, settle: str, remind: str, policy: tuple[timedelta, timedelta | None]
) -> None:
    monkeypatch.setenv("AIRFLOW_VAR_ALERT_SETTLE_MINUTES", settle)
    monkeypatch.setenv("AIRFLOW_VAR_ALERT_REMIND_HOURS", remind)
    found = alerts.policy()
    assert (found.settle, found.remind) == policy


def test_a_page_s_address_lies_below_airflow_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://flow.example/airflow/")
    assert result_pages.url_of("a/1.html") == "https://flow.example/airflow/quality/a/1.html"


@pytest.mark.parametrize(
    ("task", "error", "shared"),
    [
        (SimpleNamespace(platform="hubspot"), AuthError("401"), ("hubspot: credentials",)),
        (SimpleNamespace(platform="hubspot"), LostAnswerError("timeout"), ("hubspot: no answer",)),
        (SimpleNamespace(platform="hubspot"), QuotaError("429"), ("hubspot: quota",)),
        (SimpleNamespace(platform="hubspot"), FatalError("400"), ()),
        (SimpleNamespace(), RetriableError("the folder of pages"), ()),
        (SimpleNamespace(), CriticalCheckError("x", causes=("cross check a",)), ("cross check a",)),
        (SimpleNamespace(), SegmentBuildError({"vip": "x"}, [], {"vip": "data"}), ("build of segment vip",)),
    ],
)
def test_failed_tasks_name_the_cause_they_share(task: object, error: Exception, shared: tuple[str, ...]) -> None:
    assert alerts.causes(task, error) == shared


def test_everybody_who_asks_a_platform_names_it(dags_of_hubspot: list[object]) -> None:
    assert {alerts.causes(task, AuthError("401")) for task in dags_of_hubspot} == {("hubspot: credentials",)}


@pytest.fixture
def dags_of_hubspot() -> list[object]:
    return [
        LandStreamOperator(task_id="land", stream="hubspot.contacts"),
        SyncDestinationOperator(task_id="sync", destination="hubspot"),
        CheckConnectionOperator(task_id="check", platform="hubspot", role="source"),
    ]
