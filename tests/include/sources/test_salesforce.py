"""Salesforce's streams, landed from the stand-in: jobs and queries give the same rows, nothing is lost or doubled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import psycopg
import pytest
import requests

from include import landing
from include.errors import AuthError, ConfigError, FatalError, QuotaError, RetriableError
from include.limits import Quota
from include.sources import salesforce, salesforce_bulk
from include.sources.checks import salesforce as salesforce_check
from include.sources.mapping import table_mapping
from include.sources.pages import Page, Window
from include.sources.salesforce_client import Credentials, classify_token
from include.standins import salesforce_records as records
from tests.include.sources.platforms import client_of
from tests.include.sources.salesforce_company import (
    AT,
    GRANTED,
    company,
    contact,
    deal,
    land,
    landed,
    person,
    put,
    staged,
)
from tests.standins import Standins, running_standins

CONTACTS, DEALS = "salesforce.contacts", "salesforce.opportunities"
MANY = 210  # more than the smallest page of a query
BY_JOBS = {"page_size": 70, "job_rows": 100}
NOT_COMPARED = ("raw_id", "batch_id", "payload_hash")
ODD = 'Lee, "the\nthird"; Ünï'


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("salesforce"), platforms=("salesforce",)) as server:
        yield server


@pytest.fixture
def server(running: Standins) -> Standins:
    """An account in which nothing stands."""
    running.reset()
    return running


def read(server: Standins, since: datetime | None = None, state: dict[str, Any] | None = None) -> Iterator[Page]:
    account = server.account("salesforce")
    known = Credentials(account["client_id"], account["token"])
    client = salesforce.client(account["base_url"], known, poll_seconds=0.05)
    mapping = {**table_mapping(CONTACTS), "options": BY_JOBS}
    return salesforce.contacts(client, Window(since, datetime.now(UTC), state or {}), mapping)


def keys(pages: Any) -> list[str]:
    return [row.key for page in pages for row in page.rows]


def asked(server: Standins, method: str, path: str) -> int:
    return len(server.recorded("salesforce", method, path))


def test_a_job_and_a_query_give_the_same_staged_rows(conn: psycopg.Connection, server: Standins) -> None:
    odd = [
        contact(1, last_name=ODD, phone_typed="007", interests=("true", "12.50"), email_consent=GRANTED, account=1),
        contact(2, email_typed=None, first_name="", birth_on=AT.date(), ads_consent=GRANTED, country="DE"),
        contact(3, deleted=True, email_consent=("withdrawn", AT), ids={"loyalty": "0042"}),
    ]
    put(server, "Contact", [*odd, *(contact(number) for number in range(10, MANY))])
    put(server, "Account", [company(1, Website="https://www.Firm.example/en", AnnualRevenue=1250000.5)])

    land(conn, server, CONTACTS, options=BY_JOBS)
    by_job, sent_by_job = staged(conn, CONTACTS), landed(conn, CONTACTS)
    assert asked(server, "POST", "%/jobs/query") == 1
    conn.execute("truncate raw.record, ops.batch, ops.stream_cursor cascade")
    conn.commit()
    server.settings({"salesforce.jobs": "off"})
    land(conn, server, CONTACTS, options=BY_JOBS)

    assert asked(server, "POST", "%/jobs/query") == 2
    by_query = staged(conn, CONTACTS)
    assert len(by_query) == MANY - 7
    for one, other in zip(by_job, by_query, strict=True):
        assert {k: v for k, v in one.items() if k not in NOT_COMPARED} == {
            k: v for k, v in other.items() if k not in NOT_COMPARED
        }
    assert sent_by_job == landed(conn, CONTACTS)
    [first, second, third, *_] = by_query
    assert (first["last_name"], first["phone"], first["interests"]) == (ODD, "007", ["12.50", "true"])
    assert (first["consent_email"], first["consent_email_at"]) == GRANTED
    assert (second["email"], second["first_name"], second["birth_on"], second["country"]) == (
        None,
        None,
        AT.date(),
        "DE",
    )
    assert (third["deleted"], third["consent_email"], third["ids"]["loyalty"]) == (True, "withdrawn", "0042")


def test_pain_29_a_killed_first_load_goes_on_at_its_locator(server: Standins) -> None:
    put(server, "Contact", [contact(number) for number in range(MANY)])
    first, second = islice(read(server), 2)

    rest = list(read(server, state=dict(second.cursor)))

    found = [*keys([first, second]), *keys(rest)]
    assert sorted(found) == sorted(set(found))
    assert len(found) == MANY
    assert asked(server, "POST", "%/jobs/query") == 1
    assert rest[-1].cursor["since"] > first.cursor["begun"]
    assert not list(server.documents("salesforce", "bulk_job")), "a job that was read lies there for ever"


@pytest.mark.parametrize("gone", ["expired", "aborted"])
def test_a_job_that_is_gone_is_made_again(server: Standins, gone: str) -> None:
    put(server, "Contact", [contact(number) for number in range(MANY)])
    [first] = islice(read(server), 1)
    if gone == "expired":
        server.advance(8 * 86_400)
    else:
        [job] = server.documents("salesforce", "bulk_job").values()
        server.put(
            "salesforce",
            "bulk_job",
            {**job, "body": {**job["body"], "info": {**job["body"]["info"], "state": "Aborted"}}},
        )

    again = list(read(server, state=dict(first.cursor)))

    assert len(keys(again)) == MANY
    assert asked(server, "POST", "%/jobs/query") == 2


def test_a_job_that_fails_is_replaced_by_queries_that_can_be_resumed(server: Standins) -> None:
    put(server, "Contact", [contact(number) for number in range(MANY)])
    server.settings({"salesforce.fail_jobs": 1})
    first, *_ = pages = list(read(server))

    rest = list(read(server, state=dict(first.cursor)))

    assert len(set(keys(pages))) == len(keys(pages)) == MANY
    assert keys([first]) + keys(rest) == keys(pages)


def test_what_changes_while_a_first_load_lies_still_is_landed_by_the_run_that_ends_it(server: Standins) -> None:
    put(server, "Contact", [contact(number) for number in range(MANY)])
    [first] = islice(read(server), 1)
    put(server, "Contact", [contact(1, changed=datetime.now(UTC), last_name="New")])

    rest = list(read(server, state=dict(first.cursor)))

    [new] = [row.payload for page in rest for row in page.rows if row.key == records.id_of("Contact", 1)]
    assert b'"LastName":"New"' in new


def test_changes_and_deletions_are_landed_and_an_overlap_brings_nothing_twice(
    conn: psycopg.Connection, server: Standins
) -> None:
    put(server, "Contact", [contact(number) for number in (1, 2, 3)])
    land(conn, server, CONTACTS)
    now = datetime.now(UTC)
    put(server, "Contact", [contact(2, changed=now, deleted=True), contact(4, changed=now)])

    assert land(conn, server, CONTACTS, now + timedelta(minutes=1)).rows == 2
    assert land(conn, server, CONTACTS, now + timedelta(minutes=2)).rows == 0
    assert [(row["record_key"][8:15], row["deleted"]) for row in staged(conn, CONTACTS)] == [
        ("0000001", False),
        ("0000002", True),
        ("0000003", False),
        ("0000004", False),
    ]


def test_pain_32_a_row_that_is_committed_after_its_stamp_is_seen_by_the_next_window(
    conn: psycopg.Connection, server: Standins
) -> None:
    land(conn, server, CONTACTS)
    put(server, "Contact", [contact(7, changed=datetime.now(UTC) - salesforce.OVERLAP + timedelta(minutes=1))])

    assert land(conn, server, CONTACTS).rows == 1


def test_a_query_whose_cursor_was_given_up_goes_on_where_it_was(server: Standins) -> None:
    now = datetime.now(UTC)
    put(server, "Contact", [contact(n, changed=now - timedelta(milliseconds=MANY - n)) for n in range(MANY)])
    pages = read(server, since=now - timedelta(hours=1))
    found = keys(islice(pages, 1))
    server.settings({"salesforce.cursors": 0})
    client_of(server, "salesforce").query(
        "SELECT Id FROM Contact", size=200
    )  # one cursor too many: the oldest is given up
    server.settings({"salesforce.cursors": 10})

    found += keys(pages)

    assert len(set(found)) == MANY
    assert len(found) <= MANY + 1  # the last stamp is asked for again


def test_an_opportunity_is_read_again_when_only_its_contact_roles_changed(
    conn: psycopg.Connection, server: Standins
) -> None:
    put(server, "Opportunity", [deal(1), deal(2, "Closed Won"), deal(3, "Closed Lost", amount=None)])
    put(server, "OpportunityContactRole", [records.role(1, opportunity=1, contact=5, at=AT, primary=True)])
    land(conn, server, DEALS)
    now = datetime.now(UTC)
    put(
        server,
        "OpportunityContactRole",
        [records.role(2, opportunity=2, contact=6, at=now), records.role(3, opportunity=2, contact=5, at=now)],
    )

    assert land(conn, server, DEALS, now + timedelta(minutes=1)).rows == 1
    assert land(conn, server, DEALS, now + timedelta(minutes=1)).rows == 0

    open_, won, lost = staged(conn, DEALS)
    five, six = records.id_of("Contact", 5), records.id_of("Contact", 6)
    assert [(row["state"], row["person_keys"], row["amount_minor"]) for row in (open_, won, lost)] == [
        ("open", [five], 250_000),
        ("won", [five, six], 250_000),
        ("lost", [], None),
    ]
    assert (won["person_stream"], won["company_stream"], won["company_key"]) == (
        CONTACTS,
        "salesforce.accounts",
        records.id_of("Account", 1),
    )
    assert str(won["closes_on"]) == "2026-12-31"


def test_roles_of_many_opportunities_are_asked_for_in_uris_that_salesforce_takes(server: Standins) -> None:
    put(server, "Opportunity", [deal(number) for number in range(1_100)])
    put(server, "OpportunityContactRole", [records.role(n, opportunity=n, contact=n, at=AT) for n in range(1_100)])
    window = Window(None, datetime.now(UTC))

    pages = list(salesforce.opportunities(client_of(server, "salesforce"), window, table_mapping(DEALS)))

    assert sum(row.payload.count(b'"ContactId":') for page in pages for row in page.rows) == 1_100
    longest = max(len(one.path) + len(one.query) for one in server.recorded("salesforce"))
    assert 12_000 < longest < 16_384


def test_a_company_is_staged_with_its_host_as_domain(conn: psycopg.Connection, server: Standins) -> None:
    put(
        server,
        "Account",
        [
            company(
                1,
                Website="https://www.Firm.example/en?x=1",
                AnnualRevenue=1250000.5,
                NumberOfEmployees=40,
                BillingCountry="Germany",
            )
        ],
    )
    land(conn, server, "salesforce.accounts")

    [row] = staged(conn, "salesforce.accounts")

    assert (row["domain"], row["revenue_minor"], row["employees"], row["country"]) == (
        "firm.example",
        125_000_050,
        40,
        "DE",
    )


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


def test_a_job_that_somebody_aborts_is_tried_again_later(server: Standins) -> None:
    put(server, "Contact", [contact(number) for number in range(MANY)])
    server.settings({"salesforce.job_seconds": 3600})
    client = client_of(server, "salesforce")
    job = client.request(
        "POST", f"{client.data}/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Lead"}
    )
    path = f"{client.data}/jobs/query/{job['id']}"
    client.request("PATCH", path, json={"state": "Aborted"})

    with pytest.raises(RetriableError, match="aborted"):
        salesforce_bulk.wait(client, path)


def test_a_converted_lead_names_the_contact_it_became(conn: psycopg.Connection, server: Standins) -> None:
    put(server, "Lead", [records.lead(person(1), company="Firm", converted_to=9), records.lead(person(2), company="X")])
    land(conn, server, "salesforce.leads")

    converted, open_ = staged(conn, "salesforce.leads")

    assert converted["ids"] == {"salesforce_contact": records.id_of("Contact", 9)}
    assert open_["ids"] == {}


def test_a_contact_that_was_deleted_past_the_recycle_bin_is_no_key_any_more(server: Standins) -> None:
    put(server, "Contact", [contact(1), contact(2, deleted=True), *(contact(number) for number in range(3, 2_100))])
    client, mapping = client_of(server, "salesforce"), table_mapping(CONTACTS)

    found = [key for page in salesforce.contact_keys(client, Window(None, datetime.now(UTC)), mapping) for key in page]

    assert found == [records.id_of("Contact", number) for number in range(1, 2_100) if number != 2]
    assert list(salesforce.lead_keys(client, Window(AT, datetime.now(UTC)), mapping)) == []


def test_the_check_before_the_night_tells_what_is_left_of_the_company_s_day(server: Standins) -> None:
    server.settings({"salesforce.daily_requests": 1_000})

    checked = salesforce_check.check(client_of(server, "salesforce"))

    assert checked.missing == ()
    assert checked.quota == {"calls a day": Quota(1_000, 995, lasts=True)}
