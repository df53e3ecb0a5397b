"""What Brevo as a source and as a destination share: where the interface is, the limits of an account, its errors."""

import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError, QuotaError
from include.http_client import by_status
from include.limits import Rate

VERSION_PATH = "/v3"
# https://developers.brevo.com/docs/api-limits (read 2026-11-21), the plans below Professional: ten calls a second below
# /contacts, a hundred an HOUR for all that has no line of its own, which processes and statistics have not.
RATES = (
    Rate(10, 1.0, only=" /contacts"),
    Rate(36_000, 3600.0, only=" /contacts"),
    Rate(100, 3600.0, only=" /(?!contacts)"),
)


def api_root(base_url: str) -> str:
    """The address calls are made under.

    :param base_url: ``https://api.brevo.com``, with any path prefix, with or without ``/v3``.
    """
    return base_url.rstrip("/").removesuffix(VERSION_PATH) + VERSION_PATH


def headers(token: str) -> dict[str, str]:
    """What every call carries."""
    return {"api-key": token}


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
