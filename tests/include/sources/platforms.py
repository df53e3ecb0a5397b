"""The sources' clients for the stand-ins, as the hooks make them."""

from typing import Any

from include.sources import brevo, hubspot, klaviyo, mailchimp, shopify
from tests.standins import Standins


def client_of(standins: Standins, source: str) -> Any:
    """A client of one platform with the stand-in's own credentials."""
    account = standins.account(source)
    if source == "mailchimp":
        return mailchimp.client(account["base_url"], account["token"], account["list_id"])
    modules = {"hubspot": hubspot, "shopify": shopify, "klaviyo": klaviyo, "brevo": brevo}
    return modules[source].client(account["base_url"], account["token"])
