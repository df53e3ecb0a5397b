"""Brevo: imports that are worked off later, lists, the blacklist, limits; and the vendor's OpenAPI file."""

from pathlib import Path
from typing import Any

import pytest
import requests

from tests.conformance import check_openapi
from tests.standins import Standins

PREFIX = "/brevo/v3"
# Faults of the file: its list of codes has none for too many calls, and the bodies of a list's calls, as the answers'
# lists of addresses or ids, are "one of" schemas that do not exclude one another.
FAULTS_OF_THE_FILE = (r"'too_many_requests' is not one of", r"/contacts/(add|remove): .*is valid under each of")


class Brevo:
    """A plain caller; ``call`` returns the answer, whatever its status."""

    def __init__(self, standins: Standins) -> None:
        account = standins.account("brevo")
        self.standins = standins
        self.base = account["base_url"] + "/v3"
        self.headers = {"api-key": account["token"]}

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> requests.Response:
        return requests.request(method, self.base + path, json=json, params=params, headers=self.headers, timeout=60)

    def make_list(self, name: str = "vip") -> int:
        return self.call("POST", "/contacts/lists", {"name": name, "folderId": 1}).json()["id"]

    def imported(self, lists: list[int], *rows: dict[str, Any], **flags: Any) -> int:
        """An import that has been worked off; its process."""
        answer = self.call("POST", "/contacts/import", {"jsonBody": list(rows), "listIds": lists, **flags})
        assert answer.status_code == 202, answer.text
        self.standins.advance(60)
        process = answer.json()["processId"]
        assert self.call("GET", f"/processes/{process}").json()["status"] == "completed"
        return process

    def contact(self, address: str) -> dict[str, Any]:
        return self.call("GET", f"/contacts/{address}").json()


@pytest.fixture
def brevo(empty_standins: Standins) -> Brevo:
    return Brevo(empty_standins)


def row(address: str, **attributes: Any) -> dict[str, Any]:
    return {"email": address, "attributes": attributes}


