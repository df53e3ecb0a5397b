"""Airflow connections as environment variables: to the warehouse, and to the stand-ins when they play the platforms."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PLATFORMS = ("hubspot", "salesforce", "shopify", "woocommerce", "mailchimp", "klaviyo", "meta", "google", "brevo",
             "tiktok", "webhook", "file_drop", "matomo", "ga4")
TYPES = {
    "webhook": "webhook",
    "hubspot": "hubspot",
    "salesforce": "salesforce_crm",
    "shopify": "shopify",
    "mailchimp": "mailchimp",
    "klaviyo": "klaviyo",
    "meta": "meta_ads",
    "google": "google_data_manager",
    "brevo": "brevo",
    "tiktok": "tiktok_ads",
    "woocommerce": "woocommerce",
    "matomo": "matomo",
    "ga4": "google_analytics",
}
PATHS = {"webhook": "/events"}  # where the whole URL is the connection's host


def variable(connection_id: str) -> str:
    """The environment variable Airflow reads a connection from."""
    return f"AIRFLOW_CONN_{connection_id.upper()}"


def warehouse(url: str) -> dict[str, str]:
    """The connection ``warehouse`` from a libpq URL."""
    parts = urlsplit(url)
    connection = {
        "conn_type": "postgres",
        "host": parts.hostname,
        "port": parts.port,
        "login": parts.username,
        "password": parts.password,
        "schema": parts.path.lstrip("/"),
    }
    return {variable("warehouse"): json.dumps(connection)}


def to_standins(accounts: Mapping[str, Mapping[str, Any]], smtp_port: int) -> dict[str, str]:
    """Connections to everything the stand-ins play; the ids of an account go into ``extra``.

    :param accounts: by platform ``base_url``, ``token`` and ids.
    """
    connections: dict[str, dict[str, Any]] = {
        f"{platform}_default": {
            "conn_type": TYPES[platform],
            "host": account["base_url"] + PATHS.get(platform, ""),
            "password": account["token"],
            "extra": {key: value for key, value in account.items() if key not in ("base_url", "token")},
        }
        for platform, account in accounts.items()
        if platform in TYPES
    }
    connections["smtp_default"] = {
        "conn_type": "smtp",
        "host": "127.0.0.1",
        "port": smtp_port,
        "extra": {"from": "audienceflow@example.com", "to": "on-call@example.com", "starttls": False},
    }
    connections["slack_default"] = {
        "conn_type": "slackwebhook",
        "host": f"{accounts['slack']['base_url']}/services",
        "password": accounts["slack"]["token"],
    }
    if "webhook" in accounts:
        connections["alert_webhook_default"] = {
            "conn_type": "http",
            "host": f"{accounts['webhook']['base_url']}/alerts",
            "password": accounts["webhook"]["token"],
        }
    return {variable(name): json.dumps(connection) for name, connection in connections.items()}


def audience_drops(folder: Path) -> dict[str, str]:
    """The connection ``file_drop_default`` to a folder of this machine."""
    connection = {"conn_type": "file_drop", "host": folder.resolve().as_uri()}
    return {variable("file_drop_default"): json.dumps(connection)}


def missing(environment: Mapping[str, str]) -> list[str]:
    """Platforms that have no connection in the environment (Airflow may still find one elsewhere)."""
    return [platform for platform in PLATFORMS if not environment.get(variable(f"{platform}_default"))]


def file_drops(folders: list[str]) -> dict[str, Any]:
    """The connection ``files_default`` as Airflow's REST interface takes it."""
    return {"connection_id": "files_default", "conn_type": "file_drops", "extra": json.dumps({"folders": folders})}
