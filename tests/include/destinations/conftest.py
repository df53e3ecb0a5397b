"""Destinations on the stand-ins' empty accounts."""

import pytest

from include.destinations.base import Audience
from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import MetaDestination
from include.standins.mailchimp_shapes import list_body
from tests.standins import Standins

LIST = "l1st000001"


@pytest.fixture
def mailchimp(empty_standins: Standins) -> MailchimpDestination:
    """A list without members."""
    empty_standins.put("mailchimp", "list", {"id": LIST, "body": list_body(LIST, "Newsletter", created_ms=1)})
    account = empty_standins.account("mailchimp")
    return MailchimpDestination(account["base_url"], account["token"], LIST, tries=2)


@pytest.fixture
def meta(empty_standins: Standins) -> MetaDestination:
    """An ad account without audiences."""
    account = empty_standins.account("meta")
    return MetaDestination(account["base_url"], account["token"], account["account_id"], tries=2)


def audience(destination: MailchimpDestination | MetaDestination, key: str = "vip") -> Audience:
    """The audience of that name, made at the platform."""
    wanted = Audience(1, destination.name, key, "segment", destination.purpose)
    return Audience(
        1, destination.name, key, "segment", destination.purpose, remote_id=destination.open_audience(wanted)
    )
