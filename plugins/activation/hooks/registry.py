"""Which hook speaks for which platform."""

from activation.hooks.brevo import BrevoHook
from activation.hooks.file_drop import FileDropHook
from activation.hooks.files import FilesHook
from activation.hooks.ga4 import GoogleAnalytics4Hook
from activation.hooks.google import GoogleHook
from activation.hooks.hubspot import HubSpotHook
from activation.hooks.klaviyo import KlaviyoHook
from activation.hooks.mailchimp import MailchimpHook
from activation.hooks.matomo import MatomoHook
from activation.hooks.meta import MetaHook
from activation.hooks.platform import PlatformHook
from activation.hooks.salesforce import SalesforceHook
from activation.hooks.shopify import ShopifyHook
from activation.hooks.tiktok import TikTokHook
from activation.hooks.webhook import WebhookHook
from activation.hooks.woocommerce import WooCommerceHook

HOOKS: dict[str, type[PlatformHook]] = {
    "brevo": BrevoHook,
    "file_drop": FileDropHook,
    "files": FilesHook,
    "ga4": GoogleAnalytics4Hook,
    "google": GoogleHook,
    "hubspot": HubSpotHook,
    "klaviyo": KlaviyoHook,
    "mailchimp": MailchimpHook,
    "matomo": MatomoHook,
    "meta": MetaHook,
    "salesforce": SalesforceHook,
    "shopify": ShopifyHook,
    "tiktok": TikTokHook,
    "webhook": WebhookHook,
    "woocommerce": WooCommerceHook,
}
