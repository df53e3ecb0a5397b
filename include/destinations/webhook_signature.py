"""The signature of a webhook: HMAC-SHA256 as the Standard Webhooks specification 1.0.0 has it (read 2026-11-22)."""

import base64
import hashlib
import hmac
import time

from requests import PreparedRequest
from requests.auth import AuthBase

from include.errors import ConfigError

SECRET_BYTES = range(24, 65)  # as the specification has it


class Signature(AuthBase):
    """Signs each try with every secret.

    :raises ConfigError: a secret is not as the specification has it; the text does not show it.
    """

    def __init__(self, secrets: str) -> None:
        self._keys = [_key(secret) for secret in secrets.split()]
        if not self._keys:
            raise ConfigError("The webhook's connection has no secret; put `whsec_…` into its password.")

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        at, body = str(int(time.time())), request.body or b""
        signed = b".".join((str(request.headers["webhook-id"]).encode(), at.encode(), _bytes(body)))
        request.headers["webhook-timestamp"] = at
        request.headers["webhook-signature"] = " ".join(f"v1,{_hmac(key, signed)}" for key in self._keys)
        return request


def _key(secret: str) -> bytes:
    mend = "write `whsec_` and then 24 to 64 random bytes in base64, as `openssl rand -base64 32` gives them"
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:  # not base64, or not even ASCII
        raise ConfigError(f"A secret in the webhook's connection is not base64; {mend}.") from None
    if len(key) not in SECRET_BYTES:
        raise ConfigError(f"A secret in the webhook's connection has {len(key)} bytes; {mend}.")
    return key


def _hmac(key: bytes, signed: bytes) -> str:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _bytes(body: bytes | str) -> bytes:
    return body.encode() if isinstance(body, str) else body
