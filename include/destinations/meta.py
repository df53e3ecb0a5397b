"""Meta custom audiences: people added and removed by hashed identifiers.

Sources: Meta, "Custom Audiences" guide and the Graph API's CustomAudience node (read 2026-04).
At most 10,000 rows a call. Meta names no bad rows, it only counts them (``num_invalid_entries`` with a 200): they are
found by halving. Rate limits come as HTTP 400 with a code in the body, so the code decides, not the status.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import orjson
import requests

from include.destinations import normalise_meta as normal
from include.destinations.base import Answer, Audience, Checked, Exceptional, MatchRate, Member
from include.destinations.hashing import sha256_hex
from include.errors import (
    AudienceflowError,
    AuthError,
    FatalError,
    LostAnswerError,
    QuotaError,
    RejectedRow,
    RetriableError,
)
from include.http_client import JsonClient, retry_after
from include.limits import Limiter

VERSION = "v25.0"
SMALLEST_COUNT = 1_000  # Meta tells this number for every smaller audience
MAX_ROWS = 10_000  # the vendor's maximum a request
KEYS = {"email": "EMAIL", "phone": "PHONE"}
FIELD_KEYS = {"first_name": "FN", "last_name": "LN", "postcode": "ZIP", "country": "COUNTRY"}
THROTTLED = {4, 17, 32, 613, 80000, 80003, 80004, 80014}
EXPIRED = {102, 190, 463, 467}
TEMPORARY = {1, 2}
TERMS = 1_870_034  # subcode: the custom audience terms were not accepted
FLAGGED = 1_713_230  # subcode: the audience is flagged, changes are refused
GONE = {"33", "803"}  # subcode of 100, and code: no such object, or none for this token
TOO_SMALL = 1_870_145  # subcode: the audience would become too small


class MetaDestination:
    """Custom audiences of one ad account.

    :param base_url: ``https://graph.facebook.com``, with any path prefix.
    :param token: of a system user with ads_management.
    :param account_id: of the ad account, with or without ``act_``.
    """

    name = "meta"
    purpose: Literal["email", "ads"] = "ads"
    identifiers = ("email", "phone")
    fields = ("first_name", "last_name", "postcode", "country")
    identifier_version = 1
    field_version = 1
    batch_size = MAX_ROWS
    connections = 1  # Meta asks for one upload an audience at a time
    acknowledgement: Literal["row", "batch", "job", "none"] = "batch"

    def __init__(
        self, base_url: str, token: str, account_id: str, *, tries: int = 5, limiter: Limiter | None = None
    ) -> None:
        self._account = f"act_{str(account_id).removeprefix('act_')}"
        self._client = JsonClient(
            f"{base_url.rstrip('/')}/{VERSION}",
            headers={"Authorization": f"Bearer {token}"},
            classify=classify,
            tries=tries,
            limiter=limiter,
        )

    def check(self) -> Checked:
        """Whether the token opens the ad account with ads_management, and the audience terms were accepted.

        The account's audiences are listed with that scope only; a token of a system user does not end.
        """
        self._client.request("GET", f"/{self._account}/customaudiences", params={"fields": "id", "limit": 1})
        terms = self._client.request("GET", f"/{self._account}/customaudiencestos", params={"fields": "id,type"})
        accepted = {str(one.get("type")) for one in terms["data"]}
        missing = () if accepted else ("accept the custom audience terms of the ad account in the Ads Manager",)
        return Checked(self._account, ("ads_management",), {"rows a call": MAX_ROWS}, missing=missing)

    def open_audience(self, audience: Audience) -> str:
        """Find the custom audience of that name in the account, or make it.

        :raises FatalError: the account has not accepted the custom audience terms.
        """
        after: str | None = None
        while True:
            query = {"fields": "id,name", "limit": 100, **({"after": after} if after else {})}
            page = self._client.request("GET", f"/{self._account}/customaudiences", params=query)
            found = next((one["id"] for one in page["data"] if one.get("name") == audience.key), None)
            if found is not None:
                return str(found)
            paging = page.get("paging") or {}
            if not paging.get("next"):
                return self._create(audience)
            if paging["cursors"]["after"] == after:
                raise FatalError("A page of custom audiences came back twice; paging would never end.")
            after = paging["cursors"]["after"]

    def has_audience(self, audience: Audience) -> bool:
        """Whether the audience can be read. "No" may also mean that this token may not see it (any more)."""
        try:
            self._client.request("GET", f"/{audience.remote_id}", params={"fields": "id"})
        except FatalError as error:
            if error.code not in GONE:
                raise
            return False
        return True

    def _create(self, audience: Audience) -> str:
        body = {"name": audience.key, "subtype": "CUSTOM", "customer_file_source": "USER_PROVIDED_ONLY"}
        if audience.options.get("description"):
            body["description"] = audience.options["description"]
        made = self._client.request("POST", f"/{self._account}/customaudiences", json=body, repeatable=False)
        return str(made["id"])

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        """Hashes of e-mail and phone; a value that is a hash already is refused, its column is declared raw."""
        forms = {"email": normal.email(person["email"]), "phone": normal.phone(person["phone"])}
        hashed = {column: _hash(form) for column, form in forms.items() if form}
        return {column: value for column, value in hashed.items() if value} or None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Add rows; who is a member already stays one. Bad rows are found and named."""
        columns = [*KEYS, *FIELD_KEYS]
        return self._send("POST", audience, members, columns, "rejected")

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """The same call: Meta matches the further keys of a row to the same person."""
        return self.add(audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        """Remove rows by the hashes that were sent. What Meta refuses to remove becomes a debt."""
        try:
            return self._send("DELETE", audience, members, list(KEYS), "debt")
        except FatalError as error:
            if error.code not in (str(FLAGGED), str(TOO_SMALL)):
                raise
            text = "Meta refuses removals from this audience: it is flagged or would become too small"
            return Answer(tuple(Exceptional(member.row, "debt", str(error.code), text) for member in members))

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        """Whether the upload session has been worked off. Meta tells counts only: bad rows were found when sending."""
        found = self._client.request("GET", f"/{audience.remote_id}/sessions", params={"session_id": job_id})
        sessions = [one for one in found.get("data", []) if str(one.get("session_id")) == job_id]
        if not sessions:
            return None
        finished = "complete" in str(sessions[0].get("stage", "")).lower() or str(sessions[0].get("progress")) == "100"
        return Answer(job_id=job_id) if finished else None

    def match_rates(self, audience: Audience) -> Sequence[MatchRate]:
        """The range Meta tells for the whole audience. Nothing while it tells no number: empty, or below 1,000."""
        asked = {"fields": "approximate_count_lower_bound,approximate_count_upper_bound"}
        found = self._client.request("GET", f"/{audience.remote_id}", params=asked)
        low, high = (int(found.get(f"approximate_count_{bound}_bound", -1)) for bound in ("lower", "upper"))
        return [MatchRate("any", low, high)] if high > SMALLEST_COUNT and 0 <= low <= high else []

    def _send(
        self,
        method: str,
        audience: Audience,
        members: Sequence[Member],
        columns: list[str],
        outcome: Literal["rejected", "debt"],
    ) -> Answer:
        rows = [_row(member, columns) for member in members]
        session, invalid = self._upload(method, audience, rows, columns)
        bad = self._find(method, audience, rows, columns, 0, len(rows), invalid)
        text = "Meta counts this row as invalid"
        return Answer(
            tuple(Exceptional(members[place].row, outcome, "invalid_entry", text) for place in bad), job_id=session
        )

    def _find(
        self,
        method: str,
        audience: Audience,
        rows: list[list[str]],
        columns: list[str],
        first: int,
        last: int,
        invalid: int,
    ) -> list[int]:
        """Places of the bad rows in [first, last): one call a halving, the other half follows from the count."""
        if invalid == 0:
            return []
        if invalid >= last - first:
            return list(range(first, last))
        middle = (first + last) // 2
        _, left = self._upload(method, audience, rows[first:middle], columns)
        return self._find(method, audience, rows, columns, first, middle, left) + self._find(
            method, audience, rows, columns, middle, last, invalid - left
        )

    def _upload(self, method: str, audience: Audience, rows: list[list[str]], columns: list[str]) -> tuple[str, int]:
        """One request is one session of one batch: a repeat after a lost answer keeps its session and sequence."""
        session = secrets.randbits(62) + 1
        body = {
            "session": {
                "session_id": session,
                "batch_seq": 1,
                "last_batch_flag": True,
                "estimated_num_total": len(rows),
            },
            "payload": {"schema": [{**KEYS, **FIELD_KEYS}[column] for column in columns], "data": rows},
        }
        answer = self._client.request(method, f"/{audience.remote_id}/users", json=body)
        if int(answer["num_received"]) != len(rows):
            raise LostAnswerError(f"Meta received {answer['num_received']} of {len(rows)} rows.", code="num_received")
        return str(session), int(answer.get("num_invalid_entries", 0))


def _hash(form: str) -> str | None:
    try:
        return sha256_hex(form)
    except RejectedRow:
        return None


def _row(member: Member, columns: Sequence[str]) -> list[str]:
    """The member's cells: an unknown key is an empty string, never the hash of one."""
    fields = member.fields
    forms = {
        "first_name": normal.name(fields.get("first_name")),
        "last_name": normal.name(fields.get("last_name")),
        "postcode": normal.postcode(fields.get("postcode"), fields.get("country")),
        "country": normal.country(fields.get("country")),
    }
    hashed = {column: _hash(form) or "" for column, form in forms.items() if form}
    return [member.identifiers.get(column, hashed.get(column, "")) for column in columns]


def classify(response: requests.Response) -> AudienceflowError | None:
    """Meta's error table: by the code in the body. https://developers.facebook.com/docs/graph-api/guides/error-handling"""
    if response.status_code < 400:
        return None
    error = _error(response)
    code, subcode = error.get("code"), error.get("error_subcode")
    shown = str(subcode or code or response.status_code)
    told = f"answered {response.status_code}, code {code}, subcode {subcode}"
    if code in THROTTLED or response.status_code == 429:
        return QuotaError(f"{told}: the account's limit is used up.", retry_after=_regain(response), code=shown)
    if subcode == TERMS:
        return FatalError(f"{told}: accept the custom audience terms of the ad account in the Ads Manager.", code=shown)
    if code in EXPIRED or response.status_code == 401:
        return AuthError(f"{told}: the token is dead; put a new one into the Airflow connection.", code=shown)
    if code == 10 or (isinstance(code, int) and 200 <= code <= 299):
        return AuthError(f"{told}: the token lacks ads_management on this ad account.", code=shown)
    if code in TEMPORARY or error.get("is_transient") or response.status_code >= 500:
        return RetriableError(f"{told}.", retry_after=retry_after(response), code=shown)
    return FatalError(f"{told}: the request is refused.", code=shown)


def _error(response: requests.Response) -> dict[str, Any]:
    try:
        body = orjson.loads(response.content)
    except orjson.JSONDecodeError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def _regain(response: requests.Response) -> float | None:
    """Seconds until the account may call again: the longest wait any use case names, in minutes in the header."""
    try:
        usage = orjson.loads(response.headers.get("X-Business-Use-Case-Usage", "{}"))
        minutes = [case.get("estimated_time_to_regain_access", 0) for cases in usage.values() for case in cases]
    except (orjson.JSONDecodeError, AttributeError):
        return retry_after(response)
    return max(minutes) * 60.0 if minutes and max(minutes) > 0 else retry_after(response)
