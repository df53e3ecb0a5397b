"""What Salesforce refuses: sessions that end, limits that answer 403, credentials, fields the account lacks."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
import requests

from include import landing
from include.errors import AuthError, ConfigError, FatalError, QuotaError, RetriableError
from include.limits import Quota
from include.sources import salesforce
from include.sources.checks import salesforce as salesforce_check
from include.sources.mapping import table_mapping
from include.sources.pages import Window
from include.sources.salesforce_client import classify_token
from include.standins import salesforce_records as records
from tests.include.sources.platforms import client_of
from tests.include.sources.salesforce_company import AT, CONTACTS, asked, contact, keys, land, put, read
from tests.standins import Standins, running_standins


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("salesforce"), platforms=("salesforce",)) as server:
        yield server


@pytest.fixture
def server(running: Standins) -> Standins:
    """An account in which nothing stands."""
    running.reset()
    return running


def test_a_session_that_has_ended_is_renewed_without_anybody_noticing(server: Standins) -> None:
    put(server, "Contact", [contact(number) for number in range(3)])
    client = client_of(server, "salesforce")
    client.query("SELECT Id FROM Contact")
    server.advance(7_300)

    assert client.query("SELECT Id FROM Contact")["totalSize"] == 3
    assert asked(server, "POST", "%/oauth2/token") == 2


def test_a_limit_at_the_token_endpoint_is_waited_for_and_no_reason_to_doubt_the_credentials(server: Standins) -> None:
    put(server, "Contact", [contact(1)])
    server.faults({"platform": "salesforce", "kind": "throttle", "path": "/oauth2/token", "next": 1})

    assert client_of(server, "salesforce").query("SELECT Id FROM Contact")["totalSize"] == 1
    assert asked(server, "POST", "%/oauth2/token") == 2


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"error":"invalid_grant","error_description":"login rate exceeded"}', QuotaError),
        (b'{"error":"unknown_error","error_description":"retry your request"}', RetriableError),
        (b'{"error":"invalid_grant","error_description":"authentication failure"}', AuthError),
    ],
)
def test_what_the_token_endpoint_refuses_is_told_apart_by_its_words(body: bytes, kind: type[Exception]) -> None:
    answer = requests.Response()
    answer.status_code, answer._content = 400, body

    assert type(classify_token(answer)) is kind


def test_credentials_that_never_work_stop_at_once_and_nothing_is_landed(
    conn: psycopg.Connection, server: Standins
) -> None:
    server.faults({"platform": "salesforce", "kind": "expired_token", "path": "/services/data/"})

    with pytest.raises(AuthError, match="INVALID_SESSION_ID"):
        land(conn, server, CONTACTS)
    assert asked(server, "POST", "%/oauth2/token") == 2
    assert conn.execute("select count(*) from raw.record").fetchone() == (0,)


def test_a_day_s_limit_ends_the_load_though_it_answers_403(server: Standins) -> None:
    put(server, "Contact", [contact(1)])
    server.settings({"salesforce.daily_requests": 1})
    client = client_of(server, "salesforce")
    client.query("SELECT Id FROM Contact")

    with pytest.raises(QuotaError, match="REQUEST_LIMIT_EXCEEDED") as raised:
        client.query("SELECT Id FROM Contact")
    assert raised.value.retry_after == 3600


def test_pain_28_too_many_requests_at_once_are_waited_for(server: Standins) -> None:
    put(server, "Contact", [contact(1)])
    server.faults({"platform": "salesforce", "kind": "throttle", "path": "/queryAll", "next": 1})

    assert keys(read(server)) == [records.id_of("Contact", 1)]


def test_a_field_the_account_lacks_is_told_by_its_name_and_no_value_is(server: Standins) -> None:
    mapping = {**table_mapping(CONTACTS), "language": ["Shoe_Size__c"]}
    window = Window(None, datetime.now(UTC))

    with pytest.raises(FatalError, match=r"Contact has no field Shoe_Size__c.*salesforce\.yaml"):
        list(salesforce.contacts(client_of(server, "salesforce"), window, mapping))


def test_more_fields_than_a_uri_holds_are_told_before_anything_is_asked(server: Standins) -> None:
    ids = {f"id{number}": f"A_Field_With_A_Rather_Long_Name_{number}__c" for number in range(400)}
    window = Window(AT, datetime.now(UTC))

    with pytest.raises(ConfigError, match=r"salesforce\.yaml names too many fields"):
        list(salesforce.contacts(client_of(server, "salesforce"), window, {**table_mapping(CONTACTS), "ids": ids}))


@pytest.mark.parametrize("kind", ["lost_answer", "half_answer", "reset", "error"])
def test_a_call_that_fails_once_is_made_again_and_every_record_arrives_once(
    conn: psycopg.Connection, server: Standins, kind: str
) -> None:
    put(server, "Contact", [contact(number) for number in range(50)])
    server.faults({"platform": "salesforce", "kind": kind, "skip": 1, "next": 1, "seconds": 0.05})

    landing.land(conn, CONTACTS, client_of(server, "salesforce"), until=datetime.now(UTC))

    assert [one["hit"] for one in server.fault_state()] == [1]
    assert conn.execute("select count(*), count(distinct record_key) from raw.record").fetchone() == (50, 50)


def test_the_check_before_the_night_tells_what_is_left_of_the_company_s_day(server: Standins) -> None:
    server.settings({"salesforce.daily_requests": 1_000})

    checked = salesforce_check.check(client_of(server, "salesforce"))

    assert checked.missing == ()
    assert checked.quota == {"calls a day": Quota(1_000, 995, lasts=True)}
