"""Klaviyo and Brevo are sources and destinations: what we put there is no news, who leaves there leaves all."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from include import landing, warehouse
from include.candidate import fill_candidate
from include.destinations.brevo import BrevoDestination
from include.destinations.klaviyo import KlaviyoDestination
from include.identity.build import build_persons
from include.ledger.audiences import Declared
from include.ledger.sync import SyncResult, sync_destination
from include.publishing import publish_stream
from include.sources.registry import STREAMS
from tests.include.identity.staged import AS_OF, publish_persons
from tests.include.sources.platforms import client_of
from tests.standins import Standins

SHOP = "shopify.customers"
STREAM = {"klaviyo": "klaviyo.profiles", "brevo": "brevo.contacts"}
NAMES = ("ada", "bea", "cyd")
SAID = datetime(2026, 3, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("platform", STREAM)


def customer(number: int, **changed: Any) -> dict[str, Any]:
    """A customer of the shop who agreed to e-mail."""
    return {
        "stream": SHOP,
        "record_key": str(number),
        "email": f"{NAMES[number]}@shop.example",
        "first_name": NAMES[number].title(),
        "last_name": "Lovelace",
        "country": "GB",
        "city": "Leeds",
        "postcode": "LS1 1AA",
        "created_at": SAID,
        "changed_at": SAID,
        "consent_email": "granted",
        "consent_email_at": SAID,
        **changed,
    }


class Loop:
    """Three customers, a segment of everybody, an audience of it at each of the two platforms."""

    def __init__(self, url: str, standins: Standins) -> None:
        self.url, self.standins = url, standins
        standins.settings({"klaviyo.limits": 100, "klaviyo.job_seconds": 0, "brevo.process_seconds": 0})
        klaviyo, brevo = (standins.account(name) for name in STREAM)
        self.destinations = {
            "klaviyo": KlaviyoDestination(klaviyo["base_url"], klaviyo["token"], tries=2),
            "brevo": BrevoDestination(brevo["base_url"], brevo["token"], tries=2, poll_seconds=0.0),
        }
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
        with self.conn.transaction():
            publish_persons(self.conn, [customer(number) for number in range(len(NAMES))])

    def build(self) -> tuple[list[Any], ...]:
        """Persons, everybody into the segment; what is known of persons and of their consent."""
        build_persons(self.conn, as_of=AS_OF)
        self.conn.execute(
            "insert into segment.membership (segment, person_id, version, entered_at) "
            "select 'all', person_id, 'v1', now() from profile.person "
            "where not exists (select from segment.membership where person_id = person.person_id)"
        )
        return (
            self.conn.execute("select * from profile.person order by email").fetchall(),
            self.conn.execute("select * from consent.ledger order by consent_id").fetchall(),
            self.conn.execute("select * from consent.person_consent order by person_id").fetchall(),
        )

    def sync(self) -> list[SyncResult]:
        """Both platforms."""
        results = []
        for name, destination in self.destinations.items():
            declared = [Declared(name, "everybody", "all", "email", {"limits": {"max_removals": 100}})]
            results += sync_destination(
                self.url, destination, as_of=AS_OF, run_id=uuid.uuid4().hex, declared=declared, wait_seconds=20
            )
        return results

    def extract(self, platform: str) -> int:
        """Land, stage and publish what changed at the platform; how many records did."""
        stream = STREAMS[STREAM[platform]]
        landed = landing.land(self.conn, stream.name, client_of(self.standins, platform), until=datetime.now(UTC))
        candidate = fill_candidate(self.conn, stream)
        warehouse.run(self.conn, "quality/mark_batches", {"batch_ids": list(candidate.batch_ids), "state": "checked"})
        warehouse.run(self.conn, "quality/mark_candidate", {"stream": stream.name})
        publish_stream(self.conn, stream)
        return landed.rows

    def writes(self) -> int:
        """Calls so far that could change something at a platform."""
        return sum(one.method != "GET" for name in STREAM for one in self.standins.recorded(name))

    def held(self) -> dict[str, set[str]]:
        """Who is in the audience, by platform."""
        return {name: {who.partition("@")[0] for who in self.standins.members(name)["everybody"]} for name in STREAM}

    def leave(self, platform: str, name: str) -> None:
        """Somebody unsubscribes at the platform."""
        kind = "profile" if platform == "klaviyo" else "contact"
        found = self.standins.documents(platform, kind).values()
        [one] = [document for document in found if document["body"]["email"] == f"{name}@shop.example"]
        if platform == "brevo":
            one["body"]["emailBlacklisted"] = True
        else:
            at = datetime.now(UTC).isoformat()
            one["body"]["_subscriptions"] = {
                "email": {
                    "marketing": {
                        "consent": "UNSUBSCRIBED",
                        "consent_timestamp": at,
                        "can_receive_email_marketing": False,
                        "suppression": [{"reason": "UNSUBSCRIBE", "timestamp": at}],
                        "list_suppressions": [],
                    }
                }
            }
        moved = int(datetime.now(UTC).timestamp() * 1000) if platform == "brevo" else one["changed_at"]
        self.standins.put(platform, kind, {**one, "changed_at": moved})


@pytest.fixture
def loop(warehouse_url: str, empty_standins: Standins) -> Iterator[Loop]:
    made = Loop(warehouse_url, empty_standins)
    yield made
    made.conn.close()


@BOTH
def test_what_we_wrote_comes_back_as_nothing_new_and_who_leaves_there_leaves_everywhere(
    loop: Loop, platform: str
) -> None:
    before = loop.build()
    assert [one.added for one in loop.sync()] == [3, 3]

    assert loop.extract(platform) == 3, "they are contacts there now"
    assert loop.build() == before
    written = loop.writes()
    assert {one.outcome for one in loop.sync()} == {"success"}
    assert loop.writes() == written
    assert loop.extract(platform) == 0, "a sync without a change moves nothing there"

    loop.leave(platform, "bea")
    assert loop.extract(platform) == 1
    persons, statements, _ = loop.build()
    assert persons == before[0]
    assert len(statements) == len(before[1]) + 1
    assert [one.removed for one in loop.sync()] == [1, 1]
    assert loop.held() == {"klaviyo": {"ada", "cyd"}, "brevo": {"ada", "cyd"}}
    after, written = loop.build(), loop.writes()
    loop.extract(platform)
    assert loop.build() == after
    assert {one.outcome for one in loop.sync()} == {"success"}
    assert loop.writes() == written


@BOTH
def test_values_we_sent_do_not_outlive_those_of_the_shop(loop: Loop, platform: str) -> None:
    loop.build()
    loop.sync()
    loop.extract(platform)
    moved = {"changed_at": datetime.now(UTC) - timedelta(days=2), "city": None, "postcode": None, "last_name": "King"}
    with loop.conn.transaction():
        publish_persons(loop.conn, [customer(0, **moved)])

    loop.build()

    found = loop.conn.execute("select last_name, country, city, postcode from profile.person order by email").fetchall()
    assert found[0] == ("King", "GB", None, None)


def test_a_contact_of_the_platform_alone_is_nobody_whom_we_may_write_to(loop: Loop) -> None:
    """Being a contact is no consent: who is only known there is a person, and in no audience."""
    at = int(datetime.now(UTC).timestamp() * 1000)
    body = {"email": "dee@shop.example", "first_name": "Dee"}
    loop.standins.put("klaviyo", "profile", {"id": "01DEE", "body": body, "created_at": at, "changed_at": at})

    loop.extract("klaviyo")

    assert len(loop.build()[0]) == 4
    assert [one.added for one in loop.sync()] == [3, 3]
