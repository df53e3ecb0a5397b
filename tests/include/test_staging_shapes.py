"""What a mapping alone makes of a payload: events, companies, deals, mailings, report rows."""

import hashlib
import json
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from include import warehouse
from include.errors import ConfigError
from include.sources.mapping_reader import read_table

EVENTS = """
happened:
  columns: {occurred_at: at, email: who.email, amount: paid, currency: money, deleted: gone}
  events: {path: what, names: {Opened Email: email_opened}, others: keep}
  properties: {link: data.url, absent: data.none}
"""
DEALS = """
deals:
  columns: {name: title, stage: stage, is_closed: closed, is_won: won, amount: worth, closes_on: day,
            company_key: company, person_keys: "$.people[*].id", deleted: archived}
  constants: {currency: EUR, company_stream: crm.companies, person_stream: crm.contacts}
"""
COMPANIES = """
companies:
  columns: {name: name, domain: web, employees: size, revenue: turnover, currency: money, country: land, changed_at: at}
"""
CAMPAIGNS = """
mailings:
  columns: {name: title, sent_at: sent, recipients: n, opened: seen}
"""
REPORT = """
visits:
  columns: {on_date: dimensions.date, dimensions: dimensions, metrics: metrics}
"""


def staged(conn: psycopg.Connection, shape: str, mapping: str, *payloads: dict[str, Any]) -> list[dict[str, Any]]:
    """What the shape's statement makes of these records, keyed 1, 2, …"""
    table = mapping.strip().partition(":")[0]
    bound = read_table("include/sources/x.yaml", mapping, shape, table)
    for key, payload in enumerate(payloads, 1):
        text = json.dumps(payload)
        conn.execute(
            "insert into raw.record (batch_id, stream, record_key, payload, payload_hash)"
            " values (1, 'shopify.checkouts', %s, %s, %s)",
            (str(key), text, hashlib.sha256(text.encode()).digest()),
        )
    values = {name: Jsonb(value) if isinstance(value, dict) else value for name, value in bound.items()}
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute(
            warehouse.statement(f"staging/stg_{shape}"), {"stream": "shopify.checkouts", "batch_ids": [1], **values}
        )
        return sorted(cursor.fetchall(), key=lambda row: int(row["record_key"]))


def test_an_event_has_our_name_its_properties_and_a_bundle_of_identifiers(conn: psycopg.Connection) -> None:
    [row] = staged(
        conn,
        "event",
        EVENTS,
        {
            "at": "2026-11-19T10:00:00Z",
            "what": "Opened Email",
            "paid": "12.5",
            "who": {"email": "a@x.example"},
            "money": "eur",
            "data": {"url": "u", "none": None},
        },
    )

    assert (row["name"], row["amount_minor"], row["currency"], row["properties"]) == (
        "email_opened",
        1250,
        "EUR",
        {"link": "u"},
    )
    assert row["identity_key"] is not None
    assert row["bad_casts"] == []


@pytest.mark.parametrize(
    ("others", "names"),
    [("keep", ["email_opened", "placed_order"]), ("leave", ["email_opened"]), ("unknown", ["email_opened", None])],
)
def test_a_word_that_is_not_listed_is_kept_left_or_unknown(
    conn: psycopg.Connection, others: str, names: list[str]
) -> None:
    at = "2026-11-19T10:00:00Z"

    rows = staged(
        conn,
        "event",
        EVENTS.replace("keep", others),
        {"at": at, "what": "Opened Email"},
        {"at": at, "what": "Placed  Order!"},
    )

    assert [row["name"] for row in rows] == names


def test_an_event_the_source_deleted_gives_no_row(conn: psycopg.Connection) -> None:
    assert staged(conn, "event", EVENTS, {"at": "2026-11-19T10:00:00Z", "what": "x", "gone": True}) == []


def test_a_deal_is_open_won_or_lost_and_names_its_company_and_people(conn: psycopg.Connection) -> None:
    rows = staged(
        conn,
        "deal",
        DEALS,
        {
            "title": "a",
            "closed": "false",
            "won": "false",
            "worth": "100",
            "company": 7,
            "people": [{"id": 2}, {"id": 1}],
        },
        {"title": "b", "closed": True, "won": True, "day": "2026-11-30"},
        {"title": "c", "closed": "true", "won": "false"},
        {"title": "d", "archived": True},
        {"title": "e", "closed": "perhaps"},
    )

    assert [row["state"] for row in rows] == ["open", "won", "lost", "open"]
    assert (rows[0]["amount_minor"], rows[0]["company_key"], rows[0]["company_stream"]) == (
        10_000,
        "7",
        "crm.companies",
    )
    assert (rows[0]["person_keys"], rows[0]["person_stream"]) == (["1", "2"], "crm.contacts")
    assert (rows[1]["person_keys"], rows[1]["person_stream"], str(rows[1]["closes_on"])) == ([], None, "2026-11-30")
    assert rows[3]["bad_casts"] == ["state"]


def test_a_company_is_read_and_what_cannot_be_read_is_named(conn: psycopg.Connection) -> None:
    good, bad = staged(
        conn,
        "company",
        COMPANIES,
        {"name": "Acme", "web": "ACME.example", "size": "250", "turnover": "1e6", "money": "EUR", "land": "Germany"},
        {"name": "Odd", "size": "many", "turnover": "much", "money": "shells", "at": "soon"},
    )

    assert (good["domain"], good["employees"], good["revenue_minor"], good["country"]) == (
        "acme.example",
        250,
        100_000_000,
        "DE",
    )
    assert bad["bad_casts"] == ["changed_at", "employees", "revenue_minor", "currency"]


def test_a_mailing_and_a_report_row_are_read(conn: psycopg.Connection) -> None:
    [mailing] = staged(
        conn, "campaign", CAMPAIGNS, {"title": "May", "sent": "2026-05-01T08:00:00Z", "n": 1200, "seen": "few"}
    )
    conn.rollback()
    [row] = staged(
        conn,
        "report_row",
        REPORT,
        {
            "dimensions": {"date": "20261119", "source": "ads"},
            "metrics": {"sessions": "42", "rate": "0.25", "odd": "x"},
        },
    )

    assert (mailing["recipients"], mailing["opened"], mailing["bad_casts"]) == (1200, None, ["opened"])
    assert (str(row["on_date"]), row["dimensions"]["source"]) == ("2026-11-19", "ads")
    assert (row["metrics"], row["bad_casts"]) == ({"sessions": 42, "rate": 0.25}, ["metrics.odd"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("others: keep", "others: guess", "line 4: others is none of unknown, keep, leave"),
        ("path: what", "paths: what", "line 4: 'paths' is not known in events"),
    ],
)
def test_a_mistake_in_what_events_are_called_names_its_line(old: str, new: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        read_table("include/sources/x.yaml", EVENTS.replace(old, new), "event", "happened")


def test_only_events_have_names() -> None:
    with pytest.raises(ConfigError, match="deal is no event"):
        read_table("include/sources/x.yaml", DEALS + "  events: {path: what}\n", "deal", "deals")
