"""Airflow connection → client: what an operator writes into a connection arrives, and what is missing is named."""

import json

import pytest

from activation.hooks.hubspot import HubSpotHook
from activation.hooks.mailchimp import MailchimpHook
from activation.hooks.meta import MetaHook
from activation.hooks.registry import HOOKS
from activation.hooks.warehouse import WarehouseHook
from activation.provider import get_provider_info
from include.errors import ConfigError


def connection(monkeypatch: pytest.MonkeyPatch, conn_id: str, value: object) -> None:
    """Give Airflow a connection as an operator would: in the environment, JSON or URI."""
    text = value if isinstance(value, str) else json.dumps(value)
    monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", text)


@pytest.fixture(autouse=True)
def warehouse_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client of a platform shares its account's limits through the warehouse."""
    connection(monkeypatch, "warehouse", "postgresql://w:w@127.0.0.1:1/warehouse")


@pytest.mark.parametrize(
    ("written", "base_url"),
    [
        ({"conn_type": "hubspot", "host": "https://api.hubapi.com", "password": "t"}, "https://api.hubapi.com"),
        (
            {"conn_type": "http", "host": "http://127.0.0.1:9000/hubspot", "password": "t"},
            "http://127.0.0.1:9000/hubspot",
        ),
        ({"conn_type": "hubspot", "host": "api.hubapi.com", "password": "t"}, "https://api.hubapi.com"),
        ("http://:t@127.0.0.1:9000/hubspot", "http://127.0.0.1:9000/hubspot"),
        ("hubspot://:t@api.hubapi.com", "https://api.hubapi.com"),
        ("http://:t@api.hubapi.com/https", "https://api.hubapi.com"),
    ],
)
def test_a_base_url_is_read_from_json_and_from_a_uri(
    monkeypatch: pytest.MonkeyPatch, written: object, base_url: str
) -> None:
    connection(monkeypatch, "hubspot_default", written)
    hook = HubSpotHook()
    assert (hook.base_url, hook.token) == (base_url, "t")


def test_a_connection_without_a_token_says_where_to_put_it(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, "meta_default", {"conn_type": "meta_ads", "host": "https://graph.facebook.com"})
    with pytest.raises(ConfigError, match="'meta_default' has no password; put the Meta token there"):
        _ = MetaHook().destination


@pytest.mark.parametrize(
    ("extra", "account"), [({}, "hubspot api.hubapi.com"), ({"portal_id": 4711}, "hubspot 4711")]
)
def test_an_account_s_limits_are_shared_under_a_name_that_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], account: str
) -> None:
    connection(
        monkeypatch,
        "hubspot_default",
        {"conn_type": "hubspot", "host": "https://api.hubapi.com", "password": "pat-secret", "extra": extra},
    )
    assert HubSpotHook().limiter().account == account


def test_a_missing_id_in_extra_is_named_with_its_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(monkeypatch, "mailchimp_default", {"conn_type": "mailchimp", "host": "https://x", "password": "k-us1"})
    with pytest.raises(ConfigError, match="has no 'list_id' in extra"):
        _ = MailchimpHook().client


def test_the_warehouse_url_survives_a_password_with_odd_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    connection(
        monkeypatch,
        "warehouse",
        {
            "conn_type": "postgres",
            "host": "h",
            "port": 5433,
            "login": "w",
            "password": "p@ss/w:rd",
            "schema": "warehouse",
        },
    )
    assert WarehouseHook().url == "postgresql://w:p%40ss%2Fw%3Ard@h:5433/warehouse"


def test_every_platform_but_the_file_drops_has_a_connection_form() -> None:
    forms = {form["hook-class-name"].rpartition(".")[2] for form in get_provider_info()["connection-types"]}
    assert forms == {hook.__name__ for name, hook in HOOKS.items() if name != "files"}
