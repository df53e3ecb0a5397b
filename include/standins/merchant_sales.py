"""The merchant's orders and left carts as Shopify keeps them, and receipts as the tills export them."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from include.standins.merchant_orders import CLOCK, Cart, Line, Purchase
from include.standins.merchant_renderings import address, iso_z, money, ms
from include.standins.store import Document

TILL_COLUMNS = (
    "receipt_no",
    "line_no",
    "store_no",
    "loyalty_id",
    "email",
    "phone",
    "sku",
    "description",
    "quantity",
    "unit_price",
    "sold_at",
    "country",
    "currency",
)


@lru_cache(maxsize=10_000)
def bag(cents: int) -> dict[str, Any]:
    """Shopify's MoneyBag. One currency, so the presentment money is the shop money (filled in when asked for).

    The dictionary is shared: do not change it.
    """
    return {"shopMoney": money(cents)}


def _gid(kind: str, key: str) -> str:
    return f"gid://shopify/{kind}/{key}"


def order(one: Purchase) -> Document:
    """A Shopify order with its lines and refunds."""
    priced = _priced(one)
    total = sum(cents * line.quantity for line, cents in priced)
    refunds = [_refund(one, priced)] if one.refund else []
    back = sum(priced[no][1] * count for no, count in one.refund[1]) if one.refund else 0
    status = "REFUNDED" if back and back == total else "PARTIALLY_REFUNDED" if back else "PAID"
    place = address(one.key, one.country, one.place, *one.name)
    body = {
        "id": _gid("Order", one.key),
        "legacyResourceId": one.key,
        "name": f"#{int(one.key) % 10**9}",
        "number": int(one.key) % 10**9,
        "createdAt": iso_z(one.at),
        "processedAt": iso_z(one.at),
        "updatedAt": iso_z(one.changed),
        "cancelledAt": iso_z(one.changed) if one.cancelled else None,
        "test": False,
        "email": one.email_typed and one.email_typed.strip(),
        "phone": one.phone_typed,
        "currencyCode": "EUR",
        "presentmentCurrencyCode": "EUR",
        "displayFinancialStatus": status,
        "sourceName": "web",
        "tags": [],
        "note": None,
        "taxesIncluded": True,
        "customer": one.customer and {"id": _gid("Customer", one.customer), "legacyResourceId": one.customer},
        "totalPriceSet": bag(total),
        "subtotalPriceSet": bag(total),
        "currentTotalPriceSet": bag(total - back),
        "totalRefundedSet": bag(back),
        "billingAddress": place,
        "shippingAddress": place,
        "lineItems": [_line(f"{one.key}{no:02d}", line, cents, one) for no, (line, cents) in enumerate(priced)],
        "refunds": refunds,
    }
    return Document(one.key, body, ms(one.at), ms(one.changed))


def _priced(one: Purchase) -> list[tuple[Line, int]]:
    """Lines with the price of one; of an order that is wrong on purpose the first is below zero."""
    return [
        (line, -line.cents if one.bad == "negative_price" and no == 0 else line.cents)
        for no, line in enumerate(one.lines)
    ]


def _line(key: str, line: Line, cents: int, one: Purchase) -> dict[str, Any]:
    full = line.good.cents if cents > 0 else cents
    gone = sum(count for no, count in one.refund[1] if one.lines[no] is line) if one.refund else 0
    return {
        "id": _gid("LineItem", key),
        "sku": line.good.sku,
        "title": line.good.title,
        "name": line.good.title,
        "quantity": line.quantity,
        "currentQuantity": line.quantity - gone,
        "vendor": "Hausmarke",
        "originalUnitPriceSet": bag(full),
        "discountedUnitPriceSet": bag(cents),
        "originalTotalSet": bag(full * line.quantity),
        "discountedTotalSet": bag(cents * line.quantity),
    }


def _refund(one: Purchase, priced: list[tuple[Line, int]]) -> dict[str, Any]:
    at, parts = one.refund or (one.at, ())
    lines = [
        {
            "id": _gid("RefundLineItem", f"{one.key}{no:02d}"),
            "quantity": count,
            "restockType": "RETURN",
            "restocked": True,
            "subtotalSet": bag(priced[no][1] * count),
            "priceSet": bag(priced[no][1]),
            "lineItem": _line(f"{one.key}{no:02d}", priced[no][0], priced[no][1], one),
        }
        for no, count in parts
    ]
    return {
        "id": _gid("Refund", one.key),
        "legacyResourceId": one.key,
        "createdAt": iso_z(at),
        "processedAt": iso_z(at),
        "updatedAt": iso_z(at),
        "note": None,
        "totalRefundedSet": bag(sum(priced[no][1] * count for no, count in parts)),
        "refundLineItems": lines,
    }


def checkout(one: Cart) -> Document:
    """A Shopify abandoned checkout. It names its customer; an address of its own the interface does not show."""
    total = bag(sum(line.cents * line.quantity for line in one.lines))
    lines = [
        {
            "id": _gid("AbandonedCheckoutLineItem", f"{one.key}{no:02d}"),
            "sku": line.good.sku,
            "title": line.good.title,
            "quantity": line.quantity,
            "variantTitle": None,
            "originalUnitPriceSet": bag(line.good.cents),
            "discountedUnitPriceSet": bag(line.cents),
            "originalTotalPriceSet": bag(line.good.cents * line.quantity),
            "discountedTotalPriceSet": bag(line.cents * line.quantity),
        }
        for no, line in enumerate(one.lines)
    ]
    body = {
        "id": _gid("AbandonedCheckout", one.key),
        "name": f"#{one.key}",
        "createdAt": iso_z(one.at),
        "updatedAt": iso_z(one.changed),
        "completedAt": one.completed and iso_z(one.completed),
        "note": "",
        "abandonedCheckoutUrl": f"https://merchant.example/checkouts/{one.key}/recover",
        "taxesIncluded": True,
        "customer": one.customer and {"id": _gid("Customer", one.customer), "legacyResourceId": one.customer},
        "totalPriceSet": total,
        "subtotalPriceSet": total,
        "totalLineItemsPriceSet": total,
        "lineItems": lines,
    }
    return Document(one.key, body, ms(one.at), ms(one.changed))


def till_rows(one: Purchase) -> Iterator[tuple[str, ...]]:
    """The lines of a receipt as exported: `TILL_COLUMNS`, all text, time on the shop's clock with its offset."""
    sold = one.at.astimezone(CLOCK).isoformat()
    typed = (one.ids.get("loyalty") or "", one.email_typed or "", one.phone_typed or "")
    for no, line in enumerate(one.lines, 1):
        row = [
            one.key,
            str(no),
            f"{one.person % 7 + 1:02d}",
            *typed,
            line.good.sku,
            line.good.title,
            str(line.quantity),
            money(line.cents)["amount"],
            sold,
            one.country,
            "EUR",
        ]
        yield tuple(_spoil(row, one.bad)) if no == 1 and one.bad else tuple(row)


def _spoil(row: list[str], fault: str) -> list[str]:
    place, text = {
        "missing_key": (0, ""),
        "unreadable_quantity": (8, "zwei"),
        "unreadable_time": (10, "31.02.2026 9 Uhr"),
        "unknown_currency": (12, "XQZ"),
    }[fault]
    return [*row[:place], text, *row[place + 1 :]]


def till_export(receipts: Iterable[Purchase]) -> bytes:
    """The export of a day's (at first: all) receipts: gzip of a CSV in UTF-8 with a header. Same receipts, same
    bytes."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(TILL_COLUMNS)
    for one in receipts:
        writer.writerows(till_rows(one))
    return gzip.compress(text.getvalue().encode(), compresslevel=3, mtime=0)


def drop(folder: Path, day: int, receipts: Iterable[Purchase]) -> Path:
    """Put the export of a day into the folder, whole or not at all; the name carries the day."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"till_{day}.csv.gz"
    part = path.with_suffix(".part")
    part.write_bytes(till_export(receipts))
    part.rename(path)
    return path
