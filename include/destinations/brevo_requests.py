"""What goes to Brevo and comes back, as plain values: the rows of imports, the error table."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import requests

from include.destinations.base import Member
from include.destinations.brevo_attributes import ATTRIBUTES
from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from include.http_client import by_status

MAX_BYTES = 8_000_000  # the vendor's advice; beyond 10 MB an import is refused


def imports(members: Sequence[Member]) -> Iterator[tuple[bool, list[dict[str, Any]]]]:
    """Imports, each with whether its empty values clear. A cell a row leaves out would be an empty one of the table the
    platform makes of the rows, so rows of one clearing import all have the same columns."""
    groups: dict[tuple[bool, tuple[str, ...]], list[dict[str, Any]]] = {}
    for member in members:
        attributes = {name: str(member.fields[one]) for one, name in ATTRIBUTES.items() if member.fields.get(one)}
        cleared = {ATTRIBUTES[one]: "" for one in member.cleared if one in ATTRIBUTES}
        columns = tuple(sorted({**attributes, **cleared})) if cleared else ()
        row = {"email": member.identifiers["email"], "attributes": {**attributes, **cleared}}
        groups.setdefault((bool(cleared), columns), []).append(row)
    for (clears, _), rows in groups.items():
        yield from ((clears, part) for part in _parts(rows))


def _parts(rows: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    if len(rows) > 1 and len(orjson.dumps(rows)) > MAX_BYTES:
        yield from _parts(rows[: len(rows) // 2])
        yield from _parts(rows[len(rows) // 2 :])
    else:
        yield rows


def classify(response: requests.Response) -> AudienceflowError | None:
    """Brevo's error table: the code of the body beside the status. https://developers.brevo.com/docs/how-it-works"""
    if response.status_code < 400 or response.status_code >= 500 or response.status_code == 429:
        return by_status(response)
    code = _code(response)
    told = f"answered {response.status_code}, {code}"
    if response.status_code in (401, 403) or code in ("unauthorized", "permission_denied", "account_under_validation"):
        return AuthError(f"{told}: the API key is refused; check the Airflow connection.", code=code)
    if response.status_code == 402 or code == "not_enough_credits":
        return FatalError(f"{told}: the plan of the account is used up.", code=code)
    if response.status_code == 425:
        return QuotaError(f"{told}: the contact is being worked on.", code=code)
    return FatalError(f"{told}: the request is refused.", code=code)


def _code(response: requests.Response) -> str:
    """The code of the body (a kind, never a value)."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return str(response.status_code)
    return str(body.get("code") or response.status_code) if isinstance(body, dict) else str(response.status_code)
