"""Meta's Graph API: what its endpoints share. Parameters from anywhere, and errors that all are HTTP 400 or 500."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response

from include.standins.kit import Context, Json, Store

PLATFORM = "meta"
UPLOAD_BLOCKED = 1713230
TERMS_NOT_ACCEPTED = 1870034


class GraphError(Exception):
    """An answer ``{"error": …}``.

    :param code: what tells the kinds of errors apart; the status hardly does.
    """

    def __init__(
        self,
        message: str,
        code: int,
        *,
        subcode: int | None = None,
        status: int = 400,
        type: str = "OAuthException",
        transient: bool = False,
        title: str = "",
        text: str = "",
    ) -> None:
        super().__init__(code)
        self.message = message
        self.code = code
        self.subcode = subcode
        self.status = status
        self.type = type
        self.transient = transient
        self.title = title
        self.text = text

    def response(self, **headers: str) -> Response:
        """As the platform writes it."""
        error: dict[str, Any] = {"message": self.message, "type": self.type, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.title:
            error |= {"error_user_title": self.title, "error_user_msg": self.text}
        error |= {"is_transient": self.transient, "fbtrace_id": "A" + secrets.token_urlsafe(16)}
        return Json({"error": error}, self.status, headers=headers)


def invalid(message: str) -> GraphError:
    """400, code 100."""
    return GraphError(f"(#100) {message}", 100)


def no_object(id: str, method: str) -> GraphError:
    """400, code 100, subcode 33: it does not exist, or this token may not see it; the platform does not say which."""
    text = (
        f"Unsupported {method.lower()} request. Object with ID '{id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation. Please read the Graph API documentation at "
        "https://developers.facebook.com/docs/graph-api"
    )
    return GraphError(text, 100, subcode=33, type="GraphMethodException")


@dataclass(frozen=True)
class Call:
    """One call; ``params`` come from the query, a form or a JSON body, whichever was used."""

    context: Context
    method: str
    path: dict[str, str]
    params: dict[str, Any]
    base_url: str

    @property
    def store(self) -> Store:
        return self.context.store

    def object(self, name: str) -> dict[str, Any]:
        """A parameter that is an object, sent as JSON or as text that holds JSON.

        :raises GraphError: 100, it is missing or something else.
        """
        value = self.params.get(name)
        if isinstance(value, str):
            try:
                value = orjson.loads(value)
            except orjson.JSONDecodeError:
                value = None
        if not isinstance(value, dict):
            raise invalid(f"param {name} must be an object.")
        return value


def read_params(request: Request, raw: bytes) -> dict[str, Any]:
    """All parameters of a request; the body's win over the query's.

    :raises GraphError: 100, the body is neither JSON nor a form.
    """
    params: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if not raw:
        return params
    if kind == "application/x-www-form-urlencoded":
        return params | dict(parse_qsl(raw.decode(), keep_blank_values=True))
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, dict):
        raise invalid("The body must be a JSON object or a form.")
    return params | sent
