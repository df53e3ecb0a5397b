"""Shopify: customers, orders and abandoned checkouts."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from include.sources import shopify
from include.standins.merchant_renderings import money
from include.standins.store import Document
from tests.include.sources.contract.adapter import PlatformAdapter, Record, iso_z, ms


class _Shopify(PlatformAdapter):
    """A kind of record; its state stands in ``name``."""

    lag = shopify.OVERLAP
    sweeps = True
    options: ClassVar[Mapping[str, Any]] = {"page_size": 4, "sweep_hours": 0, "sweep_floor": 1000, "sweep_days": None}
    kind: ClassVar[str]
    gid: ClassVar[str]

    @property
    def client(self) -> Any:
        return shopify.client(self.stage.url, self.token(), limiter=self.limits())

    def put(self, record: Record) -> None:
        id = str(100 + record.number)
        body = {
            "id": f"gid://shopify/{self.gid}/{id}",
            "legacyResourceId": id,
            "createdAt": iso_z(record.created),
            "updatedAt": iso_z(record.changed),
            **self.body(record),
        }
        self.hold(self.kind, Document(id, body, ms(record.created), ms(record.changed)))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete("shopify", self.kind, str(100 + record.number))

    def body(self, record: Record) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return int(payload["id"].rpartition("/")[2]) - 100, int(payload[self.field])

    field: ClassVar[str] = "name"


class Customers(_Shopify):
    """First loads of more than twelve are one bulk operation."""

    options: ClassVar[Mapping[str, Any]] = {**_Shopify.options, "bulk_from": 12}
    stream = "shopify.customers"
    kind, gid, field = "customer", "Customer", "firstName"

    def body(self, record: Record) -> dict[str, Any]:
        return {
            "firstName": str(record.state),
            "lastName": None,
            "locale": "en",
            "state": "ENABLED",
            "tags": [],
            "dataSaleOptOut": False,
            "numberOfOrders": "0",
            "defaultEmailAddress": None,
            "defaultPhoneNumber": None,
            "defaultAddress": None,
        }


class Orders(_Shopify):
    """Each third is longer than one answer holds, each fourth is refunded: both take further calls.

    First loads of more than twelve are one bulk operation.
    """

    options: ClassVar[Mapping[str, Any]] = {**_Shopify.options, "bulk_from": 12}
    stream = "shopify.orders"
    kind, gid = "order", "Order"

    def body(self, record: Record) -> dict[str, Any]:
        lines = [self._line(record, no) for no in range(7 if record.number % 3 == 0 else 1)]
        refunded = record.number % 4 == 0
        return {
            "name": str(record.state),
            "processedAt": iso_z(record.created),
            "cancelledAt": None,
            "test": False,
            "email": None,
            "phone": None,
            "currencyCode": "EUR",
            "customer": None,
            "shippingAddress": None,
            "displayFinancialStatus": "PARTIALLY_REFUNDED" if refunded else "PAID",
            "lineItems": lines,
            "refunds": [self._refund(record, lines[0])] if refunded else [],
        }

    def _line(self, record: Record, number: int) -> dict[str, Any]:
        return {
            "id": f"gid://shopify/LineItem/{record.number:04}{number}",
            "sku": f"S{number}",
            "title": "Mug",
            "quantity": 1,
            "discountedTotalSet": {"shopMoney": money(100 * record.state)},
        }

    def _refund(self, record: Record, line: Mapping[str, Any]) -> dict[str, Any]:
        back = {
            "id": f"gid://shopify/RefundLineItem/{record.number}",
            "quantity": 1,
            "subtotalSet": {"shopMoney": money(100)},
            "lineItem": {name: line[name] for name in ("id", "sku", "title")},
        }
        return {
            "id": f"gid://shopify/Refund/{100 + record.number}",
            "createdAt": iso_z(record.created),
            "processedAt": iso_z(record.created),
            "refundLineItems": [back],
        }


class Checkouts(_Shopify):
    """Listed by id, which no change moves; no interface deletes one."""

    stream = "shopify.checkouts"
    kind, gid = "abandoned_checkout", "AbandonedCheckout"
    deletes = sweeps = False

    def body(self, record: Record) -> dict[str, Any]:
        return {
            "name": str(record.state),
            "completedAt": None,
            "customer": None,
            "totalPriceSet": {"shopMoney": money(100 * record.state)},
            "lineItems": [],
        }
