"""WooCommerce: a key may read or it may not, has no end, and the interface states no rate."""

from urllib.parse import urlsplit

from include.destinations.base import Checked
from include.sources.woocommerce_client import WooCommerceClient

ONE = {"per_page": 1}


def check(client: WooCommerceClient) -> Checked:
    """Ask for one customer and one order.

    :raises AuthError: the key is refused, or may not read.
    """
    customers = client.listing("/customers", {**ONE, "role": "all"}).total
    orders = client.listing("/orders", {**ONE, "status": "any"}).total
    shop = f"shop {urlsplit(client.base_url).hostname}"
    return Checked(shop, ("read",), limits={"customers": customers, "orders": orders})
