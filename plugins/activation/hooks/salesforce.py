"""Salesforce, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.sources import salesforce
from include.sources.salesforce_client import RATES, VERSION, Credentials


class SalesforceHook(PlatformHook):
    """
    ``salesforce_default``: host ``https://<my domain>.my.salesforce.com``, password the app's consumer secret, extra
    ``{"client_id": "…"}`` with its consumer key: the app acts as the user it runs as (client credentials).

    Further extra: ``refresh_token`` (a person authorised the app), ``username`` (the password is then the private key
    of the app's certificate, and an assertion is signed for that user; ``audience`` ``https://test.salesforce.com`` in
    a sandbox), ``api_version``.
    """

    default_conn_name = "salesforce_default"
    conn_type = "salesforce_crm"
    hook_name = "Salesforce"

    @cached_property
    def client(self) -> Any:
        extra = self.get_connection(self.conn_id).extra_dejson
        chosen = {name: str(extra[name]) for name in ("refresh_token", "username", "audience") if extra.get(name)}
        return salesforce.client(
            self.base_url,
            Credentials(str(self.setting("client_id")), self.token, **chosen),
            version=str(extra.get("api_version") or VERSION),
            limiter=self.limiter(RATES),
        )
