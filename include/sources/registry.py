"""Every stream the project can land, by name. A new source adds its lines here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include import warehouse
from include.errors import ConfigError
from include.sources import brevo, files, ga4, hubspot, klaviyo, mailchimp, matomo, salesforce, shopify, woocommerce
from include.sources.pages import Load, Page, Row, Window

__all__ = ["STREAMS", "Load", "Page", "Row", "Stream", "Window", "stream"]

Keys = Callable[[Any, Window, Mapping[str, Any]], Iterator[list[str]]]
Shape = Literal["person_record", "order_entry", "event", "company", "deal", "campaign", "report_row"]


@dataclass(frozen=True)
class Stream:
    """One table of one source.

    :param name: source, dot, table: ``"hubspot.contacts"``.
    :param shape: the staging table it is a partition of.
    :param pages: client, window, mapping of this table → its pages; at most one page is held in memory.
    :param suite: the file in expectations/ that its batches are checked with, without the ending.
    :param keys: client, window, mapping → every key the source has, page by page, where it tells deletions in no other
        way; with a window that begins, those of records made since. In an order that no change moves.
    :param load: what a load of all there is would take.
    :param ranged: a range of the past can be asked for. Not of dropped files, nor of a list without filter by change:
        every landing reads all of that, and a backfill of thirty days would thirty times.
    """

    name: str
    shape: Shape
    pages: Callable[[Any, Window, Mapping[str, Any]], Iterator[Page]]
    suite: str
    keys: Keys | None = None
    load: Load | None = None
    ranged: bool = True

    @property
    def source(self) -> str:
        return self.name.partition(".")[0]

    @property
    def table(self) -> str:
        return self.name.partition(".")[2]

    @property
    def staging_statement(self) -> str:
        """The statement that reads this stream's raw rows, by its path below sql/.

        One statement a shape reads every stream whose records a mapping describes. A stream whose records are nested in
        a way of their own, as orders are on every platform, has a statement of its own.
        """
        own = f"staging/stg_{self.source}__{self.table}"
        return own if warehouse.has_statement(own) else f"staging/stg_{self.shape}"


def _stream(name: str, shape: Shape, pages: Callable[[Any, Window, Mapping[str, Any]], Iterator[Page]], *,
            keys: Keys | None = None, load: Load | None = None, ranged: bool = True) -> Stream:
    return Stream(name, shape, pages, suite=name.replace(".", "_"), keys=keys, load=load, ranged=ranged)


_LISTED = (
    _stream("hubspot.contacts", "person_record", hubspot.contacts, load=hubspot.LOADS["contacts"]),
    _stream("hubspot.companies", "company", hubspot.companies, load=hubspot.LOADS["companies"]),
    _stream("hubspot.deals", "deal", hubspot.deals, load=hubspot.LOADS["deals"]),
    _stream("shopify.customers", "person_record", shopify.customers, keys=shopify.customer_keys,
            load=shopify.CUSTOMERS_LOAD),
    _stream("shopify.orders", "order_entry", shopify.orders, keys=shopify.order_keys, load=shopify.ORDERS_LOAD),
    _stream("shopify.checkouts", "event", shopify.checkouts),
    _stream("woocommerce.customers", "person_record", woocommerce.customers, ranged=False),
    _stream("woocommerce.orders", "order_entry", woocommerce.orders, keys=woocommerce.order_keys),
    _stream("mailchimp.members", "person_record", mailchimp.members, load=mailchimp.LOAD),
    _stream("mailchimp.activity", "event", mailchimp.activity),
    _stream("mailchimp.campaigns", "campaign", mailchimp.campaigns, keys=mailchimp.campaign_keys),
    _stream("klaviyo.profiles", "person_record", klaviyo.profiles, keys=klaviyo.profile_keys,
            load=klaviyo.PROFILES_LOAD),
    _stream("klaviyo.events", "event", klaviyo.events),
    _stream("brevo.contacts", "person_record", brevo.contacts, keys=brevo.contact_keys, load=brevo.CONTACTS_LOAD),
    _stream("brevo.events", "event", brevo.events),
    _stream("matomo.visits", "event", matomo.visits),
    _stream("ga4.reports", "report_row", ga4.reports),
    _stream("salesforce.contacts", "person_record", salesforce.contacts, keys=salesforce.contact_keys),
    _stream("salesforce.leads", "person_record", salesforce.leads, keys=salesforce.lead_keys),
    _stream("salesforce.accounts", "company", salesforce.accounts, keys=salesforce.account_keys),
    _stream("salesforce.opportunities", "deal", salesforce.opportunities, keys=salesforce.opportunity_keys),
    _stream("files.orders", "order_entry", files.orders, ranged=False),
    _stream("files.persons", "person_record", files.persons, ranged=False),
)
STREAMS: dict[str, Stream] = {listed.name: listed for listed in _LISTED}


def stream(name: str) -> Stream:
    """The stream of that name.

    :raises ConfigError: there is none.
    """
    if name not in STREAMS:
        raise ConfigError(f"There is no stream {name!r}; include/sources/registry.py has {', '.join(STREAMS)}.")
    return STREAMS[name]
