"""TikTok's Business API, from its Airflow connection."""

from functools import cached_property

from activation.hooks.platform import PlatformHook
from include.destinations.tiktok import TikTokDestination


class TikTokHook(PlatformHook):
    """
    ``tiktok_default``: host ``https://business-api.tiktok.com``, password a long-term access token with audience
    management, extra ``{"advertiser_id": "…"}``.
    """

    default_conn_name = "tiktok_default"
    conn_type = "tiktok_ads"
    hook_name = "TikTok"

    @cached_property
    def destination(self) -> TikTokDestination:
        limiter = self.limiter(TikTokDestination.rates)
        return TikTokDestination(self.base_url, self.token, str(self.setting("advertiser_id")), limiter=limiter)
