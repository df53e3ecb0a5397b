"""Meta's Marketing API, from its Airflow connection."""

from functools import cached_property

from activation.hooks.platform import PlatformHook
from include.destinations.meta import MetaDestination


class MetaHook(PlatformHook):
    """
    ``meta_default``: host ``https://graph.facebook.com``, password a system user's token,
    extra ``{"account_id": "…"}``.
    """

    default_conn_name = "meta_default"
    conn_type = "meta_ads"
    hook_name = "Meta"

    @cached_property
    def destination(self) -> MetaDestination:
        return MetaDestination(self.base_url, self.token, self.setting("account_id"), limiter=self.limiter())
