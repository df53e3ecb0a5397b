"""What audiences and conversions share at Google's Data Manager API: calls, errors, the results of requests.

Sources: Data Manager API v1, discovery document of 2026-11-06; guides "Understand API errors", "Diagnostics", "Limits
and quotas" (read 2026-11). Fast fail: one bad record refuses the whole request, and nothing of it is applied; the
refusal names fields of records, by position. So the named ones are left out and the rest is sent again. A 200 only
means taken: what became of each record is asked for later, by the request's id.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson
import requests

from include.destinations.base import Answer, Exceptional
from include.errors import (
    AudienceflowError,
    AuthError,
    BatchRefusedError,
    FatalError,
    LostAnswerError,
    QuotaError,
    RetriableError,
)
from include.google_auth import GoogleAuth
from include.http_client import JsonClient, retry_after
from include.limits import Limiter, Rate

SCOPE = "https://www.googleapis.com/auth/datamanager"
GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
CONNECTIONS = 4  # the platform sets none; 300 calls a minute are kept busy by fewer
RATES = (  # a Cloud project
    Rate(300, 60.0, only="audienceMembers|events|requestStatus"),
    Rate(300, 60.0, only="userLists"),
    Rate(100_000, 86_400.0, only="audienceMembers|events|requestStatus"),
    Rate(50_000, 86_400.0, only="userLists"),
)
ROUNDS = 3  # times the named records are left out and the rest is sent again; then the ledger halves the batch
TERMS = {
    "TERMS_AND_CONDITIONS_NOT_SIGNED",
    "DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
    "PROCESSING_ERROR_REASON_DESTINATION_ACCOUNT_ENHANCED_CONVERSIONS_TERMS_NOT_SIGNED",
}
TEMPORARY = {"UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "UNKNOWN"}
INTERNAL = "PROCESSING_ERROR_REASON_INTERNAL_ERROR"
NO_REASON = "PROCESSING_ERROR_REASON_UNSPECIFIED"
GONE = {"NOT_FOUND", "INVALID_REQUEST_ID"}
_RECORD = re.compile(r"(?:audience_?[mM]embers|events)\[(\d+)\]")
_QUOTA_DAY = ZoneInfo("America/Los_Angeles")  # Google counts daily quotas from midnight there


class RecordsRefusedError(BatchRefusedError):
    """A request refused because of records it names.

    :ivar reasons: the platform's reason, by the record's position in the request.
    """

    reasons: Mapping[int, str] = {}


@dataclass(frozen=True)
class Account:
    """Where calls go: the account that is changed, and the manager account whose user the credentials are, if any."""

    operating_id: str
    login_id: str | None = None
    account_type: str = "GOOGLE_ADS"

    def destination(self, product_destination_id: str) -> dict[str, Any]:
        """The ``Destination`` of a request: a user list or a conversion action of the account."""
        login = {"loginAccount": self._product(self.login_id)} if self.login_id else {}
        operating = self._product(self.operating_id)
        return {"operatingAccount": operating, **login, "productDestinationId": product_destination_id}

    def _product(self, id: str) -> dict[str, str]:
        return {"accountType": self.account_type, "accountId": digits(id)}

    @property
    def path(self) -> str:
        return f"/v1/accountTypes/{self.account_type}/accounts/{digits(self.operating_id)}"

    @property
    def headers(self) -> dict[str, str]:
        """What the calls about user lists carry instead of a ``Destination``."""
        login = f"accountTypes/{self.account_type}/accounts/{digits(self.login_id)}" if self.login_id else None
        return {"login-account": login} if login else {}


def digits(account_id: str) -> str:
    """An account's number as the API takes it: people write ``123-456-7890``."""
    return str(account_id).replace("-", "").strip()


def make_client(base_url: str, secret: str, *, tries: int, limiter: Limiter | None) -> JsonClient:
    """A client of the API; ``secret`` as :class:`GoogleAuth` takes it."""
    return JsonClient(
        base_url,
        auth=GoogleAuth(secret, SCOPE),
        classify=classify,
        tries=tries,
        connections=CONNECTIONS,
        limiter=limiter,
    )


