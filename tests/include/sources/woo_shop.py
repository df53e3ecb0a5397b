"""A WooCommerce shop for tests: the stand-in alone, and records put into it."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import requests
from requests_oauthlib import OAuth1

from include.sources import woocommerce
from include.sources.pages import Page, Window
from include.sources.woocommerce_client import API, WooCommerceClient
from include.standins.woocommerce_records import Item, Returned, customer_body, gmt, ms, order_body
from tests.standins import Standins

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
MUG = Item("MUG", "Mug", 2, 1000)


class Shop:
    """A handle on the stand-in: what people do in the shop, and who reads it."""

    def __init__(self, server: Standins) -> None:
        self.server = server
        self.account = server.account("woocommerce")

    @property
    def client(self) -> WooCommerceClient:
        return woocommerce.client(self.account["base_url"], self.account["token"], self.account["consumer_key"])

    def put_customers(self, ids: Sequence[int], *, changed: datetime = AT, **given: Any) -> None:
        self._put(
            "customer",
            changed,
            {id: customer_body(id, AT, changed, **{"email": f"p{id}@inbox.example", **given}) for id in ids},
        )

    def put_orders(
        self,
        ids: Sequence[int],
        *,
        changed: datetime = AT,
        items: Sequence[Item] = (MUG,),
        back: Sequence[Returned] = (),
        **given: Any,
    ) -> None:
        self._put(
            "order",
            changed,
            {id: order_body(id, AT, changed, items, back, **{"email": f"p{id}@inbox.example", **given}) for id in ids},
        )

    def _put(self, kind: str, changed: datetime, bodies: dict[int, dict[str, Any]]) -> None:
        self.server.put(
            "woocommerce",
            kind,
            *(
                {"id": str(id), "body": body, "changed_at": ms(changed), "created_at": ms(AT)}
                for id, body in bodies.items()
            ),
        )

    def call(self, method: str, path: str, auth: Any = None, headers: Any = None, **params: Any) -> requests.Response:
        """A call of the interface, signed unless ``auth`` says otherwise."""
        signed = OAuth1(
            self.account["consumer_key"],
            client_secret=self.account["token"],
            signature_method="HMAC-SHA1",
            signature_type="query",
        )
        return requests.request(
            method,
            f"{self.account['base_url']}{API}{path}",
            params=params,
            headers=headers,
            auth=signed if auth is None else auth,
            timeout=60,
        )

    def delete_customers(self, *ids: int) -> None:
        for id in ids:
            assert self.call("DELETE", f"/customers/{id}", force="true").status_code == 200

    def asked(self) -> int:
        """How many calls there were."""
        return len(self.server.recorded("woocommerce"))


def keys(pages: Iterator[Page]) -> list[int]:
    return [int(row.key) for page in pages for row in page.rows]


def window(since: datetime | None = None, until: datetime = datetime(2026, 11, 21, tzinfo=UTC), **state: Any) -> Window:
    return Window(since, until, state)


__all__ = ["AT", "MUG", "Item", "Returned", "Shop", "gmt", "keys", "window"]
