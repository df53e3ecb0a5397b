"""WooCommerce: keys have no end and no scopes but read or write; a shop of one's own states no limit."""

from include.destinations.base import Checked
from include.sources.woocommerce_client import WooCommerceClient


def check(client: WooCommerceClient) -> Checked:
    """Read a customer and an order; the answer's count of rows must come through whatever stands in front."""
    found = {path: client.listing(f"/{path}", {"per_page": 1}).total for path in ("customers", "orders")}
    return Checked("shop of the key", ("read",), found)