def refusal(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_import_takes_its_time_and_says_of_no_row_what_became_of_it(brevo: Brevo) -> None:
    brevo.standins.settings({"brevo.process_seconds": 600})
    vip = brevo.make_list()
    rows = [row("a@bücher.example"), row("no address"), row("b@x.example")]
    body = {"jsonBody": rows, "listIds": [vip]}
    process = brevo.call("POST", "/contacts/import", body).json()["processId"]
    assert brevo.call("GET", f"/processes/{process}").json() == {
        "id": process,
        "status": "queued",
        "name": "IMPORTUSER",
    }
    assert brevo.standins.members("brevo") == {"vip": []}
    brevo.standins.advance(400)
    assert brevo.call("GET", f"/processes/{process}").json()["status"] == "in_process"
    brevo.standins.advance(400)
    assert brevo.call("GET", "/processes", limit=50).json()["processes"][0]["status"] == "completed"
    assert brevo.standins.members("brevo") == {"vip": ["a@bücher.example", "b@x.example"]}


def test_a_failed_import_is_completed_too(brevo: Brevo) -> None:
    vip = brevo.make_list()
    brevo.standins.settings({"brevo.imports_fail": True})
    brevo.imported([vip], row("a@x.example"))
    assert brevo.standins.members("brevo") == {"vip": []}


def test_attributes_that_do_not_exist_or_have_another_type_are_dropped_in_silence(brevo: Brevo) -> None:
    brevo.call("POST", "/contacts/attributes/normal/AGE", {"type": "float"})
    brevo.imported([brevo.make_list()], row("a@x.example", FIRSTNAME="Ann", NICKNAME="A", AGE="forty"))
    assert brevo.contact("a@x.example")["attributes"] == {"FIRSTNAME": "Ann"}


def test_an_import_that_clears_clears_what_a_row_leaves_out(brevo: Brevo) -> None:
    vip = brevo.make_list()
    for address in ("a@x.example", "b@x.example"):
        brevo.imported([vip], row(address, FIRSTNAME="Ann", LASTNAME="Lee"))
    brevo.imported([vip], row("a@x.example", FIRSTNAME=""), row("b@x.example", LASTNAME="Roe"))
    assert brevo.contact("a@x.example")["attributes"] == {"FIRSTNAME": "Ann", "LASTNAME": "Lee"}
    rows = [row("a@x.example", FIRSTNAME=""), row("b@x.example", LASTNAME="Roe")]
    brevo.imported([vip], *rows, emptyContactsAttributes=True)
    assert brevo.contact("a@x.example")["attributes"] == {}
    assert brevo.contact("b@x.example")["attributes"] == {"LASTNAME": "Roe"}


def test_an_import_keeps_the_blacklist_and_resubscribes_who_left_the_list(brevo: Brevo) -> None:
    vip = brevo.make_list()
    brevo.imported([vip], row("a@x.example"), row("b@x.example"))
    brevo.call("PUT", "/contacts/a@x.example", {"emailBlacklisted": True})
    [left] = [one for one in brevo.standins.documents("brevo", "contact").values() if one["body"]["email"][0] == "b"]
    brevo.call("PUT", "/contacts/b@x.example", {"unlinkListIds": [vip]})
    brevo.standins.put("brevo", "contact", {"id": left["id"], "body": {**left["body"], "listIds": [], "_left": [vip]}})
    assert brevo.contact("b@x.example")["listUnsubscribed"] == [vip]
    brevo.imported([vip], row("a@x.example"), row("b@x.example"), emailBlacklist=False)
    assert brevo.contact("a@x.example")["emailBlacklisted"] is True
    assert "listUnsubscribed" not in brevo.contact("b@x.example")
    brevo.imported([vip], row("b@x.example"), emailBlacklist=True)
    assert brevo.contact("b@x.example")["emailBlacklisted"] is True


def test_a_list_call_names_successes_and_failures_and_refuses_when_nobody_succeeds(brevo: Brevo) -> None:
    vip, other = brevo.make_list(), brevo.make_list("other")
    brevo.imported([other], row("a@x.example"), row("b@x.example"))
    added = brevo.call("POST", f"/contacts/lists/{vip}/contacts/add", {"emails": ["a@x.example", "new@x.example"]})
    assert added.status_code == 201
    assert added.json() == {"contacts": {"success": ["a@x.example"], "failure": ["new@x.example"]}}
    again = brevo.call("POST", f"/contacts/lists/{vip}/contacts/add", {"emails": ["a@x.example"]})
    assert refusal(again) == (400, "invalid_parameter")
    removed = brevo.call("POST", f"/contacts/lists/{vip}/contacts/remove", {"emails": ["a@x.example", "b@x.example"]})
    assert removed.json() == {"contacts": {"success": ["a@x.example"], "failure": ["b@x.example"]}}
    assert brevo.standins.members("brevo") == {"vip": [], "other": ["a@x.example", "b@x.example"]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"jsonBody": [{"email": "a@x.example"}], "listIds": [1], "list": 1}, (400, "invalid_parameter")),
        ({"jsonBody": [{"email": "a@x.example", "FIRSTNAME": "A"}], "listIds": [1]}, (400, "invalid_parameter")),
        ({"jsonBody": [{"email": "a@x.example"}], "listIds": [99]}, (400, "invalid_parameter")),
        ({"jsonBody": [{"email": "a@x.example"}]}, (400, "missing_parameter")),
        ({"jsonBody": [], "listIds": [1]}, (400, "missing_parameter")),
        ({"jsonBody": [{"email": "a" * 11_000_000}], "listIds": [1]}, (400, "out_of_range")),
        ({"jsonBody": [{"email": "a@x.example"}], "listIds": [1], "emailBlacklist": "no"}, (400, "invalid_parameter")),
    ],
)
def test_an_import_refuses(brevo: Brevo, body: dict[str, Any], expected: tuple[int, str]) -> None:
    assert brevo.make_list() == 1
    assert refusal(brevo.call("POST", "/contacts/import", body)) == expected


@pytest.mark.parametrize(
    ("method", "path", "json", "expected"),
    [
        ("POST", "/contacts/lists/1/contacts/add", {"emails": ["a@x.example"] * 151}, (400, "out_of_range")),
        ("POST", "/contacts/lists/1/contacts/remove", {"emails": []}, (400, "invalid_parameter")),
        ("POST", "/contacts/lists/1/contacts/remove", {"emails": ["odd"], "ids": [1]}, (400, "missing_parameter")),
        ("POST", "/contacts/lists/9/contacts/remove", {"emails": ["a@x.example"]}, (404, "document_not_found")),
        ("POST", "/contacts/lists", {"name": "x"}, (400, "missing_parameter")),
        ("GET", "/contacts?limit=1001", None, (400, "out_of_range")),
        ("GET", "/contacts?page=1", None, (400, "invalid_parameter")),
        ("GET", "/contacts/nobody@x.example", None, (404, "document_not_found")),
        ("GET", "/contacts/no..body@x.example", None, (400, "invalid_parameter")),
        ("DELETE", "/contacts", None, (405, "method_not_allowed")),
        ("GET", "/nothing", None, (404, "document_not_found")),
    ],
)
def test_a_call_is_refused(brevo: Brevo, method: str, path: str, json: Any, expected: tuple[int, str]) -> None:
    brevo.make_list()
    assert refusal(brevo.call(method, path, json)) == expected


