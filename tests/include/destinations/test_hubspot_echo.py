"""HubSpot is a source and a destination: what we put there comes back, and must not count as said by anybody."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from include import landing, warehouse
from include.destinations.hubspot import HubSpotDestination
from include.errors import FatalError
from include.identity.build import build_persons
from include.ledger.audiences import Declared
from include.ledger.sync import SyncResult, sync_destination
from include.sources.mapping import staging_parameters
from include.sources.registry import STREAMS
from tests.include.identity.staged import AS_OF, delete, publish_persons
from tests.include.sources.platforms import client_of
from tests.standins import Standins

SHOP, CRM = "shopify.customers", "hubspot.contacts"
SAID = datetime(2026, 3, 1, tzinfo=UTC)
CUSTOMER = {
    "stream": SHOP,
    "record_key": "1",
    "ids": {"loyalty": "L7"},
    "email": "ada@old.example",
    "first_name": "Ada",
    "last_name": "Lovelace",
    "country": "GB",
    "city": "Leeds",
    "changed_at": SAID,
    "created_at": SAID,
    "consent_email": "granted",
    "consent_email_at": SAID,
}
TILL = {"stream": "files.persons", "record_key": "9", "ids": {"loyalty": "L7"}, "email": "ada@old.example"}


class Loop:
    """A customer whom shop and till know, a segment of everybody, one HubSpot list."""

    def __init__(self, url: str, standins: Standins) -> None:
        account = standins.account("hubspot")
        self.url, self.standins = url, standins
        self.destination = HubSpotDestination(account["base_url"], account["token"], account["app_id"], tries=2)
        self.conn = warehouse.connect(url, autocommit=True)
        self.conn.execute(
            "insert into segment.definition (segment, version, title, owner, front_matter, body)"
            " values ('all', 'v1', 'Everybody', 'growth', '{}', '')"
        )
        self.conn.execute(
            "insert into segment.build (segment, version, as_of, built_at, size, entered, left_count, seconds)"
            " values ('all', 'v1', %s, now(), 1, 0, 0, 0)",
            (AS_OF,),
        )

    def shop_says(self, **changed: Any) -> None:
        """The customer changes something at the shop."""
        with self.conn.transaction():
            publish_persons(self.conn, [{**CUSTOMER, **changed}, TILL])

    def build(self) -> dict[str, Any]:
        """Persons, then everybody into the segment; the one person that has a row in a golden record."""
        build_persons(self.conn, as_of=AS_OF)
        self.conn.execute(
            "insert into segment.membership (segment, person_id, version, entered_at) "
            "select 'all', person_id, 'v1', now() from profile.person "
            "where not exists (select from segment.membership where person_id = person.person_id)"
        )
        with self.conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            [found] = cursor.execute("select * from profile.person").fetchall()
        return found

    def sync(self) -> SyncResult:
        declared = [Declared("hubspot", "everybody", "all", "email", {"limits": {"max_removals": 100}})]
        [result] = sync_destination(self.url, self.destination, as_of=AS_OF, run_id=uuid.uuid4().hex, declared=declared)
        return result

    def extract(self) -> list[dict[str, Any]]:
        """What HubSpot has changed comes in through the real source."""
        landed = landing.land(self.conn, CRM, client_of(self.standins, "hubspot"), until=datetime.now(UTC))
        rows = warehouse.rows(
            self.conn, STREAMS[CRM].staging_statement, staging_parameters(CRM, [landed.batch_id] if landed.rows else [])
        )
        kept = [
            {name: value for name, value in row.items() if name not in ("bad_casts", "deleted")}
            for row in rows
            if not row["deleted"]
        ]
        with self.conn.transaction():
            publish_persons(self.conn, kept)
            for row in rows:
                if row["deleted"]:
                    delete(self.conn, "person", CRM, row["record_key"])
        return kept

    def statements(self) -> list[tuple[Any, ...]]:
        return self.conn.execute("select stream, identifier_value, state, occurred_at from consent.ledger").fetchall()


@pytest.fixture
def loop(warehouse_url: str, empty_standins: Standins) -> Iterator[Loop]:
    made = Loop(warehouse_url, empty_standins)
    yield made
    made.conn.close()


def test_a_contact_that_we_made_is_no_newer_value_and_no_consent(loop: Loop) -> None:
    loop.shop_says()
    golden = loop.build()
    assert loop.sync().added == 1
    said = loop.statements()
    [echo] = loop.extract()
    assert (echo["email"], echo["first_name"], echo["consent_email"]) == ("ada@old.example", "Ada", None)
    assert loop.build() == golden
    assert loop.statements() == said
    assert loop.sync().outcome == "success"
    assert loop.extract() == [], "a sync without a change moves nothing at HubSpot"

    loop.shop_says(first_name="Augusta", last_name="King", email="augusta@new.example")
    changed = loop.build()
    assert (changed["email"], changed["first_name"]) == ("augusta@new.example", "Augusta")
    assert {changed["winners"][field] for field in ("email", "first_name", "last_name")} == {SHOP}


def test_what_somebody_adds_to_a_contact_that_we_made_counts(loop: Loop) -> None:
    loop.shop_says()
    loop.build()
    loop.sync()
    [contact] = loop.standins.documents("hubspot", "contact").values()
    body, at = contact["body"], datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.999Z")
    more = {"phone": "+447400123456", "hs_email_optout": "true", "lastmodifieddate": at}
    changed = {**body, "updatedAt": at, "properties": {**body["properties"], **more}}
    loop.standins.put("hubspot", "contact", {**contact, "body": changed})
    loop.extract()
    assert loop.build()["phone"] == "+447400123456"
    assert [state for *_, state, _ in loop.statements()] == ["granted", "withdrawn"]
    assert loop.sync().removed == 1


def test_a_contact_that_the_merchant_has_keeps_its_say(loop: Loop) -> None:
    old = "2025-01-01T00:00:00.000Z"
    held = {"hs_object_id": "501", "createdate": old, "lastmodifieddate": old, "email": "ada@old.example"}
    loop.standins.put(
        "hubspot",
        "contact",
        {
            "id": "501",
            "created_at": 1735689600000,
            "changed_at": 1735689600000,
            "body": {
                "id": "501",
                "createdAt": old,
                "updatedAt": old,
                "archived": False,
                "properties": {**held, "firstname": "Augusta", "lastname": "King", "city": "London"},
            },
        },
    )
    before = loop.standins.documents("hubspot", "contact")
    loop.shop_says()
    loop.extract()
    golden = loop.build()
    assert (golden["winners"]["email"], golden["city"]) == (CRM, "Leeds"), "the shop's address is the newer one"
    loop.sync()
    assert set(loop.standins.members("hubspot")["everybody"]) == {"ada@old.example"}
    assert loop.standins.documents("hubspot", "contact") == before
    assert loop.extract() == []
    assert loop.build() == golden


def test_a_member_whose_contact_was_deleted_at_hubspot_is_no_longer_taken_for_one(loop: Loop) -> None:
    loop.shop_says()
    loop.build()
    loop.sync()
    loop.extract()
    loop.build()
    [contact] = loop.standins.documents("hubspot", "contact").values()
    at = datetime.now(UTC)
    body = {**contact["body"], "archived": True, "archivedAt": at.strftime("%Y-%m-%dT%H:%M:%S.999Z")}
    loop.standins.put(
        "hubspot",
        "contact",
        {**contact, "body": body, "archived": True, "changed_at": int(at.timestamp() * 1000) + 999},
    )
    loop.extract()
    loop.build()
    with pytest.raises(FatalError, match="nobody was accepted"):  # an audience of one, which is empty now
        loop.sync()
    held = loop.conn.execute("select acknowledged, attempt_state, error_code from audience.member").fetchall()
    assert held == [("absent", "rejected", "archived")]
    assert loop.standins.members("hubspot")["everybody"] in ([], {})
    assert (again := loop.sync()).rejected == 0, "asked about once"
    assert (again.parked, again.outcome) == (1, "partial")
