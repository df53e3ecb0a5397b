"""Brevo's processes: whether imports are over. Asked about seldom and all in one call: 100 an hour is the limit."""

import time
from collections.abc import Sequence
from typing import Any

from include.errors import FatalError, QuotaError
from include.http_client import JsonClient

NEWEST = 50  # the vendor's maximum a page
COMPLETED = "completed"


class Processes:
    """What the platform said of processes.

    :param pause: seconds between two questions.
    """

    def __init__(self, client: JsonClient, pause: float) -> None:
        self._client = client
        self._pause = pause
        self._over: set[str] = set()
        self._running: set[str] = set()
        self._next = 0.0

    def are_over(self, ids: Sequence[str]) -> bool:
        """Whether all have ended, as far as the platform has told; used-up quota is no answer, so not yet."""
        if not set(ids) <= self._over and time.monotonic() >= self._next:
            self._next = time.monotonic() + self._pause
            try:
                self._ask(ids)
            except QuotaError:
                return False
        return set(ids) <= self._over

    def imports_at_work(self) -> list[str] | None:
        """The imports of the account that have not ended; None: not to be known now, the quota is used up."""
        try:
            page = self._client.request("GET", "/processes", params={"limit": NEWEST, "sort": "desc"})
        except QuotaError:
            return None
        found = page.get("processes") or ()
        return [str(one["id"]) for one in found if one["status"] != COMPLETED and "IMPORT" in one["name"].upper()]

    def _ask(self, ids: Sequence[str]) -> None:
        page = self._client.request("GET", "/processes", params={"limit": NEWEST, "sort": "desc"})
        for process in page.get("processes") or ():
            self._note(process)
        for one in (one for one in ids if one not in self._over | self._running):
            self._note(self._read(one))

    def _read(self, process_id: str) -> dict[str, Any]:
        """An older one. What the platform has forgotten is over: its people are looked for on the list."""
        try:
            return self._client.request("GET", f"/processes/{process_id}")
        except FatalError as error:
            if error.code not in ("document_not_found", "invalid_parameter"):
                raise
            return {"id": process_id, "status": COMPLETED}

    def _note(self, process: dict[str, Any]) -> None:
        over = process["status"] == COMPLETED
        (self._over if over else self._running).add(str(process["id"]))
        if over:
            self._running.discard(str(process["id"]))
