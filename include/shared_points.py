"""Points that a platform counts its calls in (Shopify), shared through the warehouse by all workers on one account.

The platform tells size, rate and level of its bucket with each answer; between two answers the others' calls are not in
what it told, so what a call will cost is taken from one place before it goes out.
"""

import time

from include.errors import QuotaError
from include.shared_limiter import LONGEST_WAIT
from include.warehouse_session import WarehouseSession


class SharedPoints:
    """The bucket of one account.

    :param url: libpq URL of the warehouse.
    :param account: as for `SharedLimiter`.
    """

    def __init__(self, url: str, account: str) -> None:
        self.account = account
        self._session = WarehouseSession(url, f"points {account.partition(' ')[0]}")

    def spend(self, cost: float) -> None:
        """Return when so many points were taken. Nothing is known before the first answer: then it returns at once.

        :raises QuotaError: there are not enough within LONGEST_WAIT seconds.
        """
        give_up = time.monotonic() + LONGEST_WAIT
        while wait := self._session.row("limits/spend", {"account": self.account, "cost": cost})["wait_seconds"]:
            if time.monotonic() + wait > give_up:
                raise QuotaError(f"{self.account}: its points are used up.", retry_after=wait, code="points")
            time.sleep(wait)

    def told(self, *, size: float, per_second: float, available: float, refund: float) -> None:
        """What an answer says of the bucket.

        :param refund: what was spent for the call and was not needed.
        """
        told = {"size": size, "per_second": per_second, "available": available, "refund": refund}
        self._session.run("limits/points", {"account": self.account, **told})

    def close(self) -> None:
        """End the connection."""
        self._session.close()
