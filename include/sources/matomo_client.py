"""A session with a Matomo installation: one path, the token in the body, errors that may come as HTTP 200."""

import re
from collections.abc import Sequence
from typing import Any

import orjson
import requests

from include.errors import AudienceflowError, AuthError, FatalError, RetriableError
from include.http_client import JsonClient, by_status
from include.limits import Limiter

_SLOW = re.compile(r"maximum (statement )?execution time|took too long|max_statement_time", re.IGNORECASE)
_DATABASE = re.compile(r"SQLSTATE|MySQL server|database|deadlock", re.IGNORECASE)
_ACCESS = re.compile(r"authenticate|token|requires '?\w+'? access|log ?in|no access", re.IGNORECASE)


class MatomoClient(JsonClient):
    """A session with one installation and the sites whose visits are read.

    :param site_ids: ``idSite`` of each.
    """

    def __init__(self, base_url: str, token: str, site_ids: Sequence[str], *, limiter: Limiter | None = None) -> None:
        super().__init__(base_url.rstrip("/").removesuffix("/index.php"), classify=classify, limiter=limiter)
        self.site_ids = tuple(site_ids)
        self._token = token

    def ask(self, method: str, **parameters: str | int) -> Any:
        """The answer of one method of the Reporting API; raises like `JsonClient.request`."""
        form = {"module": "API", "method": method, "format": "JSON", "language": "en", "token_auth": self._token,
                **{name: str(value) for name, value in parameters.items()}}
        return self.request("POST", "/index.php", form=form)


def client(base_url: str, token: str, site_ids: Sequence[str], *, limiter: Limiter | None = None) -> MatomoClient:
    """A session; ``token`` is a ``token_auth`` of a user who may view the sites."""
    return MatomoClient(base_url, token, site_ids, limiter=limiter)


def classify(response: requests.Response) -> AudienceflowError | None:
    """Matomo's error table, from version 5.7 on by the status. https://developer.matomo.org/changelog (read 2026-11-22)

    Older versions answer 200 with ``{"result": "error"}``: there the kind is known by the English words alone, and so
    are, in every version, questions that take its database too long. Words are not repeated.
    """
    text, status = _refusal(response), response.status_code
    if status in (401, 403) or (text is not None and status < 400 and _ACCESS.search(text)):
        return AuthError("answered that the token is refused: invalid, expired, or without the right to view the site; "
                         "put another into the Airflow connection.", code="access")
    if text is None:
        return by_status(response)
    if _SLOW.search(text):
        return RetriableError("answered that its database took too long; lower options.page_size in matomo.yaml.",
                              code="slow")
    if status >= 500 or (status < 400 and _DATABASE.search(text)):
        return RetriableError("answered with an error of its database.", code="database")
    return FatalError("answered with result: error; ask the same of its API page to see the reason.", code="error")


def _refusal(response: requests.Response) -> str | None:
    """What an answer that is an error says; None when it is none. Visits are a list, an error is an object."""
    if response.content.lstrip()[:1] != b"{":
        return None
    try:
        answer = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None
    return str(answer.get("message", "")) if answer.get("result") == "error" else None
