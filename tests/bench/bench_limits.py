"""Delivery at a platform's limit: two syncs on one account, against the time the limit itself takes."""

import time
from concurrent.futures import ThreadPoolExecutor

from include import warehouse
from include.http_client import JsonClient
from include.ledger.audiences import Declared
from include.ledger.sync import sync_destination
from include.limits import Rate
from include.shared_limiter import SharedLimiter
from tests.bench.bench_deliver import AS_OF, SinkDestination, fill, sink
from tests.bench.measure import Bench, Measure
from tests.bench.postgres import throwaway_warehouse

MEMBERS = 14_500  # of each of the two audiences; the last window is half full: at its edge a call more is a window more
BATCH_SIZE = 20
RATE = Rate(100, 2.0)


class LimitedDestination(SinkDestination):
    """The sink with a limit, as one of two destinations on one account."""

    batch_size = BATCH_SIZE

    def __init__(self, name: str, sink_url: str, limiter: SharedLimiter) -> None:
        super().__init__(sink_url)
        self.name = name
        self._client = JsonClient(sink_url, connections=self.connections, limiter=limiter)


def deliver(url: str, sink_url: str, name: str) -> tuple[float, float]:
    """One sync; when its first call was due and when its last answer was settled."""
    moments: dict[str, float] = {}
    limiter = SharedLimiter(url, "sink 1", (RATE,))
    [result] = sync_destination(
        url,
        LimitedDestination(name, sink_url, limiter),
        as_of=AS_OF,
        run_id="bench",
        declared=[Declared(name, "everybody", "everybody", "email")],
        progress=lambda step: moments.update({step: time.monotonic()}),
    )
    limiter.close()
    assert (result.added, result.outcome) == (MEMBERS, "success")
    return moments["planned"], moments["delivered"]


def deliver_at_limit() -> Measure:
    """Wall time of two deliveries at once, with the ledger, against the least time the limit lets them through in.

    :raises RuntimeError: the platform refused a call: the limit was passed.
    """
    with throwaway_warehouse() as url, sink(str(RATE.calls), str(RATE.seconds)) as sink_url:
        with warehouse.connect(url) as conn:
            fill(conn, MEMBERS)
        with ThreadPoolExecutor(2) as pool:
            moments = list(pool.map(lambda name: deliver(url, sink_url, name), ("first", "second")))
        refused = JsonClient(sink_url).request("GET", "/refused", decode=int)
    if refused:
        raise RuntimeError(f"{refused} calls were refused: the limit was passed.")
    seconds = max(end for _, end in moments) - min(begin for begin, _ in moments)
    calls = 2 * MEMBERS // BATCH_SIZE
    least = (calls - 1) // RATE.calls * RATE.seconds
    note = f"{calls:,} calls of {BATCH_SIZE} members by two syncs, limit {RATE.calls} {RATE.name}, none refused"
    return Measure(seconds / least, seconds, 2 * MEMBERS / seconds, note)


BENCHES: dict[str, Bench] = {"deliver_at_limit": deliver_at_limit}
