"""A company's Salesforce for tests: records put into the stand-in, clients, what was landed and staged."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson
import psycopg

from include import landing, warehouse
from include.sources import salesforce
from include.sources.mapping import staging_parameters, table_mapping
from include.sources.pages import Page, Window
from include.sources.registry import STREAMS
from include.sources.salesforce_client import Credentials
from include.standins import salesforce_records as records
from include.standins.merchant_people import Record
from include.standins.store import Document
from tests.include.sources.platforms import client_of
from tests.standins import Standins

AT = datetime(2026, 11, 1, tzinfo=UTC)
CONTACTS = "salesforce.contacts"
BY_JOBS = {"page_size": 70, "job_rows": 100}
GRANTED = ("granted", AT - timedelta(days=30))


def person(number: int, *, changed: datetime = AT, **more: Any) -> Record:
    """A person of that number with an address of their own."""
    given = {"email_typed": f"p{number}@mail.example", "first_name": "Ann", "last_name": f"Lee {number}", **more}
    return Record("salesforce.contacts", str(number), number, AT - timedelta(days=60), changed, **given)


def contact(number: int, *, account: int | None = None, **more: Any) -> Document:
    return records.contact(person(number, **more), account=account)


def deal(number: int, stage: str = "Negotiation", *, changed: datetime = AT, amount: float | None = 2500.0) -> Document:
    made = {"created": AT - timedelta(days=40), "changed": changed, "closes_on": date(2026, 12, 31)}
    return records.opportunity(number, f"Deal {number}", stage=stage, amount=amount, account=1, **made)


def company(number: int, **more: Any) -> Document:
    return records.account(number, f"Firm {number}", created=AT - timedelta(days=90), changed=AT, **more)


def put(server: Standins, name: str, documents: Iterable[Document]) -> None:
    """Put records into the company's account, as the control interface takes them."""
    server.put("salesforce", name, *(asdict(one) for one in documents))


def land(
    conn: psycopg.Connection,
    server: Standins,
    stream: str,
    until: datetime | None = None,
    options: Mapping[str, Any] | None = None,
) -> landing.Landed:
    """Land the stream; ``options`` as a mapping has them."""
    mapping = {**table_mapping(stream), "options": options or {}}
    until = until or datetime.now(UTC)
    return landing.land(conn, stream, client_of(server, "salesforce"), until=until, mapping=mapping)


def staged(conn: psycopg.Connection, stream: str) -> list[dict[str, Any]]:
    """What the stream's statement makes of everything landed, by key; without what differs between two landings."""
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch where stream = %s", (stream,))]
    rows = warehouse.rows(conn, STREAMS[stream].staging_statement, staging_parameters(stream, batches))
    return sorted(rows, key=lambda row: row["record_key"])


def landed(conn: psycopg.Connection, stream: str) -> dict[str, dict[str, Any]]:
    """The newest payload of each key."""
    found = conn.execute(
        "select record_key, payload::text from raw.record where stream = %s order by raw_id", (stream,)
    )
    return {key: orjson.loads(payload) for key, payload in found}


def read(server: Standins, since: datetime | None = None, state: dict[str, Any] | None = None) -> Iterator[Page]:
    """The contacts' pages, the many of a first load by jobs."""
    account = server.account("salesforce")
    known = Credentials(account["client_id"], account["token"])
    client = salesforce.client(account["base_url"], known, poll_seconds=0.05)
    mapping = {**table_mapping(CONTACTS), "options": BY_JOBS}
    return salesforce.contacts(client, Window(since, datetime.now(UTC), state or {}), mapping)


def keys(pages: Any) -> list[str]:
    """Of all rows, in their order."""
    return [row.key for page in pages for row in page.rows]


def asked(server: Standins, method: str, path: str) -> int:
    """How many requests of that method went to a path like that."""
    return len(server.recorded("salesforce", method, path))
