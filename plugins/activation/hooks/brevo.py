"""Brevo, from its Airflow connection: a source and a destination."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.brevo_api import RATES
from include.destinations.brevo import BrevoDestination
from include.sources import brevo


class BrevoHook(PlatformHook):
    """
    ``brevo_default``: host ``https://api.brevo.com``, password the API key.

    Extra, if wanted: ``{"folder": "…"}``, where lists are made (``audienceflow``), and ``account``, any name of the
    account, when connections to several Brevo accounts are in use: calls are limited by account.
    """

    default_conn_name = "brevo_default"
    conn_type = "brevo"
    hook_name = "Brevo"

    @cached_property
    def client(self) -> Any:
        return brevo.client(self.base_url, self.token, limiter=self.limiter(RATES))

    @cached_property
    def destination(self) -> BrevoDestination:
        folder = self.get_connection(self.conn_id).extra_dejson.get("folder") or "audienceflow"
        limiter = self.limiter(RATES)
        return BrevoDestination(self.base_url, self.token, folder=folder, limiter=limiter)
