"""What is true behind the systems: for tests that compute persons, segments and audiences without the warehouse.

Kept in the store as documents of platform ``merchant``, kind ``truth``. Document ``meta`` holds::

    {"seed": 1, "customers": 5000, "today": "2026-11-21", "days": [1, 2],
     "as_of": "2026-11-22", "time_zone": "Europe/Berlin", "currency": "EUR", "role_mailboxes": ["info", …],
     "stopgap_email": "ohne-mail@laden.example"}

``as_of`` is ``today`` plus one day for each day applied after the first: what a run over the last day should reckon
with. Every other document, ``<day>/<stream>/<part>``, is ``{"day": 2, "stream": "…", "rows": [row, …]}``. A row tells
all about one source record; a row of a later day replaces the earlier one with the same stream and ``k`` (`read` does
it). Fields with nothing to say are left out. Times are ISO 8601 in UTC (+00:00), money in cents of EUR. In every row:

``k``
    record key; by stream: ``hubspot.contacts`` the contact's id; ``shopify.customers``, ``shopify.orders``,
    ``shopify.checkouts`` the number at the end of the gid; ``mailchimp.members`` the MD5 id; ``mailchimp.activity``
    ``<campaign id>:<MD5 id>``; ``files.orders`` ``<receipt_no>:<line_no>`` (receipt_no is empty in a row whose fault
    is ``missing_key``).
``p``
    number of the true person.
``ids``
    clean identifiers the record carries: ``email`` (trimmed, lower-case, +suffix kept, Unicode kept), ``phone``
    (E.164), ``shopify_customer`` (digits), ``loyalty``. Never one that is wrong.
``q``
    the record is wrong on purpose and belongs in quarantine: ``email_syntax``, ``birth_in_future`` (persons),
    ``negative_price`` (Shopify orders), ``missing_key``, ``unreadable_quantity``, ``unreadable_time``,
    ``unknown_currency`` (till lines).

Persons (``hubspot.contacts``, ``shopify.customers``, ``mailchimp.members``) have besides: ``created``, ``changed``;
``d``: true when the source archived the record; ``c``: consent statements ``[purpose, state, time]`` with purpose
``email`` or ``ads`` and state ``granted`` or ``withdrawn`` (nothing said is unknown; what a record said on an earlier
day was said: see `statements`); ``t``: traits as clean values (``first_name``, ``last_name``, ``gender`` f/m/d,
``birth_on``, ``language``, ``country``, ``region``, ``city``, ``postcode``, ``interests`` list,
``email_client``); ``status`` (Mailchimp).

Orders (``shopify.orders``: one row an order; ``files.orders``: one row a till line) have ``order`` (order or receipt
number), ``at`` and ``lines``: ``[kind, cents, quantity, sku, time]``, kind ``sale`` (positive) or ``return`` (cents
and quantity negative, at the time of the refund). Cents are after line discounts (Shopify: ``discountedTotalSet``,
refunds
``subtotalSet``).

Events: ``mailchimp.activity`` (only recipients who did something) and ``shopify.checkouts`` have ``events``: ``[name,
time]`` with ``email_opened``, ``email_clicked``, ``email_bounced``, or ``[cart_abandoned, time, cents]``; a checkout
that was recovered has ``completed`` (its time). A connector may land each act of a recipient as a record of its own:
compare acts by campaign, address, name and time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from include.standins.merchant_mailings import Reaction
from include.standins.merchant_orders import Cart, Line, Purchase
from include.standins.merchant_people import Record
from include.standins.store import EVERYTHING, Document, Store

PLATFORM, KIND = "merchant", "truth"
ROWS_A_PART = 5_000
Row = dict[str, Any]


def _time(at: datetime) -> str:
    return at.isoformat()


def person_row(record: Record) -> Row:
    """The truth about a record of a person."""
    traits = {
        "first_name": record.first_name,
        "last_name": record.last_name,
        "gender": record.gender,
        "birth_on": record.birth_on and record.birth_on.isoformat(),
        "language": record.language,
        "country": record.country,
        "region": record.region,
        "city": record.city,
        "postcode": record.postcode,
        "interests": list(record.interests),
        "email_client": record.email_client,
    }
    said = [
        [purpose, state, _time(at)]
        for purpose, (state, at) in (("email", record.email_consent), ("ads", record.ads_consent))
        if state and at
    ]
    row = {
        "k": record.key,
        "p": record.person,
        "ids": record.ids,
        "created": _time(record.created),
        "changed": _time(record.changed),
        "d": record.deleted,
        "c": said,
        "status": record.status,
        "q": record.bad,
        "t": {name: value for name, value in traits.items() if value},
    }
    return {name: value for name, value in row.items() if value or name == "ids"}


def order_row(one: Purchase) -> Row:
    """The truth about an order of the shop."""
    lines = [_entry("sale", line, line.quantity, one.at) for line in one.lines]
    if one.refund:
        lines += [_entry("return", one.lines[no], -count, one.refund[0]) for no, count in one.refund[1]]
    row = {"k": one.key, "p": one.person, "ids": one.ids, "order": one.key, "at": _time(one.at), "lines": lines}
    return {**row, "q": one.bad} if one.bad else row


def _entry(kind: str, line: Line, quantity: int, at: datetime) -> list[Any]:
    return [kind, line.cents * quantity, quantity, line.good.sku, _time(at)]


def till_line_rows(one: Purchase) -> Iterator[Row]:
    """The truth about each line of a receipt."""
    for no, line in enumerate(one.lines, 1):
        fault = one.bad if no == 1 else None
        receipt = "" if fault == "missing_key" else one.key
        kind = "sale" if line.quantity > 0 else "return"
        row = {
            "k": f"{receipt}:{no}",
            "p": one.person,
            "ids": one.ids,
            "order": receipt,
            "at": _time(one.at),
            "lines": [_entry(kind, line, line.quantity, one.at)],
        }
        yield {**row, "q": fault} if fault else row


def cart_row(one: Cart) -> Row:
    """The truth about a left checkout."""
    cents = sum(line.cents * line.quantity for line in one.lines)
    row: Row = {"k": one.key, "p": one.person, "ids": one.ids, "events": [["cart_abandoned", _time(one.at), cents]]}
    return {**row, "completed": _time(one.completed)} if one.completed else row


def reaction_row(one: Reaction) -> Row:
    """The truth about what a recipient did."""
    return {
        "k": f"{one.mailing.key}:{one.record.key}",
        "p": one.record.person,
        "ids": {"email": one.record.ids["email"]},
        "events": [[name, _time(at)] for name, at in one.acts],
    }


def part(day: int, stream: str, number: int, rows: list[Any]) -> Document:
    """A document of truth; rows as dictionaries or as JSON text already."""
    return Document(f"{day:03d}/{stream}/{number:05d}", {"day": day, "stream": stream, "rows": rows}, day, day)


def read(store: Store, *, until_day: int = 1 << 30) -> dict[str, dict[str, Row]]:
    """Stream → record key → row, as of the end of a day."""
    return merge(document.body for document in _parts(store) if document.body["day"] <= until_day)


def merge(parts: Iterable[dict[str, Any]]) -> dict[str, dict[str, Row]]:
    """The same from the bodies of the documents, in the order of their ids."""
    found: dict[str, dict[str, Row]] = {}
    for body in parts:
        found.setdefault(body["stream"], {}).update((row["k"], row) for row in body["rows"])
    return found


def statements(store: Store, *, until_day: int = 1 << 30) -> set[tuple[str, str, str, str, str]]:
    """All that was ever said in a sound record that was not deleted: (stream, record key, purpose, state, time)."""
    bodies = (document.body for document in _parts(store) if document.body["day"] <= until_day)
    return {
        (body["stream"], row["k"], *said)
        for body in bodies
        for row in body["rows"]
        if "q" not in row and not row.get("d")
        for said in row.get("c", ())
    }


def told(store: Store) -> dict[str, Any]:
    """Everything at once, for ``/_control/truth``: ``{"meta": {…}, "streams": {stream: [row, …]}, "statements": [[…],
    …]}``."""
    return {
        "meta": meta(store),
        "streams": {stream: list(rows.values()) for stream, rows in read(store).items()},
        "statements": sorted(statements(store)),
    }


def meta(store: Store) -> dict[str, Any]:
    """The document ``meta``; empty before `merchant.generate`."""
    found = store.get(PLATFORM, KIND, "meta")
    return {} if found is None else found.body


def _parts(store: Store) -> Iterator[Document]:
    """Parts by day: ids of one length sort as text, so a stream's parts follow each other within a day."""
    parts = (one for one in store.page(PLATFORM, KIND, EVERYTHING, order="id", limit=-1) if one.id != "meta")
    return iter(sorted(parts, key=lambda one: one.id))
