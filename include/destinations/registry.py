"""The destinations there are, by the name front matters use. A plan needs only the class: it makes no call."""

from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination

DESTINATIONS: dict[str, type[MailchimpDestination] | type[MetaDestination]] = {
    MailchimpDestination.name: MailchimpDestination,
    MetaDestination.name: MetaDestination,
}
