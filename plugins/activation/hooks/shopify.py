"""Shopify, from its Airflow connection."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.sources import shopify


class ShopifyHook(PlatformHook):
    """``shopify_default``: host ``https://<shop>.myshopify.com``, password the Admin API access token."""

    default_conn_name = "shopify_default"
    conn_type = "shopify"
    hook_name = "Shopify"

    @cached_property
    def client(self) -> Any:
        return shopify.client(self.base_url, self.token, limiter=self.limiter(), points=self.points())
