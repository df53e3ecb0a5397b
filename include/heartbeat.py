"""A dead man's switch: whether anybody still watches, asked from outside Airflow and told to whoever waits for a sign.

What runs in Airflow cannot tell that Airflow has stopped. Two ways do: each watch ends with a ping to a monitor that
raises the alarm when pings stop (`ping`), and whoever stands outside asks how old the last watch is (`look`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import requests

from include import warehouse
from include.errors import RetriableError
from include.steps import WATCHER

WITHIN = timedelta(minutes=30)  # three times as long as `watch` takes to come again; what waits for a channel as well
PARTS = ("metadatabase", "scheduler", "triggerer", "dag_processor")
TIMEOUT = 10.0  # seconds


@dataclass(frozen=True)
class Sign:
    """One part, and whether it gives signs of life.

    :param text: since when, how many; no value of a row, no secret.
    """

    part: str
    well: bool
    text: str


def look(conn: psycopg.Connection, *, at: datetime, within: timedelta = WITHIN) -> list[Sign]:
    """Signs that stand in the warehouse: the newest watch that ended well, notices that no channel takes.

    :param within: how old a sign may be.
    """
    [row] = warehouse.rows(conn, "ops/last_watch", {"at": at, **WATCHER})
    conn.commit()
    return [_watch(row["watched_at"], at, within), _notices(row["notices"], row["since"], at, within)]


def _watch(watched_at: datetime | None, at: datetime, within: timedelta) -> Sign:
    if watched_at is None:
        return Sign("watch", False, "has never ended well; is the DAG `watch` switched on, does a scheduler run?")
    text = f"ended well {_minutes(at - watched_at)} min ago"
    if at - watched_at <= within:
        return Sign("watch", True, text)
    return Sign("watch", False, f"{text}, at most {_minutes(within)} are usual; look at the scheduler and its workers")


def _notices(waiting: int, since: datetime | None, at: datetime, within: timedelta) -> Sign:
    if since is None or at - since <= within:
        return Sign("alerts", True, "no notice waits" if since is None else f"{waiting} on their way")
    text = f"{waiting} wait for a channel, the oldest for {_minutes(at - since)} min; look at the channels' connections"
    return Sign("alerts", False, text)


def airflow(base_url: str) -> list[Sign]:
    """What Airflow's web server says of its parts; it tells without a login."""
    try:
        answer = requests.get(f"{base_url.rstrip('/')}/api/v2/monitor/health", timeout=TIMEOUT)
        told = answer.json() if answer.ok else None
    except requests.RequestException:
        told = None
    if not isinstance(told, dict):
        return [Sign("api-server", False, "Airflow's web server does not answer")]
    parts = {name: told[name] for name in PARTS if isinstance(told.get(name), dict)}
    signs = [_part(name, one) for name, one in parts.items() if one.get("status") is not None]  # null: it never ran
    return signs or [Sign("api-server", False, "what answers is not Airflow's web server")]


def _part(name: str, told: dict[str, str | None]) -> Sign:
    beat = told.get(f"latest_{name}_heartbeat")
    return Sign(name, told["status"] == "healthy", f"last heartbeat {beat}" if beat else str(told["status"]))


def ping(url: str, signs: list[Sign]) -> None:
    """Tell the monitor that waits: all is well at its address, or what is not, at ``/fail`` behind it.

    As healthchecks.io has it (https://healthchecks.io/docs/http_api/): POST, the body is shown with the ping.

    :param url: a secret, like any address that whoever knows it can write to.
    :raises RetriableError: it did not take the ping. Nothing else need be done: it notices by itself.
    """
    ill = [sign for sign in signs if not sign.well]
    body = "\n".join(f"{sign.part}: {sign.text}" for sign in ill or signs)
    try:
        answer = requests.post(
            f"{url.rstrip('/')}/fail" if ill else url, data=body.encode(), timeout=TIMEOUT, allow_redirects=False
        )
        problem = None if answer.status_code < 300 else f"answered {answer.status_code}"
    except requests.RequestException as error:
        problem = f"did not answer ({type(error).__name__})"
    if problem:  # outside the handler: the library's own text names the URL
        raise RetriableError(f"heartbeat: the monitor {problem}.", code="heartbeat")


def _minutes(span: timedelta) -> int:
    return int(span / timedelta(minutes=1))
