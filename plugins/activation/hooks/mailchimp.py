"""Mailchimp, from its Airflow connection: a source and a destination."""

from functools import cached_property
from typing import Any

from activation.hooks.platform import PlatformHook
from include.destinations.mailchimp import MailchimpDestination
from include.mailchimp_api import CONNECTIONS
from include.sources import mailchimp


class MailchimpHook(PlatformHook):
    """
    ``mailchimp_default``: host ``https://<dc>.api.mailchimp.com``, password the API key,
    extra ``{"list_id": "…"}``.
    """

    default_conn_name = "mailchimp_default"
    conn_type = "mailchimp"
    hook_name = "Mailchimp"

    @cached_property
    def client(self) -> Any:
        return mailchimp.client(
            self.base_url, self.token, self.setting("list_id"), limiter=self.limiter(connections=CONNECTIONS)
        )

    @cached_property
    def destination(self) -> MailchimpDestination:
        return MailchimpDestination(
            self.base_url, self.token, self.setting("list_id"), limiter=self.limiter(connections=CONNECTIONS)
        )
