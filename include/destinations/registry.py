"""The destinations there are, by the name front matters use. A plan needs only the class: it makes no call."""

from include.destinations.base import Destination
from include.destinations.brevo import BrevoDestination
from include.destinations.google import GoogleDestination
from include.destinations.klaviyo import KlaviyoDestination
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination

DESTINATIONS: dict[str, type[Destination]] = {
    BrevoDestination.name: BrevoDestination,
    GoogleDestination.name: GoogleDestination,
    KlaviyoDestination.name: KlaviyoDestination,
    MailchimpDestination.name: MailchimpDestination,
    MetaDestination.name: MetaDestination,
}
