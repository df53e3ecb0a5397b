"""A worker of its own process: reads a HubSpot stream as a task does, or holds connections until it is killed.

``read URL BASE_URL TOKEN TIMES SKEW``: with this process' clock off by SKEW seconds,
once it is told to begin.
``hold URL ACCOUNT MOST``: take MOST connections, say so on stdout, and go on until killed.
"""

import sys
import time
from datetime import UTC, datetime

from include.connection_lease import ConnectionLease
from include.limits import Rate
from include.shared_limiter import SharedLimiter
from include.sources import hubspot
from include.sources.mapping import table_mapping
from include.sources.pages import Window
from include.warehouse_session import WarehouseSession

RATES = (Rate(24, 4.0),)  # what the stand-in's account is set to


def read(url: str, base_url: str, token: str, times: str, skew: str) -> None:
    """Read all contacts, again and again."""
    true_clock = time.time
    time.time = lambda: true_clock() + float(skew)
    limiter = SharedLimiter(url, "hubspot 4711", RATES)
    client = hubspot.client(base_url, token, limiter=limiter)
    print("ready", flush=True)
    sys.stdin.readline()
    until = datetime.now(UTC)
    for _ in range(int(times)):
        for _page in hubspot.contacts(client, Window(None, until, {}), table_mapping("hubspot.contacts")):
            pass
    limiter.close()


def hold(url: str, account: str, most: str) -> None:
    """Take all connections and never give them back."""
    lease = ConnectionLease(WarehouseSession(url, "hold"), account, int(most), seconds=1.5)
    for _ in range(int(most)):
        lease.enter()
    print("held", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    {"read": read, "hold": hold}[sys.argv[1]](*sys.argv[2:])
