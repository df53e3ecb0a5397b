"""WooCommerce, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.sources import woocommerce


class WooCommerceHook(PlatformHook):
    """
    ``woocommerce_default``: host ``https://<shop>``, password the consumer secret,
    extra ``{"consumer_key": "ck_…"}``.
    """

    default_conn_name = "woocommerce_default"
    conn_type = "woocommerce"
    hook_name = "WooCommerce"

    @cached_property
    def client(self) -> Any:
        return woocommerce.client(self.base_url, self.token, self.setting("consumer_key"), limiter=self.limiter())
