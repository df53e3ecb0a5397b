"""HubSpot's companies, deals and associations: a record reads the same whether it was listed or searched."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import psycopg
import pytest

from include import landing, warehouse
from include.errors import FatalError
from include.sources import hubspot
from include.sources.mapping import staging_parameters, table_mapping
from include.sources.pages import Window
from include.sources.registry import STREAMS
from include.standins import hubspot_records as records
from include.standins.hubspot_associations import KIND, associated
from include.standins.store import Document
from tests.conformance import check_openapi
from tests.include.sources.platforms import client_of
from tests.include.sources.small_server import Answer, Asked, serving
from tests.standins import Standins, running_standins

AT = datetime(2026, 11, 1, tzinfo=UTC)
MADE = {"created": AT - timedelta(days=40), "closes_on": date(2026, 11, 30)}
DEALS, COMPANIES = "hubspot.deals", "hubspot.companies"
CRM = "hubspot/hubspot-crm-objects.derived.openapi.json"
ASSOCIATIONS = "hubspot/hubspot-crm-associations-v4.derived.openapi.json"
KNOWN = (
    r"request: sorts\.0: \{.*\} is not of type 'string'",  # typed as text, shown as an object in the vendor's guide
    r"answer 200: results\.\d+\.properties\.\w+: None ",  # the platform says null of an empty property
    r"answer: field (status|errorType|policyName) is not declared",  # of its refusals; the guide shows them
)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standins]:
    with running_standins(tmp_path_factory.mktemp("hubspot"), platforms=("hubspot",)) as server:
        yield server


@pytest.fixture
def server(running: Standins) -> Standins:
    """An account with two companies, three contacts and three deals; the first deal belongs to all."""
    running.reset()
    running.advance(20)
    put(
        running,
        "company",
        *(
            records.company(n, f"Firm {n}", created=AT, changed=AT, domain=f"firm{n}.example", numberofemployees="12")
            for n in (8, 9)
        ),
    )
    put(
        running,
        "contact",
        *(person(n) for n in (1, 2, 3)),
    )
    put(
        running,
        "deal",
        records.deal(1, "A", stage="offer", amount=99.5, changed=AT, currency="USD", **MADE),
        records.deal(2, "B", stage=records.WON, amount=1000, changed=AT, **MADE),
        records.deal(3, "C", stage=records.LOST, amount=None, changed=AT, **MADE),
    )
    put(
        running,
        KIND,
        associated("deal", "1", companies=["9", "8"], contacts=["3", "1", "2"]),
        associated("deal", "2", contacts=["2"]),
    )
    return running


def person(number: int) -> Document:
    """A contact of whom nothing is known."""
    at = "2025-11-01T00:00:00.000Z"
    held = {"hs_object_id": str(number), "createdate": at, "lastmodifieddate": at}
    body = {"id": str(number), "properties": held, "createdAt": at, "updatedAt": at, "archived": False}
    return Document(str(number), body, 0, 0)


def put(server: Standins, kind: str, *documents: Document) -> None:
    server.put("hubspot", kind, *(asdict(one) for one in documents))


def land(conn: psycopg.Connection, server: Standins, stream: str, until: datetime | None = None) -> landing.Landed:
    return landing.land(conn, stream, client_of(server, "hubspot"), until=until or datetime.now(UTC))


def staged(conn: psycopg.Connection, stream: str) -> list[dict[str, Any]]:
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch where stream = %s", (stream,))]
    rows = warehouse.rows(conn, STREAMS[stream].staging_statement, staging_parameters(stream, batches))
    return sorted(rows, key=lambda row: row["record_key"])


def payloads(server: Standins, since: datetime | None) -> dict[str, Any]:
    window = Window(since, datetime.now(UTC))
    pages = hubspot.deals(client_of(server, "hubspot"), window, table_mapping(DEALS))
    return {row.key: orjson.loads(row.payload) for page in pages for row in page.rows}


def test_deals_name_their_primary_company_and_all_their_contacts(conn: psycopg.Connection, server: Standins) -> None:
    land(conn, server, DEALS)

    open_, won, lost = staged(conn, DEALS)

    assert [(row["state"], row["amount_minor"], row["currency"]) for row in (open_, won, lost)] == [
        ("open", 9_950, "USD"),
        ("won", 100_000, "EUR"),
        ("lost", None, "EUR"),
    ]
    assert (open_["company_key"], open_["company_stream"]) == ("9", COMPANIES)
    assert (open_["person_keys"], won["person_keys"], lost["person_keys"]) == (["1", "2", "3"], ["2"], [])
    assert (won["person_stream"], str(won["closes_on"]), won["pipeline"]) == (
        "hubspot.contacts",
        "2026-11-30",
        "default",
    )


def test_contacts_name_their_primary_company(conn: psycopg.Connection, server: Standins) -> None:
    put(server, KIND, associated("contact", "2", companies=["9", "8"]))

    land(conn, server, "hubspot.contacts")

    found = [(row["company_stream"], row["company_key"]) for row in staged(conn, "hubspot.contacts")]
    assert found == [(None, None), (COMPANIES, "9"), (None, None)]


@pytest.mark.parametrize("page", [500, 2, 1])
def test_a_deal_reads_the_same_whether_it_was_listed_or_searched(server: Standins, page: int) -> None:
    server.settings({"hubspot.associations_page": page})

    listed, searched = payloads(server, None), payloads(server, AT - timedelta(days=1))

    assert listed == searched
    assert [one["id"] for one in listed["1"]["associations"]["companies"]["results"]] == ["9", "8"]
    assert [one["id"] for one in listed["1"]["associations"]["contacts"]["results"]] == ["1", "2", "3"]
    assert "associations" not in listed["3"]


def test_companies_are_staged_and_those_archived_leave(conn: psycopg.Connection, server: Standins) -> None:
    land(conn, server, COMPANIES)
    now = datetime.now(UTC)
    client_of(server, "hubspot").request("DELETE", "/crm/v3/objects/companies/8")
    put(server, "company", records.company(9, "Firm 9", created=AT, changed=now, domain="WWW.firm9.example"))

    land(conn, server, COMPANIES, now + timedelta(minutes=1))

    [row] = staged(conn, COMPANIES)
    assert (row["record_key"], row["name"], row["domain"]) == ("9", "Firm 9", "firm9.example")


def test_a_contact_is_landed_with_the_company_it_belongs_to(conn: psycopg.Connection, server: Standins) -> None:
    put(server, KIND, associated("contact", "2", companies=["8"]))
    land(conn, server, "hubspot.contacts")

    found = conn.execute(
        "select record_key, payload::jsonb #>> '{associations,companies,results,0,id}' from raw.record"
    )

    assert dict(found.fetchall()) == {"1": None, "2": "8", "3": None}


def test_what_is_asked_is_what_the_specifications_say(
    conn: psycopg.Connection, server: Standins, vendor_specs: str
) -> None:
    server.settings({"hubspot.associations_page": 2})
    for stream in (DEALS, COMPANIES, "hubspot.contacts"):
        land(conn, server, stream, AT + timedelta(days=1))
    later = {**MADE, "changed": AT + timedelta(days=2)}
    put(server, "deal", *(records.deal(n, "D", stage="offer", amount=1, **later) for n in (1, 3)))
    for stream in (DEALS, COMPANIES, "hubspot.contacts"):
        land(conn, server, stream)

    recorded = server.recorded("hubspot")
    of_associations = [one for one in recorded if "/crm/v4/" in one.path]
    assert {one.status for one in of_associations} == {200, 207}
    assert check_openapi(Path(vendor_specs) / ASSOCIATIONS, of_associations, "/hubspot") == []
    others = [one for one in recorded if one not in of_associations]
    assert {one.path.rpartition("/")[2] for one in others} >= {"companies", "deals", "search"}
    assert check_openapi(Path(vendor_specs) / CRM, others, "/hubspot", allowed=KNOWN) == []


def read(answer: Callable[[Asked], Answer]) -> list[Any]:
    window = Window(AT, AT + timedelta(days=1))
    with serving(answer) as url:
        return list(hubspot.deals(hubspot.client(url, "token"), window, table_mapping(DEALS)))


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"results": [{"from": {"id": "1"}, "to": [], "paging": {"next": {"after": "5"}}}]}, "same next page twice"),
        ({"results": [], "errors": [{"category": "VALIDATION_ERROR"}]}, "could not be read"),
    ],
)
def test_associations_that_never_end_or_cannot_be_read_are_no_empty_ones(answer: dict[str, Any], word: str) -> None:
    one = {"id": "1", "properties": {"hs_lastmodifieddate": AT.isoformat()}}

    def platform(asked: Asked) -> Answer:
        if asked.method == "GET":
            return Answer({"results": []})  # nothing is archived
        if asked.path.endswith("/search"):
            return Answer({"results": [one]})
        return Answer(answer, 207 if "errors" in answer else 200)

    with pytest.raises(FatalError, match=word):
        read(platform)
