"""Shopify: the app's scopes show by what it may read, and the answer says how full its bucket of points is.

A custom app's token does not end.
"""

from include.destinations.base import Checked
from include.sources.shopify_client import ShopifyClient

QUERY = """
query check {
  shop { id }
  customers(first: 1) { nodes { id } }
  orders(first: 1) { nodes { id } }
}
"""


def check(client: ShopifyClient) -> Checked:
    """Read one id of each kind.

    :raises AuthError: the token is refused, or a scope is missing; the text says which are needed.
    """
    told = client.query(QUERY, {})
    shop = told["shop"]["id"].rpartition("/")[2]
    return Checked(f"shop {shop}", ("read_customers", "read_orders"), quota=client.quota())
