"""The connection forms of the platforms in Airflow's UI.

Airflow finds this through ``plugins/audienceflow-1.0.dist-info``, because plugins/ is on the Python path: the project
is a checkout and need not be installed for its connection types to have a form.
"""

from dataclasses import dataclass
from typing import Any

HIDDEN = ("port", "schema", "login")


@dataclass(frozen=True)
class Form:
    """What a platform's connection asks for.

    :param hook: module of the hook below ``activation.hooks``; its class is ``<title>Hook``.
    :param secret: what the password is called there.
    :param host: an example of the base URL; ``extra``: of what else is needed, empty when nothing is.
    """

    hook: str
    conn_type: str
    title: str
    secret: str
    host: str
    extra: str = ""

    def as_airflow_has_it(self) -> dict[str, Any]:
        """One of ``connection-types`` of a provider."""
        hidden = [*HIDDEN] if self.extra else [*HIDDEN, "extra"]
        examples = {"host": self.host, "extra": self.extra}
        return {
            "connection-type": self.conn_type,
            "hook-class-name": f"activation.hooks.{self.hook}.{self.title.replace(' ', '')}Hook",
            "hook-name": self.title,
            "ui-field-behaviour": {
                "hidden-fields": hidden,
                "relabeling": {"host": "Base URL", "password": self.secret},
                "placeholders": {name: example for name, example in examples.items() if example},
            },
        }


TOKEN, KEY_FILE = "Private app token", "Service account key file (JSON)"
FORMS = (
    Form("hubspot", "hubspot", "HubSpot", TOKEN, "https://api.hubapi.com",
         '{"app_id": "1234567", "portal_id": "12345678"}'),
    Form("salesforce", "salesforce_crm", "Salesforce", "Consumer secret, or private key (PEM)",
         "https://acme.my.salesforce.com", '{"client_id": "3MVG9…"}'),
    Form("shopify", "shopify", "Shopify", "Admin API access token", "https://shop.myshopify.com"),
    Form("woocommerce", "woocommerce", "WooCommerce", "Consumer secret", "https://shop.example.com",
         '{"consumer_key": "ck_0123456789abcdef"}'),
    Form("mailchimp", "mailchimp", "Mailchimp", "API key", "https://us1.api.mailchimp.com",
         '{"list_id": "a1b2c3d4e5"}'),
    Form("klaviyo", "klaviyo", "Klaviyo", "Private API key", "https://a.klaviyo.com"),
    Form("meta", "meta_ads", "Meta", "System user token", "https://graph.facebook.com",
         '{"account_id": "1234567890"}'),
    Form("google", "google_data_manager", "Google", KEY_FILE, "https://datamanager.googleapis.com",
         '{"account_id": "1234567890", "customer_match_terms": "ACCEPTED"}'),
    Form("tiktok", "tiktok_ads", "TikTok", "Access token", "https://business-api.tiktok.com",
         '{"advertiser_id": "7101234567890123456"}'),
    Form("brevo", "brevo", "Brevo", "API key", "https://api.brevo.com", '{"folder": "audienceflow"}'),
    Form("matomo", "matomo", "Matomo", "token_auth", "https://matomo.example.com", '{"site_ids": ["1"]}'),
    Form("ga4", "google_analytics", "Google Analytics 4", KEY_FILE, "https://analyticsdata.googleapis.com",
         '{"property_id": "123456789"}'),
    Form("webhook", "webhook", "Webhook", "Signing secret", "https://example.com/hooks/audiences", "{}"),
    Form("file_drop", "file_drop", "File Drop", "(none)", "s3://bucket/audiences", '{"storage_options": {}}'),
)  # fmt: skip


def get_provider_info() -> dict[str, Any]:
    """What Airflow asks every provider package: the connection types."""
    return {
        "package-name": "audienceflow",
        "name": "audienceflow",
        "description": "Sources and destinations of audienceflow.",
        "connection-types": [form.as_airflow_has_it() for form in FORMS],
    }
