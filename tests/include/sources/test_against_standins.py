"""Each platform's streams, landed from the stand-ins and staged: what arrives is what the merchant knows."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from include import landing, warehouse
from include.sources.mapping import staging_parameters
from include.sources.registry import STREAMS
from tests.include.sources.platforms import client_of
from tests.standins import Standins

# The merchant of 200 customers has records in these; it keeps no leads, and no companies and deals at HubSpot.
OF_THE_MERCHANT = ("hubspot", "shopify", "mailchimp", "woocommerce", "salesforce", "matomo", "ga4")
UNUSED = ("hubspot.companies", "hubspot.deals", "salesforce.leads")
PERSONS = ("hubspot.contacts", "shopify.customers", "mailchimp.members", "woocommerce.customers", "salesforce.contacts")


def land(conn: psycopg.Connection, standins: Standins, stream: str) -> landing.Landed:
    return landing.land(conn, stream, client_of(standins, STREAMS[stream].source), until=datetime.now(UTC))


def staged(conn: psycopg.Connection, stream: str) -> list[dict[str, Any]]:
    batches = [batch for (batch,) in conn.execute("select batch_id from ops.batch where stream = %s", (stream,))]
    return warehouse.rows(conn, STREAMS[stream].staging_statement, staging_parameters(stream, batches))


def truth(standins: Standins, stream: str) -> dict[str, dict[str, Any]]:
    return {row["k"]: row for row in standins.truth()["streams"][stream]}


@pytest.mark.parametrize("stream", PERSONS)
def test_every_person_record_arrives_with_its_key_and_deletion(
    conn: psycopg.Connection, standins: Standins, stream: str
) -> None:
    known = truth(standins, stream)

    land(conn, standins, stream)

    assert {row["record_key"]: row["deleted"] for row in staged(conn, stream)} == {
        key: row.get("d", False) for key, row in known.items()}


@pytest.mark.parametrize("stream", PERSONS)
def test_consent_is_staged_with_its_time(conn: psycopg.Connection, standins: Standins, stream: str) -> None:
    said = {(key, *one) for key, row in truth(standins, stream).items() for one in row.get("c", ())}

    land(conn, standins, stream)

    rows = [(row, purpose) for row in staged(conn, stream) for purpose in ("email", "ads") if row[f"consent_{purpose}"]]
    assert {row[f"consent_{purpose}"] for row, purpose in rows if row[f"consent_{purpose}_at"] is None} <= {"withdrawn"}
    # A withdrawal to which the platform gives no time is dated by the version in which it is seen first.
    found = {(row["record_key"], purpose, row[f"consent_{purpose}"],
              (row[f"consent_{purpose}_at"] or row["changed_at"]).isoformat()) for row, purpose in rows}
    assert {one[:3] for one in found} == {one[:3] for one in said}
    assert {(*one[:3], one[3][:19]) for one in found} == {(*one[:3], one[3][:19]) for one in said}


def test_order_lines_and_refunds_are_the_merchants_entries(conn: psycopg.Connection, standins: Standins) -> None:
    known = truth(standins, "shopify.orders")

    land(conn, standins, "shopify.orders")

    found = sorted((row["record_key"], row["kind"], row["amount_minor"], row["quantity"], row["sku"])
                   for row in staged(conn, "shopify.orders"))
    assert found == sorted((key, *line[:4]) for key, row in known.items() for line in row["lines"])


def test_carts_arrive_with_their_amount_and_those_completed_after_all_say_so(
    conn: psycopg.Connection, standins: Standins
) -> None:
    known = truth(standins, "shopify.checkouts")
    assert {"completed" in row for row in known.values()} == {True, False}

    land(conn, standins, "shopify.checkouts")

    assert {(row["record_key"], row["name"], row["amount_minor"]) for row in staged(conn, "shopify.checkouts")} == {
        (key, "cart_recovered" if "completed" in row else one[0], one[2])
        for key, row in known.items() for one in row["events"]}


def test_email_activity_arrives_event_by_event(conn: psycopg.Connection, standins: Standins) -> None:
    known = truth(standins, "mailchimp.activity")

    land(conn, standins, "mailchimp.activity")

    found = sorted((":".join(row["record_key"].split(":")[:2]), row["name"], row["occurred_at"].isoformat())
                   for row in staged(conn, "mailchimp.activity"))
    assert found == sorted((key, name, at) for key, row in known.items() for name, at in row["events"])


def test_campaigns_arrive_with_the_figures_that_activity_adds_up_to(
    conn: psycopg.Connection, standins: Standins
) -> None:
    events = [(row["k"].partition(":")[0], row["k"], name)
              for row in standins.truth()["streams"]["mailchimp.activity"] for name, _ in row["events"]]

    land(conn, standins, "mailchimp.campaigns")

    rows = staged(conn, "mailchimp.campaigns")
    assert len(rows) > 5
    for row in rows:
        for column, name in (("opened", "email_opened"), ("clicked", "email_clicked"), ("bounced", "email_bounced")):
            people = {who for campaign, who, event in events if (campaign, event) == (row["record_key"], name)}
            assert row[column] == len(people)
        assert row["recipients"] >= row["opened"]
        assert row["sent_at"] is not None
        assert row["bad_casts"] == []


@pytest.mark.parametrize("stream", [
    name for name, one in STREAMS.items() if one.source in OF_THE_MERCHANT and name not in UNUSED])
def test_a_second_landing_of_an_unchanged_source_brings_nothing(
    conn: psycopg.Connection, standins: Standins, stream: str
) -> None:
    first = land(conn, standins, stream)

    assert first.rows > 0
    assert land(conn, standins, stream) == landing.Landed(None, 0)
