"""Access to Google's APIs: a service account's key exchanged for access tokens, or one token as it is.

A token lives an hour; it is exchanged anew shortly before its end, by whichever thread comes first. Neither key nor
token is ever in a text: google-auth's own errors carry the token endpoint's answer, so they are not chained. Only what
OAuth calls a refusal (RFC 6749, 5.2: JSON with an ``error``) says that the key is bad; to google-auth any answer it
does not know is one, also a gateway's 502.
"""

from http import HTTPStatus
from threading import Lock
from typing import Any

import google.auth.exceptions
import orjson
import requests
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from requests.auth import AuthBase

from include.errors import AuthError, ConfigError, RetriableError


class GoogleAuth(AuthBase):
    """Puts ``Authorization: Bearer …`` on each call.

    :param secret: the content of a service account's key file (JSON with ``token_uri``), or an access token.
    :param scope: what the token must open.
    :raises ConfigError: the secret looks like a key file and is none.
    """

    def __init__(self, secret: str, scope: str) -> None:
        self._static = None if secret.lstrip().startswith("{") else secret.strip()
        self._credentials = None if self._static else _credentials(secret, scope)
        self._lock = Lock()
        self._session = requests.Session()
        self._session.trust_env = False  # as the client's: no netrc
        if self._credentials is not None:
            self._session.proxies.update(requests.utils.get_environ_proxies(self._credentials._token_uri))

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """
        :raises AuthError: the key is refused.
        :raises RetriableError: the token endpoint does not answer.
        """
        request.headers["Authorization"] = f"Bearer {self._static or self._token()}"
        return request

    def _token(self) -> str:
        with self._lock:
            if not self._credentials.valid:
                self._refresh()
            return self._credentials.token

    def _refresh(self) -> None:
        try:
            self._credentials.refresh(_TokenRequest(session=self._session))
        except google.auth.exceptions.RefreshError as error:
            if error.retryable:
                raise RetriableError("The token endpoint cannot answer now.", code="token_endpoint") from None
            raise AuthError(
                "The service account's key is refused: deleted, disabled or of another project; put a new one into the "
                "Airflow connection.",
                code="invalid_grant",
            ) from None
        except google.auth.exceptions.TransportError:
            raise RetriableError("No token comes from the account's token_uri.", code="token_endpoint") from None


class _TokenRequest(Request):
    """Google-auth's transport, but that an answer which is none of OAuth's counts as no answer."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        """
        :raises TransportError: the endpoint, or whoever stands before it, is out of order.
        """
        answer = super().__call__(*given, **named)
        refused = answer.status == HTTPStatus.UNAUTHORIZED  # in whatever words
        if answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR or not (refused or _is_oauth(answer.data)):
            raise google.auth.exceptions.TransportError(f"answered {answer.status}")
        return answer


def _is_oauth(body: bytes) -> bool:
    """Whether it is a token or the reason why there is none."""
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return isinstance(answer, dict) and ("access_token" in answer or isinstance(answer.get("error"), str))


def _credentials(secret: str, scope: str) -> service_account.Credentials:
    try:
        return service_account.Credentials.from_service_account_info(orjson.loads(secret), scopes=[scope])
    except (ValueError, google.auth.exceptions.GoogleAuthError):  # not chained: the text may quote the key
        raise ConfigError(
            "The Google connection's password begins like a service account's key file and is none; put in the whole "
            "content of the JSON file that the Cloud console gave out."
        ) from None
