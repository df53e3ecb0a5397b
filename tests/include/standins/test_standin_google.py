"""Google's stand-in is no gentler than the platform: schema, maxima, access, quota, requests that take their time."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from include.destinations.google_api import SCOPE, classify
from include.errors import QuotaError
from include.google_auth import GoogleAuth
from include.standins.google import A_MINUTE
from include.standins.google_core import MESSAGES
from include.standins.request_log import Recorded
from tests.conformance_discovery import check_discovery
from tests.standins import Standins

GRANTED = {"adUserData": "CONSENT_GRANTED", "adPersonalization": "CONSENT_GRANTED"}
ACCEPTED = {"customerMatchTermsOfServiceStatus": "ACCEPTED"}


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Google:
    """A caller that writes requests by hand."""

    def __init__(self, standins: Standins) -> None:
        self.standins = standins
        self.account = standins.account("google")
        self.lists = f"/v1/accountTypes/GOOGLE_ADS/accounts/{self.account['account_id']}/userLists"
        self._session = requests.Session()
        self._session.auth = GoogleAuth(self.account["token"], SCOPE)

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        return self._session.request(method, self.account["base_url"] + path, json=body, params=query, timeout=30)

    def user_list(self, name: str = "vip", **more: Any) -> str:
        info = {"ingestedUserListInfo": {"uploadKeyTypes": ["CONTACT_ID"]}}
        return self.call("POST", self.lists, {"displayName": name, **info, **more}).json()["id"]

    def target(self, id: str) -> list[dict[str, Any]]:
        own = {"accountType": "GOOGLE_ADS", "accountId": self.account["account_id"]}
        return [{"operatingAccount": own, "productDestinationId": id}]

    def members(self, id: str, *members: Any, **more: Any) -> dict[str, Any]:
        """A request that adds members."""
        known = {"encoding": "HEX", "termsOfService": ACCEPTED, "consent": GRANTED}
        return {"destinations": self.target(id), "audienceMembers": list(members), **known, **more}

    def events(self, *events: Any, **more: Any) -> dict[str, Any]:
        target = self.target(self.account["conversion_action_id"])
        return {"destinations": target, "events": list(events), "encoding": "HEX", "consent": GRANTED, **more}

    def status(self, answer: requests.Response) -> dict[str, Any]:
        told = self.call("GET", "/v1/requestStatus:retrieve", requestId=answer.json()["requestId"]).json()
        [one] = told["requestStatusPerDestination"]
        return one


def member(*addresses: str) -> dict[str, Any]:
    return {"userData": {"userIdentifiers": [{"emailAddress": sha(one)} for one in addresses]}}


def event(id: str = "o1", value: float = 12.5, **more: Any) -> dict[str, Any]:
    at = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    known = {"transactionId": id, "eventTimestamp": at, "currency": "EUR", "conversionValue": value}
    return {**known, "eventSource": "WEB", **member("a@x.example"), **more}


@pytest.fixture
def google(empty_standins: Standins) -> Google:
    return Google(empty_standins)


def reasons(answer: requests.Response) -> set[str]:
    details = {one["@type"].rpartition(".")[2]: one for one in answer.json()["error"]["details"]}
    return (
        {one["reason"] for one in details["BadRequest"]["fieldViolations"]}
        if "BadRequest" in details
        else {details["ErrorInfo"]["reason"]}
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"audienceMembers": []}, "REQUIRED_FIELD_MISSING"),
        ({"audienceMembers": [member("a")] * 10_001}, "TOO_MANY_AUDIENCE_MEMBERS"),
        ({"audienceMembers": [member(*map(str, range(11)))]}, "TOO_MANY_USER_IDENTIFIERS"),
        ({"audienceMembers": [member()]}, "REQUIRED_FIELD_MISSING"),
        ({"audienceMembers": [{"mobileData": {"mobileIds": ["x"]}}]}, "INVALID_USER_LIST_TYPE"),
        ({"audienceMembers": [{"userData": {"userIdentifiers": [{"emailAddress": "a@x"}]}}]}, "INVALID_HEX_ENCODING"),
        ({"audienceMembers": [{"userData": {"userIdentifiers": [{"phoneNumber": "abcd"}]}}]}, "INVALID_SHA256_FORMAT"),
        ({"audienceMembers": [member("")]}, "INVALID_SHA256_FORMAT"),
        ({"audienceMembers": [{"userData": {"userIdentifiers": [{"email": sha("a")}]}}]}, "INVALID_ARGUMENT"),
        ({"audience_members": []}, "INVALID_ARGUMENT"),
        ({"validateOnly": "yes"}, "INVALID_ARGUMENT"),
        ({"encoding": "HEXADECIMAL"}, "INVALID_ARGUMENT"),
        ({"encoding": "BASE64"}, "INVALID_SHA256_FORMAT"),
        ({"encoding": None}, "REQUIRED_FIELD_MISSING"),
        ({"termsOfService": {}}, "TERMS_AND_CONDITIONS_NOT_SIGNED"),
        ({"destinations": []}, "REQUIRED_FIELD_MISSING"),
    ],
)
def test_a_request_that_is_wrong_in_one_place_is_refused_whole(
    google: Google, change: Mapping[str, Any], reason: str
) -> None:
    good = google.members(google.user_list(), member("a"), member("b"))
    answer = google.call("POST", "/v1/audienceMembers:ingest", {**good, **change})
    assert (answer.status_code, reasons(answer)) == (400, {reason})
    assert google.standins.members("google") == {"vip": []}


def test_fast_fail_names_every_bad_record_and_takes_none(google: Google) -> None:
    bad = {"userData": {"userIdentifiers": [{"emailAddress": "x"}]}}
    answer = google.call(
        "POST", "/v1/audienceMembers:ingest", google.members(google.user_list(), bad, member("a"), bad)
    ).json()
    [violations] = [one["fieldViolations"] for one in answer["error"]["details"] if "fieldViolations" in one]
    path = "user_data.user_identifiers[0].email_address"
    assert [one["field"] for one in violations] == [f"audience_members[{place}].{path}" for place in (0, 2)]
    assert google.standins.members("google") == {"vip": []}


def test_an_unknown_list_account_path_and_parameter_are_refused(google: Google) -> None:
    ingest = "/v1/audienceMembers:ingest"
    assert reasons(google.call("POST", ingest, google.members("1", member("a")))) == {"INVALID_USER_LIST_ID"}
    other = google.members(google.user_list(), member("a"))
    other["destinations"][0]["operatingAccount"] = {"accountType": "GOOGLE_ADS", "accountId": "5"}
    assert google.call("POST", ingest, other).status_code == 403
    assert google.call("GET", google.lists, page_size=5).status_code == 400
    assert google.call("GET", ingest).status_code == 404
    assert google.call("GET", "/v1/requestStatus:retrieve", requestId="none").status_code == 400
    assert reasons(google.call("POST", google.lists, {"displayName": "x"})) == {"REQUIRED_FIELD_MISSING"}
    half_a_day = {"displayName": "x", "membershipDuration": "43200s"}
    info = {"ingestedUserListInfo": {"uploadKeyTypes": ["CONTACT_ID"]}}
    assert google.call("POST", google.lists, {**half_a_day, **info}).status_code == 400
    google.user_list("twice")
    assert google.call("POST", google.lists, {"displayName": "twice", **info}).status_code == 409


def test_enums_may_be_numbers_and_removals_take_no_consent(google: Google) -> None:
    id = google.user_list()
    by_number = google.members(id, member("a"), encoding=1, termsOfService={"customerMatchTermsOfServiceStatus": 1})
    assert google.call("POST", "/v1/audienceMembers:ingest", by_number).status_code == 200
    removal = {"destinations": google.target(id), "audienceMembers": [member("a")], "encoding": "HEX"}
    refused = google.call("POST", "/v1/audienceMembers:remove", {**removal, "consent": GRANTED})
    assert reasons(refused) == {"INVALID_ARGUMENT"}
    assert google.call("POST", "/v1/audienceMembers:remove", removal).status_code == 200
    assert google.standins.members("google") == {"vip": []}


def test_a_request_takes_its_time_and_tells_who_failed_by_place(google: Google) -> None:
    denied = {**member("c"), "consent": {**GRANTED, "adUserData": "CONSENT_DENIED"}}
    silent = google.members(google.user_list(), member("a"), denied, member("b"), consent=None)
    answer = google.call("POST", "/v1/audienceMembers:ingest", silent)
    assert google.status(answer)["requestStatus"] == "PROCESSING"
    google.standins.advance(60)
    told = google.status(answer)
    assert told["requestStatus"] == "FAILED"
    by_reason = {one["reason"][24:]: one["recordIndices"] for one in told["errorInfo"]["errorCounts"]}
    assert by_reason == {"UNKNOWN_CONSENT": [0, 2], "DENIED_CONSENT": [1]}
    assert google.standins.members("google") == {"vip": []}


def test_remove_all_spares_whom_the_present_sync_added(google: Google) -> None:
    id = google.user_list()
    google.call("POST", "/v1/audienceMembers:ingest", google.members(id, member("old")))
    google.standins.advance(10)
    began = (datetime.now(UTC) + timedelta(seconds=9)).isoformat()
    google.call("POST", "/v1/audienceMembers:ingest", google.members(id, member("new")))
    google.call("POST", "/v1/audienceMembers:removeAll", {"destinations": google.target(id), "removeAsOfTime": began})
    assert google.standins.members("google") == {"vip": [{"EMAIL": sha("new")}]}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"eventTimestamp": None}, "REQUIRED_FIELD_MISSING"),
        ({"eventTimestamp": "2099-01-01T00:00:00Z"}, "EVENT_TIME_INVALID"),
        ({"eventTimestamp": "yesterday"}, "INVALID_ARGUMENT"),
        ({"eventSource": None}, "REQUIRED_FIELD_MISSING"),
        ({"userData": None}, "NO_IDENTIFIERS_PROVIDED"),
        ({"currency": None}, "INVALID_CURRENCY_CODE"),
        ({"conversionValue": -1}, "INVALID_NUMBER_FORMAT"),
        ({"orderId": "x"}, "INVALID_ARGUMENT"),
    ],
)
def test_a_conversion_that_is_wrong_refuses_the_request(google: Google, change: Mapping[str, Any], reason: str) -> None:
    answer = google.call("POST", "/v1/events:ingest", google.events(event("good"), event(**change)))
    assert (answer.status_code, reasons(answer)) == (400, {reason})
    assert google.standins.documents("google", f"conversion:{google.account['conversion_action_id']}") == {}


def test_a_conversion_told_again_is_a_duplicate_unless_its_value_differs(google: Google) -> None:
    def states(*events: Any) -> list[Any]:
        answer = google.call("POST", "/v1/events:ingest", google.events(*events))
        google.standins.advance(60)
        told = google.status(answer)
        return [one["reason"][24:] for one in told.get("errorInfo", {}).get("errorCounts", ())]

    assert states(event("o1", 20)) == []
    assert states(event("o1", 20)) == ["DUPLICATE_TRANSACTION_ID"]
    assert states(event("o1", 5)) == []
    old = (datetime.now(UTC) - timedelta(days=64)).isoformat()
    assert states(event("o2", eventTimestamp=old)) == ["EVENT_TOO_OLD"]
    held = google.standins.documents("google", f"conversion:{google.account['conversion_action_id']}")
    assert {id: one["body"]["conversionValue"] for id, one in held.items()} == {"o1": 5}
    assert reasons(google.call("POST", "/v1/events:ingest", google.events(*[event()] * 2_001))) == {"TOO_MANY_EVENTS"}


def test_only_a_key_of_the_account_opens_it(google: Google) -> None:
    base = google.account["base_url"]
    for token in ("", "Bearer ya29.9999999999.forged", "Bearer " + "x" * 40):
        answer = requests.get(base + google.lists, headers={"Authorization": token}, timeout=30)
        assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    asked = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    assert requests.post(base + "/token", data=asked, timeout=30).json()["error"] == "invalid_grant"
    with pytest.raises(Exception, match="refused"):
        GoogleAuth(google.account["token"], "https://www.googleapis.com/auth/adwords")._token()


def test_the_quota_of_a_minute_holds_and_says_how_long_to_wait(google: Google) -> None:
    codes = [google.call("GET", google.lists).status_code for _ in range(A_MINUTE + 1)]
    assert codes == [200] * A_MINUTE + [429]
    refused = google.call("GET", google.lists).json()["error"]
    details = {one["@type"].rpartition(".")[2]: one for one in refused["details"]}
    assert refused["status"] == "RESOURCE_EXHAUSTED"
    assert 0 < float(details["RetryInfo"]["retryDelay"].rstrip("s")) <= 60
    assert details["ErrorInfo"]["metadata"]["quota_limit_value"] == str(A_MINUTE)
    google.standins.advance(61)
    assert google.call("GET", google.lists).status_code == 200


def test_the_quota_of_a_day_holds_and_does_not_say_how_long_to_wait(google: Google) -> None:
    """The connector waits until the day is over where Google counts it, or ends its run."""
    google.standins.settings({"google.a_day": 2})
    answers = [google.call("GET", google.lists) for _ in range(3)]
    assert [one.status_code for one in answers] == [200, 200, 429]
    told = classify(answers[-1])
    assert isinstance(told, QuotaError)
    assert told.code == "IngestionRequestsPerDayPerProject"
    assert 0 < told.retry_after <= 25 * 3600
    google.standins.settings({"google.a_day": 100})
    assert google.call("GET", google.lists).status_code == 200


@pytest.fixture
def document(vendor_specs: str) -> Path:
    return Path(vendor_specs) / "google-data-manager/datamanager.v1.discovery.json"


def test_the_messages_are_those_of_the_discovery_document(document: Path) -> None:
    schemas = json.loads(document.read_bytes())["schemas"]

    def kind(declared: Mapping[str, Any]) -> Any:
        if "$ref" in declared:
            return "@" + declared["$ref"]
        if declared["type"] == "array":
            return {"repeated": kind(declared["items"])}
        return declared.get("enum") or declared.get("format", declared["type"])

    for name, fields in MESSAGES.items():
        wanted = {field: kind(one) for field, one in schemas[name].get("properties", {}).items()}
        assert dict(fields) == wanted, name


def test_the_stand_in_keeps_to_the_discovery_document(google: Google, document: Path) -> None:
    id = google.user_list(description="d", membershipDuration="86400s")
    google.call("GET", google.lists, filter='display_name = "vip"', pageSize=5)
    google.call("GET", f"{google.lists}/{id}")
    google.call("GET", f"{google.lists}/1")
    for verb in ("ingest", "remove"):
        body = google.members(id, member("a", "b"))
        if verb == "remove":
            body = {name: body[name] for name in ("destinations", "audienceMembers", "encoding")}
        google.status(google.call("POST", f"/v1/audienceMembers:{verb}", body))
    answers = [
        google.call("POST", "/v1/events:ingest", google.events(event(), event("o2", consent={}))),
        google.call("POST", "/v1/audienceMembers:removeAll", {"destinations": google.target(id)}),
    ]
    google.standins.advance(60)
    for one in answers:
        google.status(one)
    google.call("POST", "/v1/events:ingest", google.events({"eventSource": "WEB"}))
    google.call("DELETE", f"{google.lists}/{id}")
    recorded = [one for one in google.standins.recorded("google") if not one.path.endswith("/token")]
    assert {one.status for one in recorded} == {200, 400, 404}
    assert check_discovery(document, recorded, "/google") == []


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "word"),
    [
        (
            "POST",
            "/google/v1/audienceMembers:ingest",
            "",
            {"encoding": "HEXA"},
            "request.encoding is no string of its enum",
        ),
        ("POST", "/google/v1/audienceMembers:ingest", "", {"members": []}, "request.members is not declared"),
        (
            "POST",
            "/google/v1/audienceMembers:ingest",
            "",
            {"audienceMembers": {}},
            "request.audienceMembers is no list",
        ),
        ("POST", "/google/v1/audienceMembers:add", "", {}, "no such method"),
        ("GET", "/google/v1/requestStatus:retrieve", "request_id=1", None, "'request_id' is not declared"),
        ("POST", "/google/v1/events:ingest", "", {"events": [{"eventTimestamp": "now"}]}, "is no google-datetime"),
    ],
)
def test_the_discovery_check_finds(document: Path, method: str, path: str, query: str, body: Any, word: str) -> None:
    wrong = Recorded(
        at=0, seconds=0, platform="google", method=method, path=path, query=query, headers={},
        body=b"" if body is None else json.dumps(body).encode(),
    )  # fmt: skip
    found = check_discovery(document, [wrong], "/google")
    assert any(word in line for line in found), found