def test_a_wrong_key_opens_nothing(brevo: Brevo) -> None:
    brevo.headers = {"api-key": "xkeysib-other"}
    assert refusal(brevo.call("GET", "/account")) == (401, "unauthorized")


def test_ten_calls_a_second_below_contacts_and_a_hundred_an_hour_elsewhere(brevo: Brevo) -> None:
    answers = [brevo.call("GET", "/contacts/folders") for _ in range(11)]
    refused = [one for one in answers if one.status_code == 429]
    assert len(refused) <= 1  # a slow machine may need more than the second
    assert answers[0].headers["x-sib-ratelimit-limit"] == "10"
    assert answers[0].headers["x-sib-ratelimit-remaining"] == "9"
    assert all(one.headers["x-sib-ratelimit-reset"] == "1" and "Retry-After" not in one.headers for one in refused)
    statuses = [brevo.call("GET", "/processes").status_code for _ in range(101)]
    assert statuses == [200] * 100 + [429]
    brevo.standins.advance(3601)
    assert brevo.call("GET", "/processes").status_code == 200


def test_the_stand_in_keeps_to_the_vendor_s_openapi_file(brevo: Brevo, vendor_specs: str) -> None:
    call = brevo.call
    call("GET", "/account")
    folder = call("POST", "/contacts/folders", {"name": "audienceflow"}).json()["id"]
    vip = call("POST", "/contacts/lists", {"name": "vip", "folderId": folder}).json()["id"]
    call("GET", "/contacts/folders", limit=50, offset=0, sort="asc")
    call("GET", f"/contacts/folders/{folder}/lists", limit=50)
    call("GET", "/contacts/lists", limit=50)
    brevo.imported([vip], row("a@x.example", FIRSTNAME="Ann"), row("b@x.example"), disableNotification=True)
    call("GET", "/processes", limit=50, sort="desc")
    call("GET", "/processes/999")
    call("POST", "/contacts/attributes/normal/CITY", {"type": "text"})
    call("GET", "/contacts/attributes")
    call("DELETE", "/contacts/attributes/normal/SMS")
    brevo.standins.advance(2)
    call("GET", "/contacts", limit=1000, modifiedSince="2020-01-01T00:00:00.000Z", sort="asc")
    call("GET", f"/contacts/lists/{vip}/contacts", limit=500, sort="asc")
    call("GET", "/contacts/a%40x.example", identifierType="email_id")
    call("GET", "/contacts/nobody%40x.example")
    call("POST", "/contacts", {"email": "c@x.example", "listIds": [vip], "attributes": {"CITY": "Bonn"}})
    call("POST", "/contacts", {"email": "c@x.example"})
    call("POST", "/contacts", {"email": "c@x.example", "updateEnabled": True})
    call("PUT", "/contacts/c%40x.example", {"emailBlacklisted": True})
    brevo.standins.advance(2)
    call("POST", f"/contacts/lists/{vip}/contacts/remove", {"emails": ["a@x.example", "z@x.example"]})
    call("POST", f"/contacts/lists/{vip}/contacts/remove", {"emails": ["a@x.example"]})
    call("POST", f"/contacts/lists/{vip}/contacts/add", {"ids": [1]})
    call("GET", f"/contacts/lists/{vip}")
    call("PUT", f"/contacts/lists/{vip}", {"name": "vips"})
    call("DELETE", "/contacts/b%40x.example")
    call("DELETE", f"/contacts/lists/{vip}")
    call("GET", f"/contacts/lists/{vip}")
    brevo.standins.faults({"platform": "brevo", "kind": "throttle"})
    call("GET", "/contacts")
    recorded = brevo.standins.recorded("brevo")
    assert {one.status for one in recorded} == {200, 201, 202, 204, 400, 404, 429}
    spec = Path(vendor_specs) / "brevo/brevo-v3.openapi.json"
    assert check_openapi(spec, recorded, PREFIX, allowed=FAULTS_OF_THE_FILE) == []
    assert not any("standin" in str(one.headers) for one in recorded)
