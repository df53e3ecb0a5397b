"""Brevo: what its endpoints share. Calls with checked parameters, errors of one shape, the limits and their headers.

Sources: the vendor's OpenAPI file (3.0.0, February 2025), the pages "Rate limits", "Rate limit headers" (August 2026).
Fields and parameters that the specification does not declare are refused: the platform would pass over them in silence.
"""

import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from include.standins.kit import Context, Json, Store
from include.standins.limits import WindowLimit

PLATFORM = "brevo"
A_SECOND, AN_HOUR, ELSEWHERE_AN_HOUR = 10, 36_000, 100  # calls below /contacts, and of everything else
_ADDRESS = re.compile(  # domains in any alphabet, as the merchant's customers have them
    r"[a-z0-9_+&'-]+(\.[a-z0-9_+&'-]+)*@([\w-]+\.)+[^\W\d_]{2,}"
)


class BrevoError(Exception):
    """An answer ``{"code": …, "message": …}``."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message

    def response(self, headers: Mapping[str, str] | None = None) -> Response:
        """As the platform writes it."""
        return Json({"code": self.code, "message": self.message}, self.status, headers=headers)


def invalid(message: str) -> BrevoError:
    """400: a parameter has a value that cannot be."""
    return BrevoError(400, "invalid_parameter", message)


def missing(message: str) -> BrevoError:
    """400: a parameter is not there."""
    return BrevoError(400, "missing_parameter", message)


def not_found(message: str) -> BrevoError:
    """404."""
    return BrevoError(404, "document_not_found", message)


@dataclass(frozen=True)
class Call:
    """One call.

    :param body: the JSON object; empty when there is no body.
    """

    context: Context
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def store(self) -> Store:
        return self.context.store

    def known(self, body: Collection[str] = (), query: Collection[str] = ()) -> None:
        """
        :raises BrevoError: 400, the body has a field or the query a parameter that is none of these.
        """
        unknown = sorted(set(self.body) - set(body)) or sorted(set(self.query) - set(query))
        if unknown:
            raise invalid(f"{unknown[0]} is not a valid parameter")

    def number(self, name: str, default: int, most: int | None = None) -> int:
        """A number of the query from 0 to ``most``."""
        value = self.query.get(name, str(default))
        if not value.isdigit():
            raise invalid(f"{name} should be a valid number")
        if most is not None and int(value) > most:
            raise BrevoError(400, "out_of_range", f"{name} exceeds max value {most}")
        return int(value)

    def descending(self) -> bool:
        """The order asked for; the platform's default is the newest first."""
        if self.query.get("sort", "desc") not in ("asc", "desc"):
            raise invalid("sort should be asc or desc")
        return self.query.get("sort", "desc") == "desc"

    def since(self, name: str) -> int | None:
        """Epoch milliseconds of a time in the query; None when it is not there."""
        value = self.query.get(name)
        if value is None:
            return None
        try:
            return int(datetime.fromisoformat(value).timestamp() * 1000)
        except ValueError:
            raise invalid(f"{name} should be a valid UTC date-time") from None


class Limits:
    """The account's windows; every answer tells how the one that is nearest to its end stands.

    Setting ``brevo.limits`` multiplies them.
    """

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._contacts = (
            WindowLimit(A_SECOND, 1.0, context.clock),
            WindowLimit(AN_HOUR, 3600.0, context.clock),
        )
        self._others = (WindowLimit(ELSEWHERE_AN_HOUR, 3600.0, context.clock),)
        self._most = {window: window.most for window in (*self._contacts, *self._others)}

    def take(self, path: str) -> dict[str, str]:
        """Count one call; the headers of its answer.

        :raises TooManyError: it is one too many.
        """
        windows = self._contacts if path.startswith("/v3/contacts") else self._others
        times = self._store.get_setting("brevo.limits", 1)
        for window in windows:
            window.most = self._most[window] * times
            admitted, left, seconds = window.take("account")
            headers = limit_headers(window.most, left, seconds)
            if not admitted:
                raise TooManyError(headers)
            if window is windows[0]:
                told = headers
        return told


class TooManyError(Exception):
    """429 with the limit's headers."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        super().__init__("too many requests")
        self.headers = headers

    def response(self) -> Response:
        """As the platform writes it; there is no Retry-After."""
        text = "You have exceeded the number of requests permitted; see https://developers.brevo.com/docs/api-limits"
        return BrevoError(429, "too_many_requests", text).response(self.headers)


def limit_headers(most: int, left: int, seconds: float) -> dict[str, str]:
    """The platform's own headers; the reset is in seconds from now."""
    return {
        "x-sib-ratelimit-limit": str(most),
        "x-sib-ratelimit-remaining": str(max(0, left)),
        "x-sib-ratelimit-reset": str(math.ceil(max(0.0, seconds))),
    }


def is_address(value: Any) -> bool:
    """Whether the platform takes it as an e-mail address."""
    return (
        isinstance(value, str)
        and _ADDRESS.fullmatch(value.strip().lower()) is not None
        and len(value.partition("@")[0]) <= 64
    )


def shown_time(ms: int) -> str:
    """As the platform writes times: ``2017-05-12T12:30:00.000Z``."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def next_number(store: Store, kind: str) -> int:
    """A new id of that kind."""
    number = store.get_setting(f"brevo.last_{kind}", 0) + 1
    store.set_setting(f"brevo.last_{kind}", number)
    return number
