"""The stand-ins for tests: a server in a process of its own, and a handle on its control interface."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import requests

from include.standins.request_log import Recorded

ROOT = Path(__file__).resolve().parent.parent
PLATFORMS = (
    *("hubspot", "shopify", "woocommerce", "mailchimp", "meta", "klaviyo", "brevo", "google", "tiktok"),
    *("slack", "webhook", "matomo", "ga4", "salesforce"),
)


@dataclass
class Standins:
    """A running server.

    :param url: without a slash at the end; a platform is at ``url + "/mailchimp"``.
    """

    url: str
    smtp_port: int
    customers: int
    process: subprocess.Popen = field(repr=False)
    session: requests.Session = field(default_factory=requests.Session, repr=False)

    def account(self, platform: str) -> dict[str, Any]:
        """What goes into the Airflow connection: ``base_url``, ``token``, and the platform's ids."""
        return self._call("GET", "accounts").json()[platform]

    def platforms(self) -> list[str]:
        """Names of the platforms it plays."""
        return list(self._call("GET", "accounts").json())

    def faults(self, *faults: Mapping[str, Any]) -> None:
        """Only these faults from now on (see ``include.standins.faults.Fault``); none ends all."""
        self._call("PUT", "faults", json=list(faults))

    def add_fault(self, fault: Mapping[str, Any]) -> int:
        """One more fault behind those in force; its place in :meth:`fault_state`."""
        return len(self._call("POST", "faults", json=[dict(fault)]).json()) - 1

    def fault_state(self) -> list[dict[str, Any]]:
        """The faults with how many requests matched and were hit."""
        return self._call("GET", "faults").json()

    def recorded(
        self, platform: str | None = None, method: str | None = None, path: str | None = None, after: int = 0
    ) -> list[Recorded]:
        """The recorded requests; ``path`` is a LIKE pattern over the path with its prefix."""
        params = {"platform": platform, "method": method, "path": path, "after": after}
        lines = self._call("GET", "requests", params=params).content.splitlines()
        return [Recorded.from_wire(orjson.loads(line)) for line in lines]

    def last_request(self) -> int:
        """Id of the newest recorded request; 0 before the first."""
        return sum(one["requests"] for one in self._call("GET", "requests/counts").json())

    def forget_requests(self) -> None:
        """Empty the request log."""
        self._call("DELETE", "requests")

    def members(self, platform: str) -> dict[str, Any]:
        """Who is in each audience; see ``audience_members`` of the platform's stand-in."""
        return self._call("GET", "members", params={"platform": platform}).json()

    def alerts(self) -> dict[str, list[dict[str, Any]]]:
        """Mails and Slack messages received."""
        return self._call("GET", "alerts").json()

    def truth(self) -> Any:
        """What the merchant knows."""
        return self._call("GET", "truth").json()

    def apply_day(self, day: int) -> None:
        """Let that day happen at the merchant."""
        self._call("POST", "day", json={"day": day})

    def advance(self, seconds: float) -> None:
        """Move the platforms' time forward."""
        self._call("POST", "clock", json={"advance": seconds})

    def documents(self, platform: str, kind: str) -> dict[str, dict[str, Any]]:
        """Documents of the store by id: ``{"id", "body", "created_at", "changed_at", "archived"}``."""
        lines = self._call("GET", "documents", params={"platform": platform, "kind": kind}).content.splitlines()
        return {one["id"]: one for one in map(orjson.loads, lines)}

    def put(self, platform: str, kind: str, *documents: Mapping[str, Any]) -> None:
        """Put documents into the store: ``{"id", "body"}`` and, if wanted, times and archived."""
        self._call("PUT", "documents", params={"platform": platform, "kind": kind}, json=list(documents))

    def settings(self, values: Mapping[str, Any]) -> None:
        """Set settings of the store, as in ``{"meta.terms_accepted": False}``."""
        self._call("PUT", "settings", json=dict(values))

    def reset(self) -> None:
        """Back to the state of the start."""
        self._call("POST", "reset")

    def _call(self, method: str, path: str, **arguments: Any) -> requests.Response:
        response = self.session.request(method, f"{self.url}/_control/{path}", timeout=120, **arguments)
        response.raise_for_status()
        return response


@contextmanager
def running_standins(
    folder: Path,
    *,
    customers: int = 0,
    seed: int = 1,
    platforms: Sequence[str] = PLATFORMS,
    options: Sequence[str] = (),
) -> Iterator[Standins]:
    """Start a server on free ports with its state in ``folder``; stop it at the end.

    It also stops when this process dies, because its standard input is closed then.

    :param customers: size of the merchant at the first start; 0 is an empty account everywhere.
    """
    command = [
        sys.executable,
        "-m",
        "include.standins.server",
        "--folder",
        str(folder),
        "--customers",
        str(customers),
        "--seed",
        str(seed),
        "--platforms",
        ",".join(platforms),
        "--until-eof",
        "--resettable",
        *options,
    ]
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        line = process.stdout.readline()
        if not line:
            raise RuntimeError("the stand-ins did not start; their words are above")
        said = orjson.loads(line)
        yield Standins(said["url"], said["smtp_port"], said["customers"], process)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()
