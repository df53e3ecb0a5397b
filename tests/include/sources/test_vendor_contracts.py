"""What the connectors ask, as the stand-ins recorded it, held against what the vendors publish."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from graphql import (
    GraphQLSchema,
    NoDeprecatedCustomRule,
    build_schema,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import get_variable_values

from include import landing
from include.sources import shopify, shopify_queries
from include.sources.pages import Window
from include.sources.registry import STREAMS
from tests.conformance import check_openapi
from tests.include.sources.platforms import client_of
from tests.standins import Standins

HUBSPOT = "hubspot/hubspot-crm-objects.derived.openapi.json"
ASSOCIATIONS = "hubspot/hubspot-crm-associations-v4.derived.openapi.json"
MAILCHIMP = "mailchimp/mailchimp-marketing-3.0.openapi.json"
SHOPIFY = "shopify/admin-2026-10.trimmed.graphql"
KNOWN = (
    r"request: sorts\.0: \{.*\} is not of type 'string'",  # typed as text, shown as an object in the vendor's guide
    r"answer 200: results\.\d+\.properties\.\w+: None ",  # the platform says null of an empty property
    r"answer: field (status|errorType|policyName) is not declared",  # of its refusals; the guide shows them
)
MOMENT = datetime(2026, 11, 20, 9, tzinfo=UTC)
QUERIES = sorted(name for name, text in vars(shopify_queries).items()
                 if isinstance(text, str) and text.lstrip().startswith(("query ", "mutation ")))
WHOLES = sorted(name for name in vars(shopify_queries) if name.startswith("ALL_") and name != "ALL_REFUNDS")


def land(conn: psycopg.Connection, standins: Standins, source: str, until: datetime) -> None:
    for stream in (one for one in STREAMS.values() if one.source == source):
        landing.land(conn, stream.name, client_of(standins, source), until=until)


def land_twice(conn: psycopg.Connection, standins: Standins, source: str) -> None:
    """From nothing, and what changed since: connectors ask differently then."""
    land(conn, standins, source, MOMENT - timedelta(days=30))
    land(conn, standins, source, datetime.now(UTC))


def at_one_moment(standins: Standins, platform: str, table: str, time: str, count: int) -> None:
    """So many records of one time stamp: a mass import, which connectors read in their own way."""
    pattern = next(iter(standins.documents(platform, table).values()))
    standins.put(platform, table, *(one_of(pattern, time, number) for number in range(count)))


def one_of(pattern: dict[str, Any], time: str, number: int) -> dict[str, Any]:
    body = {**pattern["body"], time: MOMENT.isoformat().replace("+00:00", "Z")}
    if "properties" in body:
        id = str(9_000_000 + number)
        properties = {**body["properties"], "lastmodifieddate": body[time], "hs_object_id": id}
        body |= {"id": id, "properties": properties, "archived": False}
    else:
        id = f"{number:032x}"
        address = {"email_address": f"many.{number}@inbox.example", "unique_email_id": f"u{number}"}
        body |= {"id": id, "contact_id": f"c{number}", "status": "subscribed", time: MOMENT.isoformat(), **address}
    at = int(MOMENT.timestamp() * 1000)
    return {"id": id, "body": body, "changed_at": at, "created_at": at}


def test_hubspot_is_asked_as_its_specification_says(
    conn: psycopg.Connection, standins: Standins, vendor_specs: str
) -> None:
    at_one_moment(standins, "hubspot", "contact", "updatedAt", 250)
    standins.faults({"platform": "hubspot", "kind": "throttle", "next": 1},
                    {"platform": "hubspot", "kind": "error", "next": 1})

    land_twice(conn, standins, "hubspot")

    recorded = [one for one in standins.recorded("hubspot") if "/crm/v4/" not in one.path]
    asked = {(one.method, "archived=true" in one.query, b"hs_object_id\",\"operator" in one.body) for one in recorded}
    assert asked == {("GET", False, False), ("GET", True, False), ("POST", False, False), ("POST", False, True)}
    assert {200, 429, 503} == {one.status for one in recorded}
    kept = [one for one in recorded if one.status != 503]  # a gateway's answer is no part of the specification
    assert check_openapi(Path(vendor_specs) / HUBSPOT, kept, "/hubspot", allowed=KNOWN) == []
    of_associations = standins.recorded("hubspot", path="%/crm/v4/%")
    assert of_associations
    assert check_openapi(Path(vendor_specs) / ASSOCIATIONS, of_associations, "/hubspot") == []


def test_mailchimp_is_asked_as_its_specification_says(
    conn: psycopg.Connection, standins: Standins, vendor_specs: str
) -> None:
    members = f"member:{standins.account('mailchimp')['list_id']}"
    at_one_moment(standins, "mailchimp", members, "last_changed", 1200)
    standins.faults({"platform": "mailchimp", "kind": "throttle", "next": 1})

    land_twice(conn, standins, "mailchimp")

    recorded = standins.recorded("mailchimp")
    assert {one.status for one in recorded} == {200, 429}
    assert any("offset=1000" in one.query for one in recorded)
    assert any("email-activity" in one.path for one in recorded)
    assert check_openapi(Path(vendor_specs) / MAILCHIMP, recorded, "/mailchimp/3.0") == []


@pytest.fixture(scope="session")
def shopify_schema(vendor_specs: str) -> GraphQLSchema:
    return build_schema((Path(vendor_specs) / SHOPIFY).read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", [*QUERIES, *WHOLES])
def test_a_query_to_shopify_is_valid_and_uses_nothing_deprecated(shopify_schema: GraphQLSchema, name: str) -> None:
    document = parse(getattr(shopify_queries, name))

    assert validate(shopify_schema, document, [*specified_rules, NoDeprecatedCustomRule]) == []


def test_the_check_finds_a_deprecated_field_and_one_that_does_not_exist(shopify_schema: GraphQLSchema) -> None:
    document = parse("{ customers(first: 1) { nodes { email shoeSize } } }")

    found = [error.message for error in validate(shopify_schema, document, [*specified_rules, NoDeprecatedCustomRule])]

    assert any("shoeSize" in text for text in found)
    assert any("deprecated" in text for text in found)


def test_what_is_sent_to_shopify_is_one_of_those_queries_with_values_of_their_types(
    conn: psycopg.Connection, standins: Standins, shopify_schema: GraphQLSchema
) -> None:
    land_twice(conn, standins, "shopify")
    for pages in (shopify.customers, shopify.orders, shopify.checkouts):  # and as a large shop is read
        list(pages(client_of(standins, "shopify"), Window(None, datetime.now(UTC)), {"options": {"bulk_from": 1}}))

    recorded = [one for one in standins.recorded("shopify") if "/storage/" not in one.path]
    known = {getattr(shopify_queries, name) for name in QUERIES}
    assert {one.path for one in recorded} == {"/shopify/admin/api/2026-10/graphql.json"}
    assert len(recorded) > 6
    for one in recorded:
        sent = one.json()
        assert set(sent) == {"query", "variables"}
        assert sent["query"] in known
        if "bulkOperationRunQuery" in sent["query"]:  # what is run in bulk is a query of its own
            whole = re.sub(r"'\d{4}[^']*Z'", "'UNTIL'", sent["variables"]["query"])
            assert whole in {getattr(shopify_queries, name) for name in WHOLES}
        asked = get_operation_ast(parse(sent["query"]))
        values = get_variable_values(shopify_schema, asked.variable_definitions, sent["variables"])
        assert not isinstance(values, list), values  # a list is what is wrong with them
        assert set(sent["variables"]) <= {variable.variable.name.value for variable in asked.variable_definitions}
