"""A webhook of your own, from its Airflow connection."""

from functools import cached_property

from activation.hooks.platform import PlatformHook
from include.destinations.webhook import MAX_BYTES, MAX_MEMBERS, WebhookDestination


class WebhookHook(PlatformHook):
    """
    ``webhook_default``: host the whole URL, password the signing secret (``whsec_…``), or the new and the old one with
    a space between while it is changed.

    Extra, if wanted: ``{"batch_size": 200, "max_bytes": 100000}``, where the receiver takes less than we send.
    """

    default_conn_name = "webhook_default"
    conn_type = "webhook"
    hook_name = "Webhook"

    @cached_property
    def destination(self) -> WebhookDestination:
        extra = self.get_connection(self.conn_id).extra_dejson
        return WebhookDestination(
            self.base_url,
            self.token,
            batch_size=min(int(extra.get("batch_size", MAX_MEMBERS)), MAX_MEMBERS),
            max_bytes=min(int(extra.get("max_bytes", MAX_BYTES)), MAX_BYTES),
            limiter=self.limiter(),
        )
