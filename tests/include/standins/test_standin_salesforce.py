"""Salesforce's stand-in: sessions, SOQL, paging, limits, jobs, the recycle bin; its paths as the vendor has them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from include.errors import AuthError
from include.sources import salesforce
from include.sources.salesforce_client import Credentials
from include.standins import salesforce_records as records
from include.standins.request_log import Recorded
from include.standins.salesforce import CLIENT_ID, REFRESH_TOKEN, USERNAME
from tests.conformance_postman import check_postman
from tests.include.sources.salesforce_company import AT, company, contact, deal, person, put
from tests.standins import Standins, running_standins

DATA = "/services/data/v66.0"
COLLECTION = "salesforce/salesforce-query-bulk2.postman.json"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("salesforce"), platforms=("salesforce",)) as server:
        yield server


class Api:
    """A plain caller: no connector, so that tests see the platform alone."""

    def __init__(self, server: Standins) -> None:
        self.server = server
        self.account = server.account("salesforce")
        self.session = requests.Session()
        token = self.token(grant_type="client_credentials").json()["access_token"]
        self.session.headers["Authorization"] = f"Bearer {token}"

    def token(self, **form: str) -> requests.Response:
        known = {"client_id": self.account["client_id"], "client_secret": self.account["token"]}
        return self.session.post(
            f"{self.account['base_url']}/services/oauth2/token", data={**known, **form}, timeout=60
        )

    def call(self, method: str, path: str, json: Any = None, **params: Any) -> requests.Response:
        return self.session.request(method, self.account["base_url"] + path, json=json, params=params, timeout=60)

    def query(self, soql: str, resource: str = "query") -> requests.Response:
        return self.call("GET", f"{DATA}/{resource}", q=soql)

    def ids(self, soql: str, resource: str = "query") -> list[int]:
        return [int(one["Id"][3:15]) for one in self.query(soql, resource).json()["records"]]

    def job(self, soql: str, operation: str = "query", **more: Any) -> requests.Response:
        return self.call("POST", f"{DATA}/jobs/query", {"operation": operation, "query": soql, **more})

    def made(self, soql: str) -> str:
        """The path of a new job."""
        return f"{DATA}/jobs/query/{self.job(soql).json()['id']}"


@pytest.fixture
def api(running: Standins) -> Api:
    """An account in which nothing stands."""
    running.reset()
    return Api(running)


def said(answer: requests.Response) -> tuple[int, str]:
    [error] = answer.json()
    assert set(error) == {"message", "errorCode"}
    return answer.status_code, error["errorCode"]


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "refresh_token", "refresh_token": "wrong"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}, "invalid_grant"),
    ],
)
def test_credentials_that_are_wrong_open_nothing(api: Api, form: dict[str, str], error: str) -> None:
    answer = api.token(**form)

    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_each_flow_opens_a_session(api: Api) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    public = (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )
    api.server.settings({"salesforce.certificate": public})
    secret, url = api.account["token"], api.account["base_url"]
    put(api.server, "Contact", [contact(1)])
    for known in (
        Credentials(CLIENT_ID, secret),
        Credentials(CLIENT_ID, secret, refresh_token=REFRESH_TOKEN),
        Credentials(CLIENT_ID, private, username=USERNAME),
    ):
        assert salesforce.client(url, known).query("SELECT Id FROM Contact")["totalSize"] == 1
    with pytest.raises(AuthError, match="invalid_grant"):
        salesforce.client(url, Credentials(CLIENT_ID, private, username="other@firm.example")).query(
            "SELECT Id FROM Lead"
        )


def test_an_ended_session_and_a_wrong_version_are_told_apart(api: Api) -> None:
    assert said(api.call("GET", "/services/data/v12.0/query", q="SELECT Id FROM Lead")) == (404, "NOT_FOUND")
    api.server.advance(7_201)
    assert said(api.query("SELECT Id FROM Lead")) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'P2@mail.example'", [2]),
        ("Email != 'p2@mail.example'", [1, 3]),
        ("Email LIKE 'p%' AND LastName LIKE '%ee 3'", [3]),
        ("Id IN ('003000000000001AAA','003000000000003AAA')", [1, 3]),
        ("NOT (HasOptedOutOfEmail = true)", [1, 2, 3]),
        ("SystemModstamp > 2026-11-01T00:00:00Z", [3]),
        ("SystemModstamp >= 2026-11-01T00:00:00.000+00:00 AND SystemModstamp < 2026-11-01T00:00:00.001Z", [1, 2]),
        ("Birthdate = null AND (Id > '003000000000002AAA' OR Email = 'p1@mail.example')", [1, 3]),
        ("Account.Name = 'Firm 7'", [1]),
    ],
)
def test_conditions_find_what_they_say(api: Api, where: str, found: list[int]) -> None:
    put(api.server, "Account", [company(7)])
    put(api.server, "Contact", [contact(1, account=7), contact(2), contact(3, changed=AT + timedelta(milliseconds=5))])

    assert api.ids(" ".join(("SELECT Id FROM Contact WHERE", where, "ORDER BY Id"))) == found


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT Id, Shoe__c FROM Contact", "INVALID_FIELD"),
        ("SELECT Id, Boss.Name FROM Contact", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE SystemModstamp > '2026-11-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Contact WHERE Email = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Person", "INVALID_TYPE"),
        ("SELECT Id, Id FROM Contact", "MALFORMED_QUERY"),
        ("SELECT * FROM Contact", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact WHERE Id = '1' AND Id = '2' OR Id = '3'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact ORDER Id", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact LIMIT 1 WHERE Id = '1'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Contact OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT Id, (SELECT Id FROM Friends) FROM Account", "INVALID_TYPE"),
        ("DELETE FROM Contact", "MALFORMED_QUERY"),
    ],
)
def test_a_query_that_salesforce_refuses_is_refused_with_its_code(api: Api, soql: str, code: str) -> None:
    assert said(api.query(soql)) == (400, code)


def test_a_query_for_children_and_parents_nests_them(api: Api) -> None:
    put(api.server, "Account", [company(1)])
    put(api.server, "Opportunity", [deal(1), deal(2)])
    put(api.server, "OpportunityContactRole", [records.role(1, opportunity=1, contact=4, at=AT)])

    soql = "SELECT Id, Account.Name, (SELECT ContactId FROM OpportunityContactRoles) FROM Opportunity ORDER BY Id"
    one, other = api.query(soql).json()["records"]

    assert one["Account"]["Name"] == "Firm 1"
    assert [role["ContactId"] for role in one["OpportunityContactRoles"]["records"]] == [records.id_of("Contact", 4)]
    assert other["OpportunityContactRoles"] is None


def test_what_was_deleted_is_told_only_to_who_asks_for_all(api: Api) -> None:
    put(api.server, "Contact", [contact(1), contact(2, deleted=True)])

    assert api.ids("SELECT Id FROM Contact") == [1]
    assert api.ids("SELECT Id FROM Contact WHERE IsDeleted = true", "queryAll") == [2]
    assert api.query("SELECT COUNT() FROM Contact", "queryAll").json() == {"totalSize": 2, "done": True, "records": []}


def test_pages_have_two_thousand_rows_and_follow_one_another(api: Api) -> None:
    put(api.server, "Contact", [contact(number, deleted=number == 2001) for number in range(4_100)])

    page = api.query("SELECT Id FROM Contact ORDER BY Id", "queryAll").json()
    sizes, seen = [len(page["records"])], page["records"]
    while not page["done"]:
        assert "/query/01g" in page["nextRecordsUrl"]  # also of queryAll
        page = api.call("GET", page["nextRecordsUrl"]).json()
        sizes, seen = [*sizes, len(page["records"])], seen + page["records"]

    assert (sizes, page["totalSize"]) == ([2000, 2000, 100], 4100)
    assert len({one["Id"] for one in seen}) == 4100
    api.server.advance(2 * 86_400 + 60)
    renewed = Api(api.server)
    assert said(renewed.call("GET", f"{DATA}/query/01g000000000001AAA-2000")) == (400, "INVALID_QUERY_LOCATOR")


def test_limits_are_told_with_each_answer_and_kept(api: Api) -> None:
    api.server.settings({"salesforce.daily_requests": 2})
    told = [api.query("SELECT Id FROM Lead").headers["Sforce-Limit-Info"] for _ in range(2)]

    assert told == ["api-usage=1/2", "api-usage=2/2"]
    assert said(api.query("SELECT Id FROM Lead")) == (403, "REQUEST_LIMIT_EXCEEDED")
    assert api.query("x" * 16_400).status_code == 414


@pytest.mark.parametrize(
    ("soql", "error"),
    [
        ("SELECT Id, (SELECT Id FROM OpportunityContactRoles) FROM Opportunity", (400, "API_ERROR")),
        ("SELECT COUNT() FROM Contact", (400, "API_ERROR")),
        ("SELECT Id FROM Contact OFFSET 5", (400, "API_ERROR")),
        ("SELECT MailingAddress FROM Contact", (400, "FUNCTIONALITY_NOT_ENABLED")),
        ("SELECT Id FROM Contact GROUP BY Id", (400, "MALFORMED_QUERY")),
        ("SELECT Shoe__c FROM Contact", (400, "API_ERROR")),
    ],
)
def test_jobs_refuse_what_only_the_rest_interface_reads(api: Api, soql: str, error: tuple[int, str]) -> None:
    assert said(api.job(soql)) == error


def test_a_job_takes_its_time_and_its_result_stays_as_it_was(api: Api) -> None:
    api.server.settings({"salesforce.job_seconds": 100})
    put(api.server, "Contact", [contact(number) for number in range(1_201)])
    path = api.made("SELECT Id, Email, IsDeleted, Birthdate FROM Contact")
    early, states = api.call("GET", f"{path}/results"), []
    for _ in range(3):
        states.append(api.call("GET", path).json()["state"])
        api.server.advance(51)
    put(api.server, "Contact", [contact(0, email_typed="new@mail.example")])

    assert states == ["UploadComplete", "InProgress", "JobComplete"]
    assert said(early) == (400, "INVALIDJOBSTATE")
    locator, sizes, lines = None, [], []
    while locator != "null":
        answer = api.call("GET", f"{path}/results", maxRecords=500, locator=locator)
        locator = answer.headers["Sforce-Locator"]
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        lines += answer.text.splitlines()[1:]
    assert sizes == ["500", "500", "201"]
    assert lines[0] == '"003000000000000AAA","p0@mail.example","false",""'
    assert len(set(lines)) == 1_201
    assert said(api.call("GET", path.replace("v66", "v65") + "/results")) == (409, "VERSION_MISMATCH")


def test_jobs_are_aborted_deleted_and_forgotten_after_a_week(api: Api) -> None:
    api.server.settings({"salesforce.job_seconds": 100})
    running, done, old = (api.made("SELECT Id FROM Contact") for _ in range(3))
    api.server.advance(60)
    assert said(api.call("DELETE", running)) == (400, "INVALIDJOBSTATE")
    assert api.call("PATCH", running, {"state": "Aborted"}).json()["state"] == "Aborted"
    api.server.advance(60)
    assert said(api.call("PATCH", done, {"state": "Aborted"})) == (400, "INVALIDJOBSTATE")
    assert [api.call("DELETE", path).status_code for path in (running, done)] == [204, 204]
    assert said(api.call("GET", done)) == (404, "NOT_FOUND")
    assert [one["id"] for one in api.call("GET", f"{DATA}/jobs/query").json()["records"]] == [old.rpartition("/")[2]]
    api.server.advance(8 * 86_400)
    assert said(Api(api.server).call("GET", old)) == (404, "NOT_FOUND")


def test_what_the_connector_asks_is_in_salesforces_own_collection(api: Api, vendor_specs: str) -> None:
    put(api.server, "Contact", [contact(number) for number in range(2_010)])
    put(api.server, "Opportunity", [deal(1)])
    put(api.server, "Lead", [records.lead(person(1), company="Firm")])
    known = Credentials(CLIENT_ID, api.account["token"], refresh_token=REFRESH_TOKEN)
    client = salesforce.client(api.account["base_url"], known, poll_seconds=0.05)
    api.server.forget_requests()
    for stream in (salesforce.contacts, salesforce.leads, salesforce.opportunities):
        for since in (None, AT - timedelta(days=1)):
            rows = [
                row
                for page in stream(
                    client, salesforce.Window(since, datetime.now(UTC)), {"ids": {}, "options": {"page_size": 1_500}}
                )
                for row in page.rows
            ]
            assert rows

    recorded = api.server.recorded("salesforce")
    assert {one.method for one in recorded} == {"GET", "POST", "DELETE"}
    assert any("locator=" in one.query for one in recorded)
    more_pages = [one for one in recorded if "/query/01g" in one.path]  # the collection has no request for a next page
    assert (
        check_postman(
            Path(vendor_specs) / COLLECTION, [one for one in recorded if one not in more_pages], "/salesforce"
        )
        == []
    )
    assert all(one.query == "" for one in more_pages)


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "word"),
    [
        ("GET", "/services/data/v66.0/quary", "", b"", "no such request"),
        ("PUT", "/services/data/v66.0/jobs/query/750", "", b"", "no such request"),
        ("GET", "/services/data/v66.0/query", "query=x", b"", "'query' is not shown"),
        ("POST", "/services/data/v66.0/jobs/query", "", b'{"soql": "x"}', "'soql' is not shown"),
        ("POST", "/services/data/v66.0/jobs/query", "", b'{"lineEnding": "CR"}', "value that is not shown"),
    ],
)
def test_the_comparison_finds(vendor_specs: str, method: str, path: str, query: str, body: bytes, word: str) -> None:
    wrong = Recorded(
        at=0,
        seconds=0,
        platform="salesforce",
        method=method,
        path=f"/salesforce{path}",
        query=query,
        headers={"content-type": "application/json"},
        body=body,
        status=200,
        answer=b"",
        answer_headers={},
    )

    assert any(word in line for line in check_postman(Path(vendor_specs) / COLLECTION, [wrong], "/salesforce"))
