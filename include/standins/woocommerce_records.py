"""Customers and orders as WooCommerce keeps them; fields of https://woocommerce.github.io/woocommerce-rest-api-docs/.

Times stand in UTC without a zone in the fields that end with ``_gmt``; the stand-in adds those on the site's clock.
Consent is a plugin's: the meta keys ``marketing_consent_email`` and ``marketing_consent_ads`` with ``…_at`` beside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from include.standins.merchant_orders import Purchase
from include.standins.merchant_people import Record
from include.standins.store import Document

ADDRESS = ("first_name", "last_name", "company", "address_1", "address_2", "city", "state", "postcode", "country")
ANSWERS = {"granted": "yes", "withdrawn": "no"}


def gmt(at: datetime) -> str:
    """A time as the interface writes it: whole seconds, no zone."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")


def ms(at: datetime) -> int:
    """Epoch milliseconds, in whole seconds."""
    return int(at.timestamp()) * 1000


def money(cents: int) -> str:
    """A decimal as text."""
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


@dataclass(frozen=True)
class Item:
    """A line: ``cents`` is the price of one with ``tax_cents`` in it, after discount."""

    sku: str
    name: str
    quantity: int
    cents: int
    tax_cents: int = 0


@dataclass(frozen=True)
class Returned:
    """A refund: which lines (position, quantity), or none of them and only an amount."""

    at: datetime
    lines: tuple[tuple[int, int], ...] = ()
    cents: int = 0


def customer(record: Record) -> Document:
    """The shop account of a person of the merchant; its key is a number."""
    city, region, postcode = record.place()
    said = (("email", record.email_consent), ("ads", record.ads_consent))
    meta = {f"marketing_consent_{name}": ANSWERS[state] for name, (state, at) in said if state}
    meta |= {f"marketing_consent_{name}_at": gmt(at) for name, (state, at) in said if state and at}
    place = {"city": city, "state": region, "postcode": postcode, "country": record.country}
    names = {"first_name": record.first_name, "last_name": record.last_name}
    body = customer_body(
        int(record.key),
        record.created,
        record.changed,
        email=record.email_typed or "",
        phone=record.phone_typed or "",
        meta=meta,
        **names,
        **place,
    )
    return Document(record.key, body, ms(record.created), ms(record.changed))


def order(one: Purchase) -> Document:
    """An order of the merchant's shop: paid at once, or called off before it was."""
    items = [Item(line.good.sku, line.good.title, line.quantity, line.cents) for line in one.lines]
    back = [Returned(one.refund[0], one.refund[1])] if one.refund else []
    city, region, postcode = one.place
    body = order_body(
        int(one.key),
        one.at,
        one.changed,
        items,
        back,
        customer_id=int(one.customer or 0),
        status="cancelled" if one.cancelled else "completed",
        email=one.email_typed or "",
        phone=one.phone_typed or "",
        first_name=one.name[0],
        last_name=one.name[1],
        city=city,
        state=region,
        postcode=postcode,
        country=one.country,
    )
    return Document(one.key, body, ms(one.at), ms(one.changed))


def customer_body(
    id: int,
    created: datetime,
    changed: datetime | None,
    *,
    email: str,
    phone: str = "",
    role: str = "customer",
    meta: dict[str, Any] | None = None,
    **address: str | None,
) -> dict[str, Any]:
    """A customer; ``address`` are fields of ``billing``, its names also the account's."""
    billing = _address(address)
    return {
        "id": id,
        "date_created_gmt": gmt(created),
        "date_modified_gmt": changed and gmt(changed),
        "email": email,
        "first_name": billing["first_name"],
        "last_name": billing["last_name"],
        "role": role,
        "username": f"user{id}",
        "billing": {**billing, "email": email, "phone": phone},
        "shipping": {**billing, "phone": ""},
        "is_paying_customer": False,
        "avatar_url": "",
        "meta_data": _meta(id, meta or {}),
    }


def order_body(
    id: int,
    at: datetime,
    changed: datetime,
    items: Sequence[Item],
    back: Sequence[Returned] = (),
    *,
    status: str = "processing",
    paid: datetime | None = None,
    customer_id: int = 0,
    email: str = "",
    phone: str = "",
    currency: str = "EUR",
    with_tax: bool = True,
    meta: dict[str, Any] | None = None,
    **address: str | None,
) -> dict[str, Any]:
    """An order with its lines and, whole, its refunds.

    :param paid: when, if the payment told so; one that got as far as only paid orders do was paid when it was placed.
    """
    billing, lines = _address(address), [line_body(id * 100 + no, one) for no, one in enumerate(items, 1)]
    settled = paid or (at if status in ("processing", "completed", "refunded") else None)
    return {
        "id": id,
        "parent_id": 0,
        "status": status,
        "currency": currency,
        "prices_include_tax": with_tax,
        "date_created_gmt": gmt(at),
        "date_modified_gmt": gmt(changed),
        "date_paid_gmt": settled and gmt(settled),
        "date_completed_gmt": gmt(changed) if status == "completed" else None,
        "discount_total": "0.00",
        "shipping_total": "0.00",
        "total": money(sum(one.quantity * one.cents for one in items)),
        "customer_id": customer_id,
        "order_key": f"wc_order_{id}",
        "billing": {**billing, "email": email, "phone": phone},
        "shipping": {**billing, "phone": ""},
        "created_via": "checkout",
        "number": str(id),
        "meta_data": _meta(id, meta or {}),
        "line_items": lines,
        "refunds": [_refund(id, no, one, items) for no, one in enumerate(back, 1)],
    }


def line_body(id: int, one: Item) -> dict[str, Any]:
    """A line of an order, or of a refund where the quantity is negative."""
    net, tax = one.quantity * (one.cents - one.tax_cents), one.quantity * one.tax_cents
    return {
        "id": id,
        "name": one.name,
        "product_id": id % 1000,
        "variation_id": 0,
        "quantity": one.quantity,
        "subtotal": money(net),
        "subtotal_tax": money(tax),
        "total": money(net),
        "total_tax": money(tax),
        "meta_data": [],
        "sku": one.sku,
        "price": one.cents / 100,
    }


def _refund(order_id: int, number: int, one: Returned, items: Sequence[Item]) -> dict[str, Any]:
    id = order_id * 1000 + number
    lines = [
        Item(items[place].sku, items[place].name, -count, items[place].cents, items[place].tax_cents)
        for place, count in one.lines
    ]
    return {
        "id": id,
        "date_created_gmt": gmt(one.at),
        "amount": money(one.cents or -sum(line.quantity * line.cents for line in lines)),
        "reason": "",
        "refunded_by": 1,
        "refunded_payment": True,
        "meta_data": [],
        "line_items": [line_body(id * 100 + no, line) for no, line in enumerate(lines, 1)],
    }


def _address(given: dict[str, str | None]) -> dict[str, str]:
    return {name: given.get(name) or "" for name in ADDRESS}


def _meta(id: int, values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"id": id * 100 + no, "key": key, "value": value} for no, (key, value) in enumerate(values.items(), 1)]
