"""How long somebody who bought stays in an audience of those to be won back, from the order to the platform's answer.

The whole system as it runs by its own clock: the shop's orders are followed every two minutes of the day (so from seven
in the morning UTC on), persons, segments and audiences follow by their assets.
"""

import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from statistics import median, quantiles

import psycopg
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from tests.bench.measure import Bench, Measure
from tests.system import RunningSystem
from tests.system_chapters import LAPSED, REMOVED_AT, bought_now
from tests.system_processes import make

BUYERS = 15
APART = 23.0  # seconds: no divisor of the clock's two minutes, so that orders fall anywhere between two looks
LONGEST = 600.0  # seconds after the last order
BAR = 300.0  # seconds that 95 of 100 may take


def order_to_removal() -> Measure:
    """Seconds from an order at the shop until Meta took the buyer's removal, 95th of 100, against five minutes."""
    home = Path(tempfile.mkdtemp(prefix="bench-exit-"))
    try:
        by_the_clock = {"AUDIENCEFLOW_CLOCK": "on", "CUSTOMERS": "5000"}
        if make("up", home, **by_the_clock).returncode or make("run", home, **by_the_clock).returncode:
            raise RuntimeError(f"The system did not come up; {home} has its logs.")
        waited = _waited(RunningSystem(home))
    finally:
        make("down", home)
    shutil.rmtree(home)
    p95 = quantiles(waited, n=20, method="inclusive")[-1]
    note = f"{len(waited)} orders, one every {APART:.0f} s; median {median(waited):.0f} s, longest {max(waited):.0f} s"
    return Measure(p95 / BAR, p95, len(waited) / sum(waited), note)


def _waited(system: RunningSystem) -> list[float]:
    """Seconds that each buyer stayed in the audience."""
    with psycopg.connect(system.env["WAREHOUSE_URL"], autocommit=True) as conn:
        buyers = conn.execute(LAPSED, (BUYERS,)).fetchall()
        orders = system.standins.documents("shopify", "order")
        system.airflow.pause("follow_shopify_orders", False)
        bought_at = {}
        for number, (person, _, key) in enumerate(buyers):
            now = datetime.now(UTC)
            system.standins.put("shopify", "order", bought_now(orders[key], number, now))
            bought_at[person] = now.timestamp()
            time.sleep(APART)
        asked = (buyers[0][1], list(bought_at))
        gone = Retrying(
            retry=retry_if_result(lambda found: len(found) < len(buyers)),
            stop=stop_after_delay(LONGEST),
            wait=wait_fixed(1),
        )(lambda: dict(conn.execute(REMOVED_AT, asked).fetchall()))
    return [gone[person] - bought for person, bought in bought_at.items()]


BENCHES: dict[str, Bench] = {"order_to_removal": order_to_removal}
