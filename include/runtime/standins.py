"""The stand-ins as the runtime sees them: their command, their state, their accounts, their audiences."""

import sys
from typing import Any

import requests

from include.errors import FatalError, RetriableError
from include.runtime.settings import SEED, Settings

TIMEOUT = (5, 300)  # a day of changes over many customers takes its time


def command(settings: Settings, customers: int, port: int, smtp_port: int) -> list[str]:
    """How the stand-ins' server is started."""
    options = {
        "--folder": settings.home / "standins",
        "--port": port,
        "--smtp-port": smtp_port,
        "--customers": customers,
        "--seed": SEED,
        "--drops": settings.drops,
        "--answers": "refusals",
    }
    flat = [str(word) for pair in options.items() for word in pair]
    return [sys.executable, "-m", "include.standins.server", *flat]


class StandIns:
    """Their control interface.

    :param url: ``http://127.0.0.1:port``.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One call below /_control.

        :raises RetriableError: nobody answers (yet).
        :raises FatalError: refused.
        """
        try:
            answer = self._session.request(method, f"{self.url}/_control{path}", timeout=TIMEOUT, **options)
        except requests.RequestException as lost:
            raise RetriableError(f"The stand-ins do not answer at {self.url} ({type(lost).__name__}).") from lost
        if answer.status_code >= 400:
            raise FatalError(f"The stand-ins answered {answer.status_code} to {method} {path}; see their log.")
        return answer.json() if answer.content else None

    def health(self) -> dict[str, int]:
        """``day``, ``customers`` and ``seed`` of the merchant."""
        return self.call("GET", "/health")

    def accounts(self) -> dict[str, dict[str, Any]]:
        """By platform: ``base_url``, ``token`` and the ids a connection needs."""
        return self.call("GET", "/accounts")

    def apply_day(self, day: int) -> None:
        """Let the merchant's day happen; a day that has happened does nothing."""
        self.call("POST", "/day", json={"day": day})

    def members(self, platform: str) -> Any:
        """Who is in each audience of a platform."""
        return self.call("GET", "/members", params={"platform": platform})
