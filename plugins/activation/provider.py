"""The connection forms of the platforms in Airflow's UI.

Airflow finds this through ``plugins/audienceflow-1.0.dist-info``, because plugins/ is on the Python path: the project
is a checkout and need not be installed for its connection types to have a form.
"""

from typing import Any

HIDDEN = ["port", "schema", "login"]


def _form(platform: str, conn_type: str, title: str, secret: str, host: str, extra: str) -> dict[str, Any]:
    return {
        "connection-type": conn_type,
        "hook-class-name": f"activation.hooks.{platform}.{title.replace(' ', '')}Hook",
        "hook-name": title,
        "ui-field-behaviour": {
            "hidden-fields": HIDDEN if extra else [*HIDDEN, "extra"],
            "relabeling": {"host": "Base URL", "password": secret},
            "placeholders": {"host": host, **({"extra": extra} if extra else {})},
        },
    }


def get_provider_info() -> dict[str, Any]:
    """What Airflow asks every provider package: the connection types."""
    return {
        "package-name": "audienceflow",
        "name": "audienceflow",
        "description": "Sources and destinations of audienceflow.",
        "connection-types": [
            _form(
                "hubspot",
                "hubspot",
                "HubSpot",
                "Private app token",
                "https://api.hubapi.com",
                '{"app_id": "1234567", "portal_id": "12345678"}',
            ),
            _form(
                "salesforce",
                "salesforce_crm",
                "Salesforce",
                "Consumer secret, or private key (PEM)",
                "https://acme.my.salesforce.com",
                '{"client_id": "3MVG9…"}',
            ),
            _form("shopify", "shopify", "Shopify", "Admin API access token", "https://shop.myshopify.com", ""),
            _form(
                "woocommerce",
                "woocommerce",
                "WooCommerce",
                "Consumer secret",
                "https://shop.example.com",
                '{"consumer_key": "ck_0123456789abcdef"}',
            ),
            _form(
                "mailchimp",
                "mailchimp",
                "Mailchimp",
                "API key",
                "https://us1.api.mailchimp.com",
                '{"list_id": "a1b2c3d4e5"}',
            ),
            _form("klaviyo", "klaviyo", "Klaviyo", "Private API key", "https://a.klaviyo.com", ""),
            _form(
                "meta",
                "meta_ads",
                "Meta",
                "System user token",
                "https://graph.facebook.com",
                '{"account_id": "1234567890"}',
            ),
            _form(
                "google",
                "google_data_manager",
                "Google",
                "Service account key file (JSON)",
                "https://datamanager.googleapis.com",
                '{"account_id": "1234567890", "customer_match_terms": "ACCEPTED"}',
            ),
            _form(
                "tiktok",
                "tiktok_ads",
                "TikTok",
                "Access token",
                "https://business-api.tiktok.com",
                '{"advertiser_id": "7101234567890123456"}',
            ),
            _form("brevo", "brevo", "Brevo", "API key", "https://api.brevo.com", '{"folder": "audienceflow"}'),
            _form("matomo", "matomo", "Matomo", "token_auth", "https://matomo.example.com", '{"site_ids": ["1"]}'),
            _form(
                "ga4",
                "google_analytics",
                "Google Analytics 4",
                "Service account key file (JSON)",
                "https://analyticsdata.googleapis.com",
                '{"property_id": "123456789"}',
            ),
            _form("webhook", "webhook", "Webhook", "Signing secret", "https://example.com/hooks/audiences", "{}"),
            _form("file_drop", "file_drop", "File Drop", "(none)", "s3://bucket/audiences", '{"storage_options": {}}'),
        ],
    }
