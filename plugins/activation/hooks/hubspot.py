"""HubSpot, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.hubspot_api import RATES
from include.sources import hubspot


class HubSpotHook(PlatformHook):
    """``hubspot_default``: host ``https://api.hubapi.com``, password a private app's token."""

    default_conn_name = "hubspot_default"
    conn_type = "hubspot"
    hook_name = "HubSpot"

    @cached_property
    def client(self) -> Any:
        return hubspot.client(self.base_url, self.token, limiter=self.limiter(RATES))
