"""Klaviyo, from its Airflow connection: a source and a destination."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.destinations.klaviyo import KlaviyoDestination
from include.klaviyo_api import RATES
from include.sources import klaviyo


class KlaviyoHook(PlatformHook):
    """
    ``klaviyo_default``: host ``https://a.klaviyo.com``, password a private key: lists and profiles, full access;
    events and metrics, read access.
    """

    default_conn_name = "klaviyo_default"
    conn_type = "klaviyo"
    hook_name = "Klaviyo"

    @cached_property
    def client(self) -> Any:
        return klaviyo.client(self.base_url, self.token, limiter=self.limiter(RATES))

    @cached_property
    def destination(self) -> KlaviyoDestination:
        return KlaviyoDestination(self.base_url, self.token, limiter=self.limiter(RATES))
