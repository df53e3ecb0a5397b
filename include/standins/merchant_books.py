"""Writing the merchant into the store: documents in chunks, the truth in parts, never everything at once."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import orjson

from include.standins import (
    merchant_mailings,
    merchant_renderings,
    merchant_sales,
    merchant_truth,
    woocommerce_records,
)
from include.standins.mailchimp_shapes import list_body, merge_field_body
from include.standins.merchant_mailings import Mailing, Reaction
from include.standins.merchant_orders import CHECKOUTS, CLOCK, ORDERS, TILL, Cart, Purchase
from include.standins.merchant_people import Record
from include.standins.merchant_records import HUBSPOT, SHOPIFY
from include.standins.merchant_renderings import LIST_ID, PERMISSIONS
from include.standins.merchant_world import ROLE_MAILBOXES, TILL_STOPGAP
from include.standins.store import Document, Store

ACTIVITY = "mailchimp.activity"
CHUNK = 500


class Books:
    """Takes what happened on one day and writes it down, both as the systems know it and as it is.

    :param day: the day the truth is told under; 1 is everything before the first start.
    """

    def __init__(self, store: Store, day: int) -> None:
        self._store = store
        self._day = day
        self._documents: dict[tuple[str, str], list[Document]] = defaultdict(list)
        self._rows: dict[str, list[orjson.Fragment]] = defaultdict(list)
        self._parts: Counter[str] = Counter()
        self.receipts: list[Purchase] = []

    def record(self, record: Record, *, orders: int = 0, spent_cents: int = 0) -> None:
        """A person's record at one system; lifetime figures count for the shop only."""
        if record.stream == HUBSPOT:
            self.document("hubspot", "contact", merchant_renderings.contact(record))
        elif record.stream == SHOPIFY:
            self.document("shopify", "customer", merchant_renderings.customer(record, orders, spent_cents))
        else:
            self.document("mailchimp", f"member:{LIST_ID}", self._with_tags(merchant_renderings.member(record)))
        self.tell(record.stream, merchant_truth.person_row(record))

    def _with_tags(self, member: Document) -> Document:
        """Tags are the business of whoever uses the platform: what happens to a member does not take them off."""
        held = self._store.get("mailchimp", f"member:{LIST_ID}", member.id) if self._day > 1 else None
        kept = {name: held.body[name] for name in ("tags", "tags_count")} if held else {}
        return replace(member, body={**member.body, **kept}) if kept else member

    def purchase(self, one: Purchase) -> None:
        """An order of the shop, or a receipt for the day's till export."""
        if one.stream == ORDERS:
            self.document("shopify", "order", merchant_sales.order(one))
            self.tell(ORDERS, merchant_truth.order_row(one))
        else:
            self.receipts.append(one)
            for row in merchant_truth.till_line_rows(one):
                self.tell(TILL, row)

    def cart(self, one: Cart) -> None:
        """A left checkout."""
        self.document("shopify", "abandoned_checkout", merchant_sales.checkout(one))
        self.tell(CHECKOUTS, merchant_truth.cart_row(one))

    def reaction(self, one: Reaction) -> None:
        """What a recipient did with a mailing; also nothing."""
        self.document("mailchimp", f"activity:{one.mailing.key}", merchant_mailings.activity(one))
        if one.acts:
            self.tell(ACTIVITY, merchant_truth.reaction_row(one))

    def mailing(self, one: Mailing, recipients: int) -> None:
        """A mailing that was sent."""
        self.document("mailchimp", "campaign", merchant_mailings.campaign(one, recipients))

    def audience_list(self, created_ms: int) -> None:
        """The merchant's one list at Mailchimp, with its own merge field and its permissions."""
        body = list_body(LIST_ID, merchant_mailings.LIST_NAME, created_ms=created_ms, permissions=PERMISSIONS)
        self.document("mailchimp", "list", Document(LIST_ID, body, created_ms, created_ms))
        field = merge_field_body(LIST_ID, 7, "INTERESTS", "Interests")
        self.document("mailchimp", f"merge_field:{LIST_ID}", Document("7", field, created_ms, created_ms))
        self._store.set_setting("mailchimp.list_id", LIST_ID)

    def outlet_purchase(self, one: Purchase) -> None:
        """An order of the outlet."""
        self.document("woocommerce", "order", woocommerce_records.order(one))
        self.tell(one.stream, merchant_truth.order_row(one))

    def tell_person(self, record: Record) -> None:
        """The truth about a person's record at a system that writes its documents by itself."""
        self.tell(record.stream, merchant_truth.person_row(record))

    def close(self) -> None:
        """Write what is still held."""
        for place in list(self._documents):
            self._flush(place)
        for stream in list(self._rows):
            self._flush_rows(stream)

    def document(self, platform: str, kind: str, document: Document) -> None:
        """What a platform shall know."""
        held = self._documents[platform, kind]
        held.append(document)
        if len(held) >= CHUNK:
            self._flush((platform, kind))

    def _flush(self, place: tuple[str, str]) -> None:
        self._store.put_many(*place, self._documents.pop(place))

    def tell(self, stream: str, row: dict[str, Any]) -> None:
        """A row of truth; see `merchant_truth`."""
        held = self._rows[stream]
        held.append(orjson.Fragment(orjson.dumps(row)))  # text at once: a million held dictionaries slow the collector
        if len(held) >= merchant_truth.ROWS_A_PART:
            self._flush_rows(stream)

    def _flush_rows(self, stream: str) -> None:
        part = merchant_truth.part(self._day, stream, self._parts[stream], self._rows.pop(stream))
        self._store.put_many(merchant_truth.PLATFORM, merchant_truth.KIND, [part])
        self._parts[stream] += 1


def write_record(books: Books, record: Record, bought: list[Purchase]) -> None:
    """A record, a shop account with the figures of what was bought under it."""
    own = (
        [one for one in bought if one.stream == ORDERS and one.customer == record.key]
        if record.stream == SHOPIFY
        else []
    )
    books.record(
        record, orders=len(own), spent_cents=sum(line.cents * line.quantity for one in own for line in one.lines)
    )


def write_meta(store: Store, facts: dict[str, Any]) -> None:
    """Write the truth's ``meta``; ``as_of`` follows from the days."""
    as_of = date.fromisoformat(facts["today"]) + timedelta(days=max(facts["days"]) - 1)
    body = {
        **facts,
        "as_of": as_of.isoformat(),
        "time_zone": str(CLOCK),
        "currency": "EUR",
        "role_mailboxes": list(ROLE_MAILBOXES),
        "stopgap_email": TILL_STOPGAP,
    }
    store.put_many(merchant_truth.PLATFORM, merchant_truth.KIND, [Document("meta", body, 0, 0)])
    store.set_setting("day", max(facts["days"]))
