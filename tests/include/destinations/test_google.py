"""Google, against its stand-in: what is special to it; what every destination shows is in the contract suite."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from requests import Response

from include.destinations.base import Audience, Member
from include.destinations.google import GoogleDestination
from include.destinations.google_api import classify, read_job, write_job
from include.errors import (
    AudienceflowError,
    AuthError,
    BatchRefusedError,
    ConfigError,
    FatalError,
    QuotaError,
    RetriableError,
)
from tests.conformance_discovery import check_discovery
from tests.standins import Standins

REASON = "PROCESSING_ERROR_REASON_"
NOTHING = b"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def google(empty_standins: Standins) -> GoogleDestination:
    """An account without user lists."""
    return connected(empty_standins)


def connected(standins: Standins, **more: Any) -> GoogleDestination:
    account = standins.account("google")
    known = {"terms": "ACCEPTED", "login_account_id": account["login_account_id"], "tries": 2, **more}
    return GoogleDestination(account["base_url"], account["token"], account["account_id"], **known)


def audience(google: GoogleDestination, key: str = "vip", **options: Any) -> Audience:
    wanted = Audience(1, "google", key, "segment", "ads", options)
    return replace(wanted, remote_id=google.open_audience(wanted))


def people(google: GoogleDestination, *addresses: str, first: int = 0, **columns: str) -> list[Member]:
    named = [google.identify({"email": address, "phone": None, **columns}) or {} for address in addresses]
    return [Member(row, identifiers) for row, identifiers in enumerate(named, first)]


def held(standins: Standins, key: str = "vip") -> list[Mapping[str, str]]:
    return standins.members("google")[key]


def bodies(standins: Standins, verb: str) -> list[dict[str, Any]]:
    return [orjson.loads(one.body) for one in standins.recorded("google", path=f"%audienceMembers:{verb}")]


def test_a_list_is_made_once_found_by_its_exact_name_and_kept_when_renamed(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    odd = 'say "hi" \\ twice'
    first = audience(google, odd, membership_days=30, description="d")
    audience(google, "say")
    assert audience(google, odd).remote_id == first.remote_id
    [made] = [
        one["body"] for one in empty_standins.documents("google", "list").values() if one["id"] == first.remote_id
    ]
    assert (made["displayName"], made["membershipDuration"], made["description"]) == (odd, "2592000s", "d")
    empty_standins.put("google", "list", {"id": first.remote_id, "body": {**made, "displayName": "renamed"}})
    assert google.has_audience(first)
    assert not google.has_audience(replace(first, remote_id="1"))


def test_a_list_the_file_names_is_used_and_a_wrong_one_is_said(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    known = audience(google)
    assert audience(google, "other name", list_id=known.remote_id).remote_id == known.remote_id
    with pytest.raises(ConfigError, match="no user list 4711 in this account; correct list_id"):
        audience(google, list_id="4711")
    [document] = empty_standins.documents("google", "list").values()
    mobile = {**document["body"], "ingestedUserListInfo": {"uploadKeyTypes": ["MOBILE_ID"]}}
    empty_standins.put("google", "list", {"id": known.remote_id, "body": mobile})
    with pytest.raises(ConfigError, match="takes no contacts"):
        audience(google)


@pytest.mark.parametrize("days", [0, 541, "30", 1.5])
def test_a_membership_the_platform_does_not_take_is_a_mistake_of_the_file(google: GoogleDestination, days: Any) -> None:
    with pytest.raises(ConfigError, match="whole days from 1 to 540"):
        audience(google, membership_days=days)


def test_nothing_can_be_sent_unless_the_terms_are_accepted() -> None:
    with pytest.raises(ConfigError, match="Customer Match terms"):
        GoogleDestination("http://localhost", "token", "1")


def test_each_member_carries_its_consent_and_a_removal_names_all_that_was_sent(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip = audience(google)
    known = {"phone": "+4930123456", "first_name": "Mary", "last_name": "Ott", "country": "de", "postcode": "10115"}
    both = people(google, "a@x.example", **known) + people(google, "b@x.example", first=1)
    google.add(vip, both)
    [sent] = bodies(empty_standins, "ingest")
    granted = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
    assert [one["consent"] for one in sent["audienceMembers"]] == [granted, granted]
    assert (sent["encoding"], sent["termsOfService"]) == ("HEX", {"customerMatchTermsOfServiceStatus": "ACCEPTED"})
    assert len(held(empty_standins)) == 4
    google.remove(vip, both[:1])
    assert held(empty_standins) == [{"EMAIL": both[1].identifiers["email"]}]
    said = b"".join(one.body for one in empty_standins.recorded("google"))
    assert NOTHING not in said
    assert b"x.example" not in said
    assert b"mary" not in said.lower()


def test_base64_means_the_same_people(empty_standins: Standins) -> None:
    plain, google = connected(empty_standins), connected(empty_standins, encoding="BASE64")
    vip, member = audience(google), people(google, "a@x.example")
    assert google.add(vip, member).exceptions == ()
    assert held(empty_standins) == [{"EMAIL": member[0].identifiers["email"]}]
    plain.remove(vip, member)
    assert held(empty_standins) == []


def test_pain_30_records_that_refuse_the_request_are_named_and_the_others_delivered_with_one_call_more(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip, bad = audience(google), {0, 17, 654, 999}
    rows = [Member(row, {"email": "no hash" if row in bad else f"{row + 1:064x}"}) for row in range(1_000)]
    empty_standins.forget_requests()
    answer = google.add(vip, rows)
    assert {one.row: (one.outcome, one.code) for one in answer.exceptions} == dict.fromkeys(
        sorted(bad), ("rejected", "invalid_hex_encoding")
    )
    assert len(held(empty_standins)) == 996
    assert len(empty_standins.recorded("google")) == 2
    empty_standins.advance(60)
    empty_standins.settings({"google.refused": {f"{999:064x}": REASON + "INVALID_FORMAT"}})
    again = google.add(vip, [row for row in rows if row.row not in bad])
    empty_standins.advance(60)
    result = google.confirm(vip, again.job_id or "")
    assert [(one.row, one.code) for one in result.exceptions] == [(998, "invalid_format")]  # rows, not places


def test_records_that_stay_bad_are_left_to_the_ledger_s_halving(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip = audience(google)
    rows = [Member(row, {"email": "no hash"}) for row in range(450)]  # a refusal names a hundred fields at most
    with pytest.raises(BatchRefusedError):
        google.add(vip, rows)
    assert held(empty_standins) == []


@pytest.mark.parametrize(
    ("reason", "adding", "removing"),
    [
        ("DENIED_CONSENT", "rejected", "debt"),
        ("UNKNOWN_CONSENT", "rejected", "debt"),
        ("INVALID_FORMAT", "rejected", None),  # nobody whom Google cannot read is in the list
        ("INTERNAL_ERROR", "retriable", "retriable"),
    ],
)
def test_pain_04_who_failed_while_the_request_was_worked_off_is_named_with_the_reason(
    google: GoogleDestination, empty_standins: Standins, reason: str, adding: str, removing: str | None
) -> None:
    vip, three = audience(google), people(google, "a@x.example", "b@x.example", "c@x.example")
    refused = {three[1].identifiers["email"]: REASON + reason}
    empty_standins.settings({"google.refused": refused, "google.request_seconds": 30})
    for call, outcome in ((google.add, adding), (google.remove, removing)):
        job = call(vip, three).job_id or ""
        assert google.confirm(vip, job) is None
        empty_standins.advance(60)
        result = google.confirm(vip, job)
        told = [(1, outcome, reason.lower())] if outcome else []
        assert [(one.row, one.outcome, one.code) for one in result.exceptions] == told


def test_a_failure_that_names_nobody_has_everybody_sent_once_more(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip, two = audience(google), people(google, "a@x.example", "b@x.example")
    empty_standins.settings(
        {"google.unnamed": True, "google.refused": {two[0].identifiers["email"]: REASON + "INVALID_FORMAT"}}
    )
    job = google.add(vip, two).job_id or ""
    empty_standins.advance(60)
    assert [(one.row, one.outcome) for one in google.confirm(vip, job).exceptions] == [
        (0, "retriable"),
        (1, "retriable"),
    ]


def test_a_request_the_platform_forgot_has_its_people_sent_once_more(google: GoogleDestination) -> None:
    vip = audience(google)
    result = google.confirm(vip, "rejected:" + write_job("gone", [3, 4, 5, 9]))
    assert [(one.row, one.outcome) for one in result.exceptions] == [(row, "retriable") for row in (3, 4, 5, 9)]


@pytest.mark.parametrize("rows", [[0], [0, 1, 2], [5, 7, 8, 9, 12], list(range(1, 10_000, 3))])
def test_the_rows_of_a_request_come_back_from_its_job(rows: list[int]) -> None:
    assert read_job(write_job("id/with-dash", rows)) == ("id/with-dash", rows)


def test_validation_only_changes_nobody_and_acknowledges_nobody(empty_standins: Standins) -> None:
    google = connected(empty_standins, validate=True)
    vip = audience(google)
    answer = google.add(vip, [*people(google, "a@x.example"), Member(1, {"email": "no hash"})])
    assert [(one.row, one.outcome, one.code) for one in answer.exceptions] == [
        (1, "rejected", "invalid_hex_encoding"),
        (0, "retriable", "validated_only"),
    ]
    assert held(empty_standins) == []
    assert {one["validateOnly"] for one in bodies(empty_standins, "ingest")} == {True}


def test_a_token_is_exchanged_once_for_many_calls_and_a_refused_key_stops_at_once(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    for number in range(3):
        audience(google, f"audience {number}")
    assert len(empty_standins.recorded("google", path="%/token")) == 1
    key = orjson.loads(empty_standins.account("google")["token"])
    stranger = {**key, "client_email": "stranger@x.iam.gserviceaccount.com"}
    account = empty_standins.account("google")
    other = GoogleDestination(account["base_url"], orjson.dumps(stranger).decode(), "1", terms="ACCEPTED", tries=1)
    empty_standins.forget_requests()
    with pytest.raises(AuthError, match="key is refused"):
        audience(other)
    assert [one.path for one in empty_standins.recorded("google")] == ["/google/token"]


def test_a_key_file_that_is_none_is_a_mistake_of_the_connection() -> None:
    with pytest.raises(ConfigError, match="whole content of the JSON file") as caught:
        GoogleDestination("http://localhost", '{"private_key": "canary"}', "1", terms="ACCEPTED")
    assert "canary" not in repr(caught.value.__cause__) + str(caught.value)


def test_an_account_the_credentials_may_not_change_is_said_with_its_mend(empty_standins: Standins) -> None:
    account = empty_standins.account("google")
    google = GoogleDestination(account["base_url"], account["token"], "999-999-9999", terms="ACCEPTED", tries=1)
    with pytest.raises(AuthError, match="login_account_id"):
        audience(google)


def test_pain_12_a_list_that_takes_no_change_makes_removals_a_debt_and_additions_an_error(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip, two = audience(google), people(google, "a@x.example", "b@x.example")
    google.add(vip, two)
    empty_standins.settings({"google.sensitive_lists": ["vip"]})
    refused = google.remove(vip, two).exceptions
    assert [(one.outcome, one.code) for one in refused] == [("debt", "sensitive_user_list_immutable")] * 2
    with pytest.raises(FatalError, match="SENSITIVE_USER_LIST_IMMUTABLE"):
        google.add(vip, two)


def test_a_check_reads_the_account_and_changes_nothing(google: GoogleDestination, empty_standins: Standins) -> None:
    checked = google.check()
    assert (checked.account, checked.limits["calls a minute"], checked.missing) == ("1234567890", 300, ())
    assert {one.method for one in empty_standins.recorded("google", path="%/v1/%")} == {"GET"}


def test_the_limit_of_a_minute_is_answered_with_the_time_to_wait(
    google: GoogleDestination, empty_standins: Standins
) -> None:
    vip = audience(google)
    empty_standins.faults({"platform": "google", "kind": "throttle", "seconds": 0.2, "next": 2})
    empty_standins.forget_requests()
    assert google.has_audience(vip)
    first, second, third = [one.at for one in empty_standins.recorded("google")]
    assert min(second - first, third - second) >= 0.2


def answered(status: int, name: str, *details: Mapping[str, Any]) -> Response:
    response = Response()
    response.status_code = status
    shown = [{**one, "@type": f"type.googleapis.com/google.rpc.{one['@type']}"} for one in details]
    response._content = orjson.dumps({"error": {"code": status, "message": "m", "status": name, "details": shown}})
    return response


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (answered(401, "UNAUTHENTICATED"), AuthError, "UNAUTHENTICATED"),
        (answered(403, "PERMISSION_DENIED"), AuthError, "PERMISSION_DENIED"),
        (answered(404, "NOT_FOUND"), FatalError, "NOT_FOUND"),
        (answered(400, "INVALID_ARGUMENT"), FatalError, "INVALID_ARGUMENT"),
        (answered(409, "ABORTED"), RetriableError, "ABORTED"),
        (answered(500, "INTERNAL"), RetriableError, "INTERNAL"),
        (answered(503, "UNAVAILABLE"), RetriableError, "UNAVAILABLE"),
        (answered(504, "DEADLINE_EXCEEDED"), RetriableError, "DEADLINE_EXCEEDED"),
        (
            answered(400, "INVALID_ARGUMENT", {"@type": "ErrorInfo", "reason": "TERMS_AND_CONDITIONS_NOT_SIGNED"}),
            FatalError,
            "TERMS_AND_CONDITIONS_NOT_SIGNED",
        ),
    ],
)
def test_errors_are_sorted_by_the_status_and_its_reason(answer: Response, kind: type[Exception], code: str) -> None:
    error = classify(answer)
    assert type(error) is kind
    assert error.code == code


def test_a_wrong_request_is_not_blamed_on_its_records() -> None:
    fields = [{"field": "audience_members[3].user_data", "reason": "INVALID_HEX_ENCODING"}, {"field": "encoding"}]
    both = classify(answered(400, "INVALID_ARGUMENT", {"@type": "BadRequest", "fieldViolations": fields}))
    records = classify(answered(400, "INVALID_ARGUMENT", {"@type": "BadRequest", "fieldViolations": fields[:1]}))
    assert (type(both), isinstance(records, BatchRefusedError)) == (FatalError, True)


def test_a_quota_waits_as_long_as_google_says_and_a_daily_one_until_midnight_in_california() -> None:
    limit = {"@type": "ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit": "IngestionPerDay"}}
    told = classify(answered(429, "RESOURCE_EXHAUSTED", limit, {"@type": "RetryInfo", "retryDelay": "7.5s"}))
    daily = classify(answered(429, "RESOURCE_EXHAUSTED", limit))
    assert isinstance(told, QuotaError)
    assert isinstance(daily, QuotaError)
    assert told.retry_after == 7.5
    assert 0 < daily.retry_after <= 25 * 3600


def test_pain_19_no_address_no_hash_and_no_secret_is_in_a_log_or_an_error(
    google: GoogleDestination, empty_standins: Standins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    vip, canaries = audience(google), people(google, "canary@x.example")
    google.add(vip, canaries)
    empty_standins.faults({"platform": "google", "kind": "error", "status": 400})
    with pytest.raises(AudienceflowError) as caught:
        google.add(vip, canaries)
    told = caplog.text + str(caught.value) + repr(caught.value.__context__) + repr(caught.value.__cause__)
    key = orjson.loads(empty_standins.account("google")["token"])["private_key"]
    for secret in ("canary", canaries[0].identifiers["email"], key[100:140], "ya29."):
        assert secret not in told


def test_requests_and_answers_keep_to_the_discovery_document(
    google: GoogleDestination, empty_standins: Standins, vendor_specs: str
) -> None:
    known = {"phone": "+4930123456", "first_name": "Mary", "last_name": "Ott", "country": "de", "postcode": "10115"}
    vip, one = audience(google, description="d"), people(google, "a@x.example", **known)
    for call in (google.add, google.remove):
        job = call(vip, one).job_id or ""
        google.confirm(vip, job)
        empty_standins.advance(60)
        google.confirm(vip, job)
    google.has_audience(replace(vip, remote_id="1"))
    recorded = [one for one in empty_standins.recorded("google") if not one.path.endswith("/token")]
    document = Path(vendor_specs) / "google-data-manager/datamanager.v1.discovery.json"
    assert len(recorded) == 9
    assert check_discovery(document, recorded, "/google") == []
