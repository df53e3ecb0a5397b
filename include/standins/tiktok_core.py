"""TikTok's Business API: what its endpoints share. Errors with HTTP 200, checked parameters, the limits.

Sources: the official SDK's operations (1.1.3), the pages "Return codes" and "Rate limits" (v1.3). Every answer is HTTP
200 with ``{"code", "message", "request_id", "data"}``; a code other than 0 is an error. Too many calls are code 40100
(an app's: ten a second, 600 a minute at the basic level), without a word about how long to wait.
Fields and parameters that are not declared are refused: the platform would pass over them in silence.
"""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

from include.standins.kit import Context, Json, Store
from include.standins.limits import Clock, WindowLimit

PLATFORM = "tiktok"
A_SECOND = 10  # calls of an app at the basic level
NO_PERMISSION, INVALID, NOT_FOUND = 40001, 40002, 40007
TOO_MANY, TOKEN_EMPTY, TOKEN_WRONG = 40100, 40104, 40105
FILE_TYPE, SYSTEM_ERROR = 40908, 50000


class TikTokError(Exception):
    """An answer with a code other than 0.

    :param code: what tells the kinds of errors apart; the status does not.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message

    def response(self) -> Response:
        """As the platform writes it: HTTP 200."""
        return envelope({}, self.code, self.message)


def envelope(data: Any, code: int = 0, message: str = "OK") -> Response:
    """What every answer is wrapped in."""
    return Json({"code": code, "message": message, "request_id": secrets.token_hex(16).upper(), "data": data})


def invalid(message: str) -> TikTokError:
    """A parameter has a value that cannot be."""
    return TikTokError(INVALID, message)


def no_audience(audience_id: str) -> TikTokError:
    """It does not exist, or is another advertiser's."""
    return TikTokError(NOT_FOUND, f"The custom audience {audience_id} does not exist")


@dataclass(frozen=True)
class Call:
    """One call.

    :param params: of the query, the JSON body or the form; lists of the query are JSON.
    :param file: the uploaded file, its name and content.
    """

    context: Context
    params: Mapping[str, Any]
    file: tuple[str, bytes] | None = None

    @property
    def store(self) -> Store:
        return self.context.store

    def known(self, needed: Collection[str], others: Collection[str] = ()) -> None:
        """
        :raises TikTokError: a parameter is missing, or is none of these, or the advertiser is another.
        """
        absent = sorted(set(needed) - set(self.params))
        if absent:
            raise invalid(f"{absent[0]}: Missing data for required field.")
        unknown = sorted(set(self.params) - {*needed, *others})
        if unknown:
            raise invalid(f"{unknown[0]}: Unknown field.")
        if str(self.params["advertiser_id"]) != self.store.get_setting("tiktok.account")["advertiser_id"]:
            raise TikTokError(NO_PERMISSION, "No permission to operate the advertiser")

    def texts(self, name: str, most: int) -> list[str]:
        """A list of 1 to ``most`` texts, as JSON in a query or a list in a body."""
        value = self.params[name]
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                value = None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise invalid(f"{name}: Not a valid list of strings.")
        if not 0 < len(value) <= most:
            raise invalid(f"{name}: Length must be between 1 and {most}.")
        return value

    def number(self, name: str, default: int, most: int) -> int:
        """A whole number from 1 to ``most``."""
        value = str(self.params.get(name, default))
        if not value.isdigit() or not 1 <= int(value) <= most:
            raise invalid(f"{name}: Must be between 1 and {most}.")
        return int(value)


class Limits:
    """The app's window: ten calls a second, and so never more than the 600 a minute."""

    def __init__(self, clock: Clock) -> None:
        self._second = WindowLimit(A_SECOND, 1.0, clock)

    def take(self) -> None:
        """Count one call.

        :raises TikTokError: 40100, it is one too many.
        """
        if not self._second.take("app")[0]:
            raise TikTokError(TOO_MANY, "Too many requests. Please retry in some time.")
