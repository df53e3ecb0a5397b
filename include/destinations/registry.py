"""The destinations there are, by the name front matters use. A plan needs only the class: it makes no call."""

from include.destinations.base import Destination
from include.destinations.brevo import BrevoDestination
from include.destinations.file_drop import FileDropDestination
from include.destinations.google import GoogleDestination
from include.destinations.hubspot import HubSpotDestination
from include.destinations.klaviyo import KlaviyoDestination
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination
from include.destinations.webhook import WebhookDestination

DESTINATIONS: dict[str, type[Destination]] = {
    BrevoDestination.name: BrevoDestination,
    GoogleDestination.name: GoogleDestination,
    HubSpotDestination.name: HubSpotDestination,
    KlaviyoDestination.name: KlaviyoDestination,
    FileDropDestination.name: FileDropDestination,
    WebhookDestination.name: WebhookDestination,
    MailchimpDestination.name: MailchimpDestination,
    MetaDestination.name: MetaDestination,
}
