"""Every stream the project can land, by name. A new source adds its lines here."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from include import warehouse
from include.errors import ConfigError
from include.sources import brevo, files, ga4, hubspot, klaviyo, mailchimp, matomo, salesforce, shopify, woocommerce
from include.sources.pages import Page, Row, Window

__all__ = ["STREAMS", "Page", "Row", "Stream", "Window", "stream"]

Shape = Literal["person_record", "order_entry", "event", "company", "deal", "campaign", "report_row"]


@dataclass(frozen=True)
class Stream:
    """One table of one source.

    :param name: source, dot, table: ``"hubspot.contacts"``.
    :param shape: the staging table it is a partition of.
    :param pages: client, window, mapping of this table → its pages; at most one page is held in memory.
    :param suite: the file in expectations/ that its batches are checked with, without the ending.
    """

    name: str
    shape: Shape
    pages: Callable[[Any, Window, Mapping[str, Any]], Iterator[Page]]
    suite: str

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


def _stream(name: str, shape: Shape, pages: Callable[[Any, Window, Mapping[str, Any]], Iterator[Page]]) -> Stream:
    return Stream(name, shape, pages, suite=name.replace(".", "_"))


_LISTED = (
    _stream("hubspot.contacts", "person_record", hubspot.contacts),
    _stream("hubspot.companies", "company", hubspot.companies),
    _stream("hubspot.deals", "deal", hubspot.deals),
    _stream("shopify.customers", "person_record", shopify.customers),
    _stream("shopify.orders", "order_entry", shopify.orders),
    _stream("shopify.checkouts", "event", shopify.checkouts),
    _stream("woocommerce.customers", "person_record", woocommerce.customers),
    _stream("woocommerce.orders", "order_entry", woocommerce.orders),
    _stream("mailchimp.members", "person_record", mailchimp.members),
    _stream("mailchimp.activity", "event", mailchimp.activity),
    _stream("mailchimp.campaigns", "campaign", mailchimp.campaigns),
    _stream("klaviyo.profiles", "person_record", klaviyo.profiles),
    _stream("klaviyo.events", "event", klaviyo.events),
    _stream("brevo.contacts", "person_record", brevo.contacts),
    _stream("brevo.events", "event", brevo.events),
    _stream("matomo.visits", "event", matomo.visits),
    _stream("ga4.reports", "report_row", ga4.reports),
    _stream("salesforce.contacts", "person_record", salesforce.contacts),
    _stream("salesforce.leads", "person_record", salesforce.leads),
    _stream("salesforce.accounts", "company", salesforce.accounts),
    _stream("salesforce.opportunities", "deal", salesforce.opportunities),
    _stream("files.orders", "order_entry", files.orders),
    _stream("files.persons", "person_record", files.persons),
)
STREAMS: dict[str, Stream] = {listed.name: listed for listed in _LISTED}


def stream(name: str) -> Stream:
    """The stream of that name.

    :raises ConfigError: there is none.
    """
    if name not in STREAMS:
        raise ConfigError(f"There is no stream {name!r}; include/sources/registry.py has {', '.join(STREAMS)}.")
    return STREAMS[name]
