"""Which hook speaks for which platform."""

from activation.hooks.files import FilesHook
from activation.hooks.google import GoogleHook
from activation.hooks.hubspot import HubSpotHook
from activation.hooks.mailchimp import MailchimpHook
from activation.hooks.meta import MetaHook
from activation.hooks.platform import PlatformHook
from activation.hooks.shopify import ShopifyHook

HOOKS: dict[str, type[PlatformHook]] = {
    "files": FilesHook,
    "google": GoogleHook,
    "hubspot": HubSpotHook,
    "mailchimp": MailchimpHook,
    "meta": MetaHook,
    "shopify": ShopifyHook,
}
