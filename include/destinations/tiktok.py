"""TikTok custom audiences: files of hashed identifiers that are appended or removed.

Sources: the official SDK's operations (1.1.3) and descriptions, pages "Return codes", "Rate limits" (read 2026-11-21).
A change is two calls: the file is uploaded with its MD5, then named in an update, always with its action, because
without one the platform REPLACES everybody. It is worked off later, one change of an audience at a time, and there is
no job id: the audience's history tells, by the first entry of the kind after those that were there before. (The "apply
log" tells of ad groups, not of files.) A file that could be read in part is told as a whole. An audience can only be
made from a file: it begins with one hash that can be nobody's. A change that would leave fewer than 1,000 entries
fails: an audience that never had so many waits for more people, from one that shrank removals are debts. Answers are
HTTP 200; the code in the body decides.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
import requests

from include.destinations import normalise_tiktok as normal
from include.destinations import tiktok_files as files
from include.destinations.base import Answer, Audience, Checked, Exceptional, Member
from include.destinations.hashing import sha256_hex
from include.destinations.tiktok_history import HISTORY, Change, mark
from include.errors import (
    AudienceflowError,
    AuthError,
    ConfigError,
    FatalError,
    QuotaError,
    RejectedRow,
    RetriableError,
)
from include.http_client import JsonClient, by_status
from include.limits import Limiter, Rate

MAX_ROWS = 50_000  # ours: the vendor allows files of 1 GB; a file is in memory while it is sent
PAGE_SIZE = 100  # the vendor's maximum
LONGEST_NAME = 128
THROTTLED = {40016, 40100, 40132, 40133}
TOKEN_DEAD = {40101, 40102, 40103, 40104, 40105, 40106}
NO_PERMISSION = {40001, 40118, 40125}
GONE = "40007"
BUSY = {"40202", "40902", "40903", "40913"}  # "try again later": an earlier update is worked off
OVER = "over"  # the job of a batch of which nobody was sent


class TikTokDestination:
    """Custom audiences of one advertiser.

    :param base_url: ``https://business-api.tiktok.com``, with any path prefix.
    :param token: a long-term access token with audience management.
    :param advertiser_id: whose audiences they are.
    :param patience: seconds to wait for an audience that an earlier change keeps busy, before the rest is left to the
        next run.
    """

    name = "tiktok"
    purpose: Literal["email", "ads"] = "ads"
    identifiers = ("email", "phone")
    fields: tuple[str, ...] = ()
    identifier_version = 1
    field_version = 1
    batch_size = MAX_ROWS
    connections = 1  # one change of an audience at a time
    acknowledgement: Literal["row", "batch", "job", "none"] = "job"
    rates = (Rate(10, 1.0), Rate(600, 60.0), Rate(864_000, 86_400.0))  # the basic level

    def __init__(
        self,
        base_url: str,
        token: str,
        advertiser_id: str,
        *,
        tries: int = 5,
        limiter: Limiter | None = None,
        patience: float = 60.0,
    ) -> None:
        self._advertiser = str(advertiser_id)
        self._patience = patience
        self._client = JsonClient(
            f"{base_url.rstrip('/')}/open_api/v1.3/dmp/custom_audience",
            headers={"Access-Token": token},
            classify=classify,
            tries=tries,
            limiter=limiter,
        )

    def open_audience(self, audience: Audience) -> str:
        """The advertiser's own customer file audience of that name, or a new one.

        :raises ConfigError: the name is too long, or the audience of that name takes other files than ours.
        """
        if len(audience.key) > LONGEST_NAME:
            raise ConfigError(f"{audience.segment}: TikTok takes names of at most {LONGEST_NAME} characters.")
        page = 1
        while True:
            query = {"advertiser_id": self._advertiser, "page": page, "page_size": PAGE_SIZE}
            answer = self._call("GET", "/list/", params=query)
            for found in answer.get("list") or ():
                if found.get("name") == audience.key and found.get("is_creator", True):
                    return _usable(found)
            if page >= int((answer.get("page_info") or {}).get("total_page", 1)):
                return self._create(audience)
            page += 1

    def has_audience(self, audience: Audience) -> bool:
        """Whether the advertiser still has it: an audience nobody uses for a year expires."""
        try:
            return bool(self._read(audience, history=1))
        except FatalError as error:
            if error.code != GONE:
                raise
            return False

    def check(self) -> Checked:
        """Whether the token opens the advertiser's audiences."""
        self._call("GET", "/list/", params={"advertiser_id": self._advertiser, "page": 1, "page_size": 1})
        return Checked(account=self._advertiser, limits={"calls a second": 10, "calls a minute": 600})

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """Hashes of e-mail and phone; a value that is a hash already is refused, its column is declared raw."""
        forms = {"email": normal.email(person["email"]), "phone": normal.phone(person["phone"])}
        hashed = {column: _hash(form) for column, form in forms.items() if form}
        return {column: value for column, value in hashed.items() if value} or None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Append identifiers; those the audience holds already are passed over."""
        return self._change(audience, members, "APPEND")

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same: there are no fields."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Take out by the hashes that were sent."""
        return self._change(audience, members, "REMOVE")

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """What the audience's history says of a change; None while it is worked on."""
        if job_id == OVER:
            return Answer(job_id=job_id)
        found = self._read(audience, history=HISTORY)
        return Change.read(job_id).result(job_id, found) if found else None

    def _change(self, audience: Audience, members: Sequence[Member], action: str) -> Answer:
        """One file, one update. What is no hash is never sent."""
        good = [member for member in members if files.is_sendable(member)]
        bad = [member for member in members if not files.is_sendable(member)]
        text = "an identifier is not the hash it should be"
        exceptions = tuple(Exceptional(member.row, "rejected", "not_a_hash", text) for member in bad)
        if not good:
            return Answer(exceptions, job_id=OVER)
        stood = self._update(audience, action, self._upload(files.content(good)))
        if stood is None:
            busy = "an earlier change of the audience is not worked off yet"
            left = tuple(Exceptional(member.row, "retriable", "busy", busy) for member in good)
            return Answer((*exceptions, *left), job_id=OVER)
        entries = sum(len(member.identifiers) for member in good)
        change = Change(action, *stood, rows=max(member.row for member in good) + 1, entries=entries)
        return Answer(exceptions, job_id=change.text())

    def _update(self, audience: Audience, action: str, path: str) -> tuple[str, int] | None:
        """Begin the change; where the history stood just before. None: an earlier change keeps the audience busy."""
        body = {
            "advertiser_id": self._advertiser,
            "custom_audience_id": audience.remote_id,
            "action": action,  # left out, it would be REPLACE
            "file_paths": [path],
        }
        deadline, pause = time.monotonic() + self._patience, 0.25
        while True:
            stood = mark((self._read(audience, history=HISTORY) or {}).get("audience_history") or [])
            try:
                self._client.request("POST", "/update/", json=body)
            except FatalError as error:
                if error.code not in BUSY:
                    raise
            else:
                return stood
            if time.monotonic() + pause > deadline:
                return None
            time.sleep(pause)
            pause = min(2 * pause, 10.0)

    def _upload(self, content: bytes) -> str:
        fields = {"advertiser_id": self._advertiser, "calculate_type": files.CALCULATE_TYPE}
        body, content_type = files.form(fields, content)
        answer = self._call("POST", "/file/upload/", form=body, headers={"Content-Type": content_type})
        return str(answer["file_path"])

    def _create(self, audience: Audience) -> str:
        body = {
            "advertiser_id": self._advertiser,
            "custom_audience_name": audience.key,
            "calculate_type": files.CALCULATE_TYPE,
            "file_paths": [self._upload(files.NOBODY)],
        }
        return str(self._call("POST", "/create/", json=body, repeatable=False)["custom_audience_id"])

    def _read(self, audience: Audience, *, history: int) -> dict[str, Any] | None:
        query = {
            "advertiser_id": self._advertiser,
            "custom_audience_ids": orjson.dumps([audience.remote_id]).decode(),
            "history_size": history,
        }
        found = self._call("GET", "/get/", params=query).get("list") or []
        return found[0] if found else None

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
        except FatalError as error:
            if error.code in BUSY:
                raise RetriableError(str(error.args[0]), code=error.code) from None
            raise
        return answer.get("data") or {}


