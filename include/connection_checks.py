"""What the credentials of sources and destinations are worth: asked, judged, written down."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import orjson
import psycopg

from include import warehouse
from include.destinations.base import Checked
from include.errors import AuthError, ConfigError, FatalError, RetriableError
from include.limits import Quota

ENDS_SOON = timedelta(days=7)  # time enough to ask somebody for new credentials
SCARCE = 0.1  # of a day's calls: less is left than a night may need
State = Literal["ok", "missing", "refused", "unreachable"]
Role = Literal["source", "destination"]
Ask = Callable[[], Checked]


@dataclass(frozen=True)
class Result:
    """One check of one platform, as it is kept and shown. No secret, no personal data.

    :param quota: what is left of the account's limits: ``{"calls a day": {"limit": n, "remaining": n}}``.
    """

    platform: str
    role: Role
    state: State
    account: str | None
    scopes: list[str]
    limits: dict[str, Any]
    expires_at: datetime | None
    problems: list[str]
    checked_at: datetime
    quota: dict[str, Any] = field(default_factory=dict)


def check(
    conn: psycopg.Connection,
    platform: str,
    ask: Ask | None,
    *,
    role: Role = "destination",
    expires_at: datetime | None = None,
) -> dict[str, Any]:
    """Ask the platform and write the result down. Commits.

    :param ask: reading calls only; None: this one cannot be asked, which counts as ok and is said.
    :param expires_at: when the credentials end as somebody wrote it into the connection, for platforms that do not say.
    :returns: what XCom may carry: state, account, limits, quota.
    :raises FatalError, RetriableError: a run would fail; the text says what is missing and how to mend it.
    """
    result, error = _ask(platform, role, ask, expires_at, datetime.now(UTC))
    told = {name: orjson.dumps(getattr(result, name)).decode() for name in ("limits", "quota")}
    warehouse.run(conn, "ops/record_connection_check", {**asdict(result), **told})
    conn.commit()
    if error is not None:
        raise error
    return {"state": result.state, "account": result.account, "limits": result.limits, "quota": result.quota}


def ask_of(platform: object) -> Ask | None:
    """How a destination is asked: by its ``check``; None: it has none."""
    return getattr(platform, "check", None)


def _ask(
    platform: str, role: Role, ask: Ask | None, expires_at: datetime | None, at: datetime
) -> tuple[Result, FatalError | RetriableError | None]:
    try:
        checked = ask() if ask else Checked("")
    except (FatalError, RetriableError) as error:
        state: State = "unreachable" if isinstance(error, RetriableError) else "refused"
        return Result(platform, role, state, None, [], {}, expires_at, [str(error)], at), error
    ends = min((one for one in (checked.expires_at, expires_at) if one is not None), default=None)
    problems = [*checked.missing, *_ends_soon(ends, at), *_used_up(checked.quota)]
    made = Result(
        platform,
        role,
        "missing" if problems else "ok",
        checked.account or None,
        list(checked.scopes),
        dict(checked.limits),
        ends,
        problems if ask else [f"this {role} cannot be asked", *problems],
        at,
        {name: asdict(quota) for name, quota in checked.quota.items()},
    )
    return made, AuthError(f"{platform}: {'; '.join(problems)}", code="missing") if problems else None


def _ends_soon(ends: datetime | None, at: datetime) -> list[str]:
    if ends is None or ends > at + ENDS_SOON:
        return []
    verb = "ended" if ends <= at else "end"
    return [f"the credentials {verb} at {ends:%Y-%m-%d %H:%M} UTC; put new ones into the connection"]


def _used_up(quota: Mapping[str, Quota]) -> list[str]:
    """Only what comes back tomorrow: a limit of seconds has come back before the run begins."""
    return [
        f"{one.remaining:,} of {one.limit:,} {name} are left, a run may need more; see who else uses the account"
        for name, one in quota.items()
        if one.lasts and one.remaining < SCARCE * one.limit
    ]


def written_expiry(extra: Mapping[str, Any]) -> datetime | None:
    """``expires_on`` of a connection's extra, an ISO date or time: the end of credentials whose platform does not tell.

    Google's consent in test mode ends after seven days and says so nowhere.

    :raises ConfigError: it is neither.
    """
    text = extra.get("expires_on")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        raise ConfigError("expires_on in the connection's extra is no date; write it as 2026-12-31.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def newest(conn: psycopg.Connection) -> list[Result]:
    """The newest check of each destination, then of each source, by name."""
    return [Result(**row) for row in warehouse.rows(conn, "ops/connection_checks")]
