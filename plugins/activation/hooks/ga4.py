"""Google Analytics 4, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.sources import ga4
from include.sources.ga4_client import CONNECTIONS


class GoogleAnalytics4Hook(PlatformHook):
    """
    ``ga4_default``: host ``https://analyticsdata.googleapis.com``, password the content of a service account's key file
    (a viewer of the property), extra ``{"property_id": "…"}``. Which reports are read stands in
    ``include/sources/ga4.yaml``.
    """

    default_conn_name = "ga4_default"
    conn_type = "google_analytics"
    hook_name = "Google Analytics 4"

    @cached_property
    def client(self) -> Any:
        limiter = self.limiter(connections=CONNECTIONS)
        return ga4.client(self.base_url, self.token, str(self.setting("property_id")), limiter=limiter)

    @property
    def account(self) -> str:
        """Google counts by property."""
        return f"ga4 {self.setting('property_id')}"