def _usable(found: Mapping[str, Any]) -> str:
    if found.get("calculate_type") != files.CALCULATE_TYPE:
        raise ConfigError(
            f"TikTok's audience of this name takes files of type {found.get('calculate_type')}, not of "
            f"{files.CALCULATE_TYPE}: rename it in the Ads Manager, or give ours another name in the front matter."
        )
    return str(found["audience_id"])


def _hash(form: str) -> str | None:
    try:
        return sha256_hex(form)
    except RejectedRow:
        return None


def classify(response: requests.Response) -> AudienceflowError | None:
    """TikTok's error table: by the code in the body. https://business-api.tiktok.com/portal/docs?id=1737172488964097"""
    code, request_id = _code(response)
    if code is None or (code == 0 and response.status_code >= 400):
        return by_status(response)
    if code == 0:
        return None
    told = f"answered code {code}{f', request {request_id}' if request_id else ''}"
    if code in THROTTLED or response.status_code == 429:
        return QuotaError(f"{told}: the app's limit is used up.", code=str(code))
    if code in TOKEN_DEAD:
        return AuthError(f"{told}: the token is dead; put a new one into the Airflow connection.", code=str(code))
    if code in NO_PERMISSION:
        return AuthError(f"{told}: the token may not manage this advertiser's audiences.", code=str(code))
    if code >= 50_000:
        return RetriableError(f"{told}.", code=str(code))
    return FatalError(f"{told}: the request is refused.", code=str(code))


def _code(response: requests.Response) -> tuple[int | None, str]:
    """The code of the envelope, None when there is none, and the request's id."""
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return None, ""
    if not isinstance(body, dict) or not isinstance(body.get("code"), int):
        return None, ""
    request_id = str(body.get("request_id") or "")
    return body["code"], request_id if re.fullmatch(r"[0-9A-Za-z_-]{1,64}", request_id) else ""
