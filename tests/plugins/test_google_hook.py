"""Google's connection → destination and conversions."""

import json
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowSkipException

from activation.hooks.google import GoogleHook
from activation.operators.sync_conversions import SyncGoogleConversionsOperator
from include.errors import ConfigError

ACCESS = "ya29.any"


def connect(monkeypatch: pytest.MonkeyPatch, secret: str = ACCESS, **extra: Any) -> GoogleHook:
    """A connection as an operator writes it into the environment."""
    host = "https://datamanager.googleapis.com"
    known = {"conn_type": "google_data_manager", "host": host, "password": secret, "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_GOOGLE_DEFAULT", json.dumps(known))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "postgres://u:p@localhost:1/w")
    return GoogleHook()


def test_a_connection_makes_the_destination_and_its_action(monkeypatch: pytest.MonkeyPatch) -> None:
    hook = connect(monkeypatch, account_id=1234567890, customer_match_terms="ACCEPTED", conversion_action_id=77)
    assert hook.destination.name == "google"
    assert hook.conversions is not None
    assert hook.conversions.action_id == "77"
    assert connect(monkeypatch, account_id="1", customer_match_terms="ACCEPTED").conversions is None


def test_what_a_connection_lacks_is_said_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="Customer Match terms"):
        _ = connect(monkeypatch, account_id="1").destination
    with pytest.raises(ConfigError, match="has no 'account_id' in extra"):
        _ = connect(monkeypatch, customer_match_terms="ACCEPTED").destination
    with pytest.raises(ConfigError, match="HEX or BASE64"):
        _ = connect(monkeypatch, account_id="1", customer_match_terms="ACCEPTED", encoding="hex").destination


def test_the_quota_is_shared_by_cloud_project_where_the_key_names_one(monkeypatch: pytest.MonkeyPatch) -> None:
    key = json.dumps({"type": "service_account", "project_id": "shop-1"})
    assert connect(monkeypatch, key, account_id="1").account == "google shop-1"
    assert connect(monkeypatch, account_id="1").account == "google 1"


def test_no_orders_are_told_without_a_connection_or_an_action(monkeypatch: pytest.MonkeyPatch) -> None:
    operator = SyncGoogleConversionsOperator(task_id="tell_orders")
    monkeypatch.delenv("AIRFLOW_CONN_GOOGLE_DEFAULT", raising=False)
    with pytest.raises(AirflowSkipException, match="No connection google_default"):
        operator.prepare({})
    connect(monkeypatch, account_id="1", customer_match_terms="ACCEPTED")
    with pytest.raises(AirflowSkipException, match="no conversion_action_id"):
        operator.prepare({})