def send(
    client: JsonClient,
    path: str,
    body: Mapping[str, Any],
    key: str,
    records: Mapping[int, Any],
    *,
    rounds: int = ROUNDS,
) -> tuple[Answer, Mapping[int, str]]:
    """One request; records the platform names as bad are left out.

    :param key: the field of the body that lists the records, ``audienceMembers`` or ``events``.
    :param records: by row of the batch.
    :param rounds: times the named ones are left out; a refusal names about a hundred.
    :returns: the answer, whose ``job_id`` names the request and its rows; and the refused rows with their reasons.
    :raises BatchRefusedError: still refused because of a record after so many rounds; nothing was applied.
    """
    left, refused = dict(records), dict[int, str]()
    for round in range(rounds + 1):
        if not left:
            return Answer(), refused
        rows = list(left)
        try:
            answer = client.request("POST", path, json={**body, key: list(left.values())})
        except RecordsRefusedError as error:
            named = {rows[place]: reason for place, reason in error.reasons.items() if place < len(rows)}
            if round == rounds or not named:
                raise
            refused |= named
            left = {row: record for row, record in left.items() if row not in named}
            continue
        request_id = (answer or {}).get("requestId")
        if not request_id and not body.get("validateOnly"):
            raise LostAnswerError(f"POST {path}: answered without a request id.", code="request_id")
        return Answer(job_id=write_job(request_id, rows) if request_id else None, request_id=request_id), refused
    raise AssertionError("unreachable: the last round raises")


def write_job(request_id: str, rows: Sequence[int]) -> str:
    """A request and the rows of the batch it carried, in their order: ``id/0-6,8``. Its status names rows by place."""
    parts: list[list[int]] = []
    for row in rows:
        if parts and parts[-1][1] == row - 1:
            parts[-1][1] = row
        else:
            parts.append([row, row])
    return f"{request_id}/{','.join(str(a) if a == b else f'{a}-{b}' for a, b in parts)}"


def read_job(job_id: str) -> tuple[str, list[int]]:
    """The request's id and its rows."""
    request_id, _, spans = job_id.rpartition("/")
    rows: list[int] = []
    for span in spans.split(","):
        first, _, last = span.partition("-")
        rows += range(int(first), int(last or first) + 1)
    return request_id, rows


def result(
    client: JsonClient, job_id: str, refusal: Literal["rejected", "debt"], accepted: frozenset[str] = frozenset()
) -> Answer | None:
    """What became of the records of one request, or None while it is worked on.

    :param refusal: the outcome of a record that is refused for good.
    :param accepted: reasons that mean the platform has the record already.
    """
    request_id, rows = read_job(job_id)
    try:
        told = client.request("GET", "/v1/requestStatus:retrieve", params={"requestId": request_id})
    except FatalError as error:
        if error.code not in GONE:
            raise
        return _everybody(rows, "retriable", "request_gone", "Google no longer knows the request", request_id)
    statuses = (told or {}).get("requestStatusPerDestination") or [{}]
    state = statuses[0].get("requestStatus", "REQUEST_STATUS_UNKNOWN")
    if state in ("PROCESSING", "REQUEST_STATUS_UNKNOWN"):
        return None
    counts = (statuses[0].get("errorInfo") or {}).get("errorCounts") or []
    if state == "SUCCESS":
        return Answer(request_id=request_id)
    named = {place: count["reason"] for count in counts for place in count.get("recordIndices", ())}
    if state == "FAILED" and len(named) < len(rows):
        reason = max(counts, key=lambda count: int(count["recordCount"]))["reason"] if counts else NO_REASON
        named = {place: named.get(place, reason) for place in range(len(rows))}
    if len(named) < sum(int(count["recordCount"]) for count in counts) or not named:
        # Some failed and it is not told who: all are sent once more, which the calls allow.
        return _everybody(
            rows, "retriable", "not_named", "Google says that some of a request failed, not who", request_id
        )
    return Answer(tuple(_exceptions(rows, named, refusal, accepted)), request_id=request_id)


def _exceptions(
    rows: Sequence[int], named: Mapping[int, str], refusal: Literal["rejected", "debt"], accepted: frozenset[str]
) -> list[Exceptional]:
    kept = sorted((place, reason) for place, reason in named.items() if place < len(rows) and reason not in accepted)
    return [_exceptional(rows[place], reason, refusal) for place, reason in kept]


def _exceptional(row: int, reason: str, refusal: Literal["rejected", "debt"]) -> Exceptional:
    code = reason.removeprefix("PROCESSING_ERROR_REASON_").lower()
    if reason in (INTERNAL, NO_REASON):
        return Exceptional(row, "retriable", code, "Google failed to process this record")
    return Exceptional(row, refusal, code, "Google refuses this record")


