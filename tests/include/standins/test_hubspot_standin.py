"""HubSpot's stand-in: the vendor's shapes, paging, cap, limits, errors."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from openapi_core import Config, OpenAPI
from openapi_core.contrib.requests import RequestsOpenAPIRequest, RequestsOpenAPIResponse

from include.standins.store import Store
from tests.standins import Standins, running_standins

CONTACTS = "/crm/v3/objects/contacts"
DAY = 1_763_596_800_000  # epoch ms


def contact(no: int, *, changed: int = DAY, **properties: str | None) -> dict[str, Any]:
    from_ms = "2025-11-20T00:00:00.000Z"
    held = {
        "hs_object_id": str(no),
        "createdate": from_ms,
        "lastmodifieddate": _iso(changed),
        "email": f"p{no}@mail.example",
        "firstname": "Ann",
        "lastname": None,
        **properties,
    }
    return {
        "id": str(no),
        "changed_at": changed,
        "created_at": DAY,
        "body": {
            "id": str(no),
            "properties": held,
            "createdAt": from_ms,
            "updatedAt": _iso(changed),
            "archived": False,
        },
    }


def _iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{ms % 1000:03d}Z"


class Api:
    """A client that waits for no limit, so that the limits show."""

    def __init__(self, server: Standins) -> None:
        account = server.account("hubspot")
        self.server = server
        self.url = account["base_url"]
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {account['token']}"

    def get(self, path: str, **params: Any) -> requests.Response:
        return self.session.get(self.url + path, params=params, timeout=60)

    def post(self, path: str, body: Any) -> requests.Response:
        self.server.advance(1.01)  # a search a second never meets the limit
        return self.session.post(self.url + path, json=body, timeout=60)

    def search(self, *filters: dict[str, Any], **more: Any) -> requests.Response:
        groups = {"filterGroups": [{"filters": list(filters)}]} if filters else {}
        return self.post(f"{CONTACTS}/search", {**groups, **more})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("hubspot"), platforms=("hubspot",)) as running:
        yield running


@pytest.fixture
def api(server: Standins) -> Iterator[Api]:
    """An account without contacts, its clock well beyond every limit of the test before."""
    server.reset()
    server.advance(20)
    yield Api(server)


@pytest.fixture(scope="session")
def contract(vendor_specs: str) -> OpenAPI:
    text = (Path(vendor_specs) / "hubspot" / "hubspot-crm-objects.derived.openapi.json").read_text()
    return OpenAPI.from_dict(json.loads(text), config=Config(spec_validator_cls=None))


def changed_since(at: int) -> dict[str, Any]:
    return {"propertyName": "lastmodifieddate", "operator": "GTE", "value": str(at)}


def test_answers_are_as_the_vendor_specifies(api: Api, contract: OpenAPI):
    api.server.put("hubspot", "contact", *(contact(no, lastname="Lee") for no in range(1, 5)))
    answers = [
        api.get(CONTACTS, limit=2, archived="false"),
        api.get(f"{CONTACTS}/3"),
        api.get(f"{CONTACTS}/99"),
        api.search(changed_since(DAY), sorts=["lastmodifieddate"], limit=2),
        api.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": "1"}], "properties": [], "propertiesWithHistory": []}),
        api.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": "9"}], "properties": [], "propertiesWithHistory": []}),
        api.post(f"{CONTACTS}/gdpr-delete", {"objectId": "p1@mail.example", "idProperty": "email"}),
    ]
    assert [one.status_code for one in answers] == [200, 200, 404, 200, 200, 207, 204]
    for answer in answers:
        prefix = "/hubspot"
        answer.request.url = "https://api.hubapi.com" + answer.request.path_url.removeprefix(prefix)
        request, response = RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer)
        contract.validate_request(request)
        contract.validate_response(request, response)


def test_properties_are_listed_as_the_vendor_specifies(api: Api, vendor_specs: str):
    text = (Path(vendor_specs) / "hubspot" / "hubspot-crm-properties-owners.derived.openapi.json").read_text()
    described = OpenAPI.from_dict(json.loads(text), config=Config(spec_validator_cls=None))
    answer = api.get("/crm/v3/properties/contacts")
    answer.request.url = "https://api.hubapi.com" + answer.request.path_url.removeprefix("/hubspot")
    described.validate_response(RequestsOpenAPIRequest(answer.request), RequestsOpenAPIResponse(answer))
    assert {"email", "shopify_customer_id"} <= {one["name"] for one in answer.json()["results"]}


def test_a_wrong_token_is_refused(api: Api):
    answer = requests.get(api.url + CONTACTS, headers={"Authorization": "Bearer wrong"}, timeout=60)
    assert (answer.status_code, answer.json()["category"]) == (401, "INVALID_AUTHENTICATION")


def test_only_the_properties_asked_for_come_back(api: Api):
    api.server.put("hubspot", "contact", contact(1, city="Leipzig"))
    plain = api.get(f"{CONTACTS}/1").json()["properties"]
    asked = api.get(f"{CONTACTS}/1", properties="city,zip,no_such_property").json()["properties"]
    assert set(plain) == {"createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"}
    assert set(asked) == {"createdate", "hs_object_id", "lastmodifieddate", "city", "zip"}
    assert (asked["city"], asked["zip"]) == ("Leipzig", None)


def test_the_listing_gives_each_contact_once_and_archived_ones_only_when_asked(api: Api):
    api.server.put("hubspot", "contact", *(contact(no) for no in (*range(1, 8), 10, 100)))
    assert api.session.delete(f"{api.url}{CONTACTS}/5", timeout=60).status_code == 204
    seen, after = [], None
    while True:
        page = api.get(CONTACTS, limit=3, after=after).json()
        seen += [one["id"] for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
        if after is None:
            break
    assert seen == ["1", "2", "3", "4", "6", "7", "10", "100"]
    gone = api.get(CONTACTS, archived="true").json()["results"]
    assert [(one["id"], one["archived"]) for one in gone] == [("5", True)]
    assert "archivedAt" in gone[0]


def test_the_listing_refuses_a_page_over_its_maximum(api: Api):
    answer = api.get(CONTACTS, limit=101)
    assert (answer.status_code, answer.json()["category"]) == (400, "VALIDATION_ERROR")


def test_a_search_pages_through_contacts_that_changed_in_the_same_millisecond(api: Api):
    api.server.put("hubspot", "contact", *(contact(no) for no in range(1, 451)), contact(900, changed=DAY - 1))
    seen, after = [], "0"
    while after:
        page = api.search(
            changed_since(DAY),
            sorts=[{"propertyName": "lastmodifieddate", "direction": "ASCENDING"}],
            limit=200,
            after=after,
        ).json()
        assert page["total"] == 450
        seen += [int(one["id"]) for one in page["results"]]
        after = page.get("paging", {}).get("next", {}).get("after")
    assert seen == list(range(1, 451))


def test_nothing_beyond_the_ten_thousandth_result_can_be_had(api: Api):
    api.server.put("hubspot", "contact", *(contact(no) for no in range(1, 10_202)))
    last = api.search(changed_since(DAY), limit=200, after="9800").json()
    assert (last["total"], last["paging"]["next"]["after"]) == (10_201, "10000")
    beyond = api.search(changed_since(DAY), limit=200, after="10000")
    assert (beyond.status_code, beyond.json()["category"]) == (400, "VALIDATION_ERROR")
    by_id = api.search(
        changed_since(DAY),
        {"propertyName": "hs_object_id", "operator": "GT", "value": "10000"},
        sorts=[{"propertyName": "hs_object_id"}],
        limit=200,
    ).json()
    assert [by_id["total"], by_id["results"][0]["id"]] == [201, "10001"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ([{"propertyName": "firstname", "operator": "EQ", "value": "BO"}], [2]),
        ([{"propertyName": "firstname", "operator": "NEQ", "value": "bo"}], [1, 3]),
        ([{"propertyName": "city", "operator": "HAS_PROPERTY"}], [3]),
        ([{"propertyName": "city", "operator": "NOT_HAS_PROPERTY"}], [1, 2]),
        ([{"propertyName": "hs_object_id", "operator": "IN", "values": ["1", "3"]}], [1, 3]),
        ([{"propertyName": "hs_object_id", "operator": "BETWEEN", "value": "2", "highValue": "3"}], [2, 3]),
        ([{"propertyName": "lastmodifieddate", "operator": "GT", "value": str(DAY)}], [3]),
        ([{"propertyName": "lastmodifieddate", "operator": "LTE", "value": "2025-11-20T00:00:00Z"}], [1, 2]),
        ([{"propertyName": "email", "operator": "CONTAINS_TOKEN", "value": "p2@*"}], [2]),
    ],
)
def test_filters_find_what_they_say(api: Api, filters: list[dict[str, Any]], found: list[int]):
    api.server.put(
        "hubspot", "contact", contact(1), contact(2, firstname="Bo"), contact(3, changed=DAY + 5, city="Nîmes")
    )
    answer = api.search(*filters, sorts=[{"propertyName": "hs_object_id"}])
    assert [int(one["id"]) for one in answer.json()["results"]] == found


def test_filter_groups_are_alternatives(api: Api):
    api.server.put("hubspot", "contact", *(contact(no) for no in range(1, 5)))
    groups = [{"filters": [{"propertyName": "hs_object_id", "operator": "EQ", "value": str(no)}]} for no in (1, 4)]
    assert [one["id"] for one in api.post(f"{CONTACTS}/search", {"filterGroups": groups}).json()["results"]] == [
        "1",
        "4",
    ]


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"properties": ["x" * 3000]},
        {"filterGroups": [{"filters": []}] * 6},
        {"filterGroups": [{"filters": [changed_since(DAY)] * 7}]},
        {"filterGroups": [{"filters": [changed_since(DAY)] * 5}] * 4},
        {"sorts": ["createdate", "email"]},
        {"sorts": ["no_such_property"]},
        {"unknown": 1},
        {"filterGroups": [{"filters": [{"propertyName": "nope", "operator": "EQ", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "email", "operator": "IS", "value": "1"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "lastmodifieddate", "operator": "GT", "value": "soon"}]}]},
    ],
)
def test_a_search_over_a_limit_or_for_nothing_that_exists_is_refused(api: Api, body: dict[str, Any]):
    answer = api.post(f"{CONTACTS}/search", body)
    assert (answer.status_code, answer.json()["status"], answer.json()["category"]) == (
        400,
        "error",
        "VALIDATION_ERROR",
    )


def test_archived_contacts_never_appear_in_a_search(api: Api):
    api.server.put("hubspot", "contact", contact(1), contact(2))
    api.session.delete(f"{api.url}{CONTACTS}/1", timeout=60)
    assert [one["id"] for one in api.search().json()["results"]] == ["2"]


def test_the_sixth_search_of_a_second_is_refused_without_rate_headers(api: Api):
    answers = [api.session.post(f"{api.url}{CONTACTS}/search", json={}, timeout=60) for _ in range(60)]
    refused = [one for one in answers if one.status_code == 429]
    assert [one.status_code for one in answers[:5]] == [200] * 5
    assert refused[0].json()["policyName"] == "SECONDLY"
    assert not any(name.lower().startswith("x-hubspot-ratelimit") for name in refused[0].headers)


def test_other_calls_tell_and_keep_the_ten_second_limit(api: Api):
    answers = [api.get(f"{CONTACTS}/1") for _ in range(191)]
    assert answers[0].headers["X-HubSpot-RateLimit-Max"] == "190"
    assert int(answers[1].headers["X-HubSpot-RateLimit-Remaining"]) == 188
    assert (answers[-1].status_code, answers[-1].json()["policyName"]) == (429, "TEN_SECONDLY_ROLLING")
    api.server.advance(11)
    assert api.get(f"{CONTACTS}/1").status_code == 404


def test_gdpr_deletion_is_final_and_takes_unknown_addresses_too(api: Api):
    api.server.put("hubspot", "contact", contact(1))
    gone = [
        api.post(f"{CONTACTS}/gdpr-delete", {"objectId": email, "idProperty": "email"}).status_code
        for email in ("p1@mail.example", "never@seen.example")
    ]
    assert gone == [204, 204]
    assert api.get(f"{CONTACTS}/1", archived="true").status_code == 404
    assert set(api.server.documents("hubspot", "blocked_email")) == {"p1@mail.example", "never@seen.example"}


def test_a_batch_names_what_it_did_not_find(api: Api):
    api.server.put("hubspot", "contact", contact(1))
    answer = api.post(
        f"{CONTACTS}/batch/read",
        {
            "inputs": [{"id": "p1@mail.example"}, {"id": "nobody@mail.example"}],
            "idProperty": "email",
            "properties": ["email"],
        },
    )
    assert answer.status_code == 207
    assert [one["id"] for one in answer.json()["results"]] == ["1"]
    assert answer.json()["errors"][0]["context"]["ids"] == ["nobody@mail.example"]
    assert api.post(f"{CONTACTS}/batch/read", {"inputs": [{"id": "1"}] * 101, "properties": []}).status_code == 400


def test_a_search_knows_a_change_only_when_the_index_has_it(tmp_path: Path):
    store = Store(tmp_path / "merchant.sqlite")
    store.set_setting("hubspot.index_lag_seconds", 30)
    store.save_to(tmp_path / "first_state.sqlite")
    store.close()
    with running_standins(tmp_path, platforms=("hubspot",)) as server:
        api = Api(server)
        server.put("hubspot", "contact", contact(1), contact(2, changed=int(time.time() * 1000)))
        listed = [one["id"] for one in api.get(CONTACTS).json()["results"]]
        found = [one["id"] for one in api.search().json()["results"]]
        server.advance(40)
        later = [one["id"] for one in api.search().json()["results"]]
    assert (listed, found, later) == (["1", "2"], ["1"], ["1", "2"])
