"""A first load of a shop's customers in bulk, in a process of its own, to be killed:
``python -m … WAREHOUSE SHOP TOKEN UNTIL``."""

import sys
from datetime import datetime

from include import landing, warehouse
from include.sources import shopify

OPTIONS = {"options": {"bulk_from": 1}}
BATCH_ROWS = 1  # every page is committed

if __name__ == "__main__":
    url, shop, token, until = sys.argv[1:]
    with warehouse.connect(url) as conn:
        landing.land(
            conn,
            "shopify.customers",
            shopify.client(shop, token),
            until=datetime.fromisoformat(until),
            batch_rows=BATCH_ROWS,
            mapping=OPTIONS,
        )
