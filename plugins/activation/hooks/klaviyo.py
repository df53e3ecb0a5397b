"""Klaviyo, from its Airflow connection."""

from functools import cached_property

from activation.hooks.platform import PlatformHook
from include.destinations.klaviyo import KlaviyoDestination
from include.destinations.klaviyo_requests import RATES


class KlaviyoHook(PlatformHook):
    """``klaviyo_default``: host ``https://a.klaviyo.com``, password a private key (lists and profiles, full access)."""

    default_conn_name = "klaviyo_default"
    conn_type = "klaviyo"
    hook_name = "Klaviyo"

    @cached_property
    def destination(self) -> KlaviyoDestination:
        return KlaviyoDestination(self.base_url, self.token, limiter=self.limiter(RATES))
