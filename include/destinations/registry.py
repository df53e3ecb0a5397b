"""The destinations there are, by the name front matters use. A plan needs only the class: it makes no call."""

from include.destinations.base import Destination
from include.destinations.brevo import BrevoDestination
from include.destinations.file_drop import FileDropDestination
from include.destinations.google import GoogleDestination
from include.destinations.hubspot import HubSpotDestination
from include.destinations.klaviyo import KlaviyoDestination
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination
from include.destinations.tiktok import TikTokDestination
from include.destinations.webhook import WebhookDestination

DESTINATIONS: dict[str, type[Destination]] = {
    BrevoDestination.name: BrevoDestination,
    FileDropDestination.name: FileDropDestination,
    GoogleDestination.name: GoogleDestination,
    HubSpotDestination.name: HubSpotDestination,
    KlaviyoDestination.name: KlaviyoDestination,
    MailchimpDestination.name: MailchimpDestination,
    MetaDestination.name: MetaDestination,
    TikTokDestination.name: TikTokDestination,
    WebhookDestination.name: WebhookDestination,
}
