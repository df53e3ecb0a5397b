"""Names of the assets that chain the DAGs, from source to audience.

An event on an asset is a wake-up and carries counts only: what is to be done stands in the warehouse.
"""

from airflow.sdk import Asset, AssetAlias


def _asset(name: str) -> Asset:
    return Asset(name=name, uri=f"warehouse://audienceflow/{name}")


STAGING = {
    stream: _asset(f"staging/{stream.replace('.', '_')}")
    for stream in (
        "hubspot.contacts",
        "hubspot.companies",
        "hubspot.deals",
        "shopify.customers",
        "shopify.orders",
        "shopify.checkouts",
        "woocommerce.customers",
        "woocommerce.orders",
        "mailchimp.members",
        "mailchimp.activity",
        "mailchimp.campaigns",
        "klaviyo.profiles",
        "klaviyo.events",
        "brevo.contacts",
        "brevo.events",
        "matomo.visits",
        "salesforce.contacts",
        "salesforce.leads",
        "salesforce.accounts",
        "salesforce.opportunities",
        "files.orders",
        "files.persons",
    )
}
REPORTS = {"ga4.reports": _asset("staging/ga4_reports")}  # nobody is in them: persons need not wait for them
# Everything that persons wait for has come since they were last begun (`include.night`). By an alias: only then.
NIGHT = _asset("night")
NIGHT_IS_WHOLE = AssetAlias("night/is_whole")
PERSONS = _asset("persons")
SEGMENTS = _asset("segments")
AUDIENCES = {
    destination: _asset(f"audience/{destination}")
    for destination in ("brevo", "file_drop", "google", "hubspot", "klaviyo", "mailchimp", "meta", "tiktok", "webhook")
}

# A sync says so when a removal begins to wait; the answer wakes the sync of its destination. By aliases: only then.
HOLDS = _asset("holds")
HELD_SOMETHING = AssetAlias("holds/of_a_sync")
APPROVALS = {destination: _asset(f"approval/{destination}") for destination in AUDIENCES}
APPROVED_SOMETHING = AssetAlias("approvals/of_a_person")
