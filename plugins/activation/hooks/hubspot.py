"""HubSpot, from its Airflow connection: a source and a destination."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.destinations.hubspot import HubSpotDestination
from include.hubspot_api import RATES
from include.sources import hubspot


class HubSpotHook(PlatformHook):
    """
    ``hubspot_default``: host ``https://api.hubapi.com``, password a private app's token (contacts and lists, read and
    write), extra ``{"app_id": "…"}`` with that app's id: only contacts it made are ever renamed.
    """

    default_conn_name = "hubspot_default"
    conn_type = "hubspot"
    hook_name = "HubSpot"

    @cached_property
    def client(self) -> Any:
        return hubspot.client(self.base_url, self.token, limiter=self.limiter(RATES))

    @cached_property
    def destination(self) -> HubSpotDestination:
        app_id = self.get_connection(self.conn_id).extra_dejson.get("app_id")
        return HubSpotDestination(
            self.base_url, self.token, str(app_id) if app_id else None, limiter=self.limiter(RATES)
        )
