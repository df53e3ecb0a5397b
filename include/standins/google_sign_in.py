"""How Google's stand-ins let somebody in: a service account's key file, and tokens for what it signs (RFC 7523)."""

import time
from collections.abc import Mapping
from functools import cache
from urllib.parse import parse_qs

import google.auth.exceptions
import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt as signed
from starlette.responses import Response

from include.standins.google_core import issue_token
from include.standins.kit import Context, Json, Store

ROBOT = "audienceflow@standin.iam.gserviceaccount.com"
AUDIENCE = "https://oauth2.googleapis.com/token"  # what Google's libraries sign for, wherever they ask
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def make_key(store: Store, platform: str) -> None:
    """A key of the platform's service account, kept as the setting ``<platform>.key``."""
    store.set_setting(f"{platform}.key", dict(_key()))


@cache
def _key() -> Mapping[str, str]:
    """One a process is enough: making one takes a tenth of a second."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return {"private": private.decode(), "public": public.decode()}


def key_file(store: Store, platform: str, base_url: str) -> str:
    """The JSON file that the Cloud console would give out; it names where tokens are had."""
    key = {
        "type": "service_account",
        "project_id": "standin",
        "private_key_id": "1",
        "private_key": store.get_setting(f"{platform}.key")["private"],
        "client_email": ROBOT,
        "token_uri": f"{base_url}/token",
    }
    return orjson.dumps(key).decode()


def sign_in(context: Context, platform: str, scope: str, url: str, raw: bytes) -> Response:
    """An assertion signed with the service account's key for an access token of an hour."""
    form = {name: values[0] for name, values in parse_qs(raw.decode("latin-1")).items()}
    public = context.store.get_setting(f"{platform}.key")["public"]
    if form.get("grant_type") != GRANT:
        return Json({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
    try:
        claims = signed.decode(form.get("assertion", ""), certs=public, audience=[AUDIENCE, url])
    except (ValueError, google.auth.exceptions.GoogleAuthError):
        return Json({"error": "invalid_grant", "error_description": "Invalid JWT Signature."}, 400)
    if claims.get("iss") != ROBOT or scope not in str(claims.get("scope", "")).split():
        return Json({"error": "invalid_scope", "error_description": "Invalid OAuth scope or ID token audience."}, 400)
    token = issue_token(context.tokens[platform], time.time())
    return Json({"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
