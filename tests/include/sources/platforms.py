"""The sources' clients for the stand-ins, as the hooks make them."""

from typing import Any

from include.sources import brevo, ga4, hubspot, klaviyo, mailchimp, matomo, salesforce, shopify, woocommerce
from include.sources.salesforce_client import Credentials
from tests.standins import Standins


def client_of(standins: Standins, source: str) -> Any:
    """A client of one platform with the stand-in's own credentials."""
    account = standins.account(source)
    if source == "mailchimp":
        return mailchimp.client(account["base_url"], account["token"], account["list_id"])
    if source == "salesforce":
        known = Credentials(account["client_id"], account["token"])
        return salesforce.client(account["base_url"], known, poll_seconds=0.05)
    if source == "woocommerce":
        return woocommerce.client(account["base_url"], account["token"], account["consumer_key"])
    if source == "matomo":
        return matomo.client(account["base_url"], account["token"], account["site_ids"])
    if source == "ga4":
        return ga4.client(account["base_url"], account["token"], account["property_id"])
    modules = {"hubspot": hubspot, "shopify": shopify, "klaviyo": klaviyo, "brevo": brevo}
    return modules[source].client(account["base_url"], account["token"])
