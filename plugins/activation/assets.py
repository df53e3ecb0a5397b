"""Names of the assets that chain the DAGs, from source to audience.

An event on an asset is a wake-up and carries counts only: what is to be done stands in the warehouse.
"""

from airflow.sdk import Asset


def _asset(name: str) -> Asset:
    return Asset(name=name, uri=f"warehouse://audienceflow/{name}")


STAGING = {
    stream: _asset(f"staging/{stream.replace('.', '_')}")
    for stream in (
        "hubspot.contacts",
        "shopify.customers",
        "shopify.orders",
        "shopify.checkouts",
        "mailchimp.members",
        "mailchimp.activity",
        "files.orders",
        "files.persons",
    )
}
PERSONS = _asset("persons")
SEGMENTS = _asset("segments")
AUDIENCES = {
    destination: _asset(f"audience/{destination}")
    for destination in ("brevo", "google", "klaviyo", "mailchimp", "meta")
}
