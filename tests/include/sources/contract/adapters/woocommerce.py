"""WooCommerce: customers, who can only be listed, and orders, which go through the trash."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from include.sources import woocommerce
from include.standins.store import Document
from include.standins.woocommerce import CONSUMER_KEY, trashed
from include.standins.woocommerce_records import Item, Returned, customer_body, ms, order_body
from tests.include.sources.contract.adapter import PlatformAdapter, Record


class _WooCommerce(PlatformAdapter):
    """A kind of record; its state is a name on its address. Pages of eight have two rows in common."""

    lag = woocommerce.OVERLAP
    options: ClassVar[Mapping[str, Any]] = {"page_size": 8}

    @property
    def client(self) -> Any:
        return woocommerce.client(self.stage.url, self.token(), CONSUMER_KEY, limiter=self.limits())

    def read(self, payload: Mapping[str, Any]) -> tuple[int, int]:
        return payload["id"] - 100, int(payload["billing"]["first_name"])


class Customers(_WooCommerce):
    """Who was deleted is missing from the list."""

    stream = "woocommerce.customers"

    def put(self, record: Record) -> None:
        id = 100 + record.number
        body = customer_body(id, record.created, record.changed, email="", first_name=str(record.state))
        self.hold("customer", Document(str(id), body, ms(record.created), ms(record.changed)))

    def delete(self, record: Record, at: datetime) -> None:
        self.store.delete(self.source, "customer", str(100 + record.number))


class Orders(_WooCommerce):
    """Each fourth is refunded, which takes a further call."""

    stream = "woocommerce.orders"
    sweeps = True
    options: ClassVar[Mapping[str, Any]] = {"page_size": 8, "sweep_hours": 0, "sweep_floor": 1000}

    def put(self, record: Record) -> None:
        back = [Returned(record.changed, ((0, 1),))] if record.number % 4 == 0 else []
        self.hold("order", self._order(record, back))

    def delete(self, record: Record, at: datetime) -> None:
        if record.number % 3 == 0:
            return self.purge(record, at)
        self.hold("order", trashed(self._order(record, ()), ms(at)))

    def purge(self, record: Record, at: datetime) -> None:
        self.store.delete(self.source, "order", str(100 + record.number))

    @staticmethod
    def _order(record: Record, back: Any) -> Document:
        id, items = 100 + record.number, [Item("MUG", "Mug", 2, 100 * record.state)]
        body = order_body(id, record.created, record.changed, items, back, first_name=str(record.state))
        return Document(str(id), body, ms(record.created), ms(record.changed))
