"""What the credentials of destinations are worth: asked, judged, written down."""

from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, runtime_checkable

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Checked
from include.errors import AuthError, FatalError, RetriableError

ENDS_SOON = timedelta(days=7)  # time enough to ask somebody for new credentials
State = Literal["ok", "missing", "refused", "unreachable"]


@runtime_checkable
class Checkable(Protocol):
    """A destination that can be asked."""

    def check(self) -> Checked:
        """Reading calls only."""
        ...


@dataclass(frozen=True)
class Result:
    """One check of one destination, as it is kept and shown. No secret, no personal data."""

    destination: str
    state: State
    account: str | None
    scopes: list[str]
    limits: dict[str, Any]
    expires_at: datetime | None
    problems: list[str]
    checked_at: datetime


def check(conn: psycopg.Connection, name: str, destination: object) -> dict[str, Any]:
    """Ask the platform and write the result down. Commits.

    :param destination: one without ``check`` counts as ok and says that it cannot be asked.
    :returns: what XCom may carry: state, account, limits.
    :raises FatalError, RetriableError: a sync could not run; the text says what is missing and how to mend it.
    """
    result, error = _ask(name, destination, datetime.now(UTC))
    warehouse.run(
        conn, "ops/record_destination_check", {**asdict(result), "limits": orjson.dumps(result.limits).decode()}
    )
    conn.commit()
    if error is not None:
        raise error
    return {"state": result.state, "account": result.account, "limits": result.limits}


def _ask(name: str, destination: object, at: datetime) -> tuple[Result, FatalError | RetriableError | None]:
    if not isinstance(destination, Checkable):
        return Result(name, "ok", None, [], {}, None, ["this destination cannot be asked"], at), None
    try:
        checked = destination.check()
    except (FatalError, RetriableError) as error:
        state: State = "unreachable" if isinstance(error, RetriableError) else "refused"
        return Result(name, state, None, [], {}, None, [str(error)], at), error
    problems = [*checked.missing, *_ends_soon(checked, at)]
    made = Result(
        name,
        "missing" if problems else "ok",
        checked.account,
        list(checked.scopes),
        dict(checked.limits),
        checked.expires_at,
        problems,
        at,
    )
    return made, AuthError(f"{name}: {'; '.join(problems)}", code="missing") if problems else None


def _ends_soon(checked: Checked, at: datetime) -> list[str]:
    if checked.expires_at is None or checked.expires_at > at + ENDS_SOON:
        return []
    return [f"the credentials end at {checked.expires_at:%Y-%m-%d %H:%M} UTC; put new ones into the connection"]


def newest(conn: psycopg.Connection) -> list[Result]:
    """The newest check of each destination, by name."""
    return [Result(**row) for row in warehouse.rows(conn, "ops/destination_checks")]