def refusals(reasons: Mapping[int, str], outcome: Literal["rejected", "debt"]) -> tuple[Exceptional, ...]:
    """The rows that a request's refusal named."""
    return tuple(
        Exceptional(row, outcome, reason.lower(), "Google refuses this record")
        for row, reason in sorted(reasons.items())
    )


def only_validated(rows: Iterable[int]) -> tuple[Exceptional, ...]:
    """Rows the platform found good and did not take, as it was asked."""
    return tuple(
        Exceptional(row, "retriable", "validated_only", "validated, not sent: the connection says validate")
        for row in sorted(rows)
    )


def _everybody(rows: Sequence[int], outcome: Literal["retriable"], code: str, text: str, request_id: str) -> Answer:
    return Answer(tuple(Exceptional(row, outcome, code, text) for row in rows), request_id=request_id)


def classify(response: requests.Response) -> AudienceflowError | None:
    """The error table by google.rpc.Status. https://developers.google.com/data-manager/api/devguides/concepts/understand-errors"""
    if response.status_code < 400:
        return None
    status, details = _read(response)
    reason = str(details.get("ErrorInfo", {}).get("reason") or status)
    told = f"answered {response.status_code}, {status}" + (f", {reason}" if reason != status else "")
    if status == "RESOURCE_EXHAUSTED" or response.status_code == 429:
        return _quota(told, details, response)
    if status == "UNAUTHENTICATED" or response.status_code == 401:
        return AuthError(f"{told}: the credentials are refused; check the Airflow connection.", code=reason)
    if status == "PERMISSION_DENIED" or response.status_code == 403:
        return AuthError(
            f"{told}: the credentials may not change this account; give them access to it in Google Ads, and name the "
            "manager account in the connection's login_account_id if they belong to one.",
            code=reason,
        )
    if status in TEMPORARY or response.status_code in (408, 409) or response.status_code >= 500:
        return RetriableError(f"{told}.", retry_after=_delay(details) or retry_after(response), code=reason)
    if reason in TERMS:
        return FatalError(f"{told}: accept the terms in the Google Ads account first.", code=reason)
    return _refused(told, reason, details)


def _refused(told: str, reason: str, details: Mapping[str, Any]) -> FatalError:
    named: dict[int, str] = {}
    violations = details.get("BadRequest", {}).get("fieldViolations", ())
    fields = [(_RECORD.search(str(one.get("field", ""))), one) for one in violations]
    for found, one in fields:
        if found:
            named.setdefault(int(found[1]), str(one.get("reason") or reason))
    if not named or any(found is None for found, _ in fields):  # the request itself is wrong, not only records of it
        return FatalError(f"{told}: the request is refused.", code=reason)
    error = RecordsRefusedError(f"{told}: {len(named)} records are refused, and with them the request.", code=reason)
    error.reasons = named
    return error


def _quota(told: str, details: Mapping[str, Any], response: requests.Response) -> QuotaError:
    limit = str(details.get("ErrorInfo", {}).get("metadata", {}).get("quota_limit", ""))
    wait = _delay(details) or retry_after(response)
    if wait is None and "day" in limit.lower():
        wait = _until_midnight(datetime.now(UTC))
    return QuotaError(
        f"{told}: the quota {limit or 'of the project'} is used up.", retry_after=wait, code=limit or "429"
    )


def _until_midnight(now: datetime) -> float:
    there = now.astimezone(_QUOTA_DAY)
    return (datetime.combine(there.date() + timedelta(days=1), datetime.min.time(), _QUOTA_DAY) - there).total_seconds()


def _delay(details: Mapping[str, Any]) -> float | None:
    """Seconds of ``RetryInfo.retryDelay``, written as ``12.5s``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)s", str(details.get("RetryInfo", {}).get("retryDelay", "")))
    return float(found[1]) if found else None


def _read(response: requests.Response) -> tuple[str, dict[str, Any]]:
    """The status's name, and its details by the name of their type."""
    try:
        error = orjson.loads(response.content)["error"]
        details = {str(one["@type"]).rpartition(".")[2]: one for one in error.get("details", ())}
        return str(error["status"]), details
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return str(response.status_code), {}
