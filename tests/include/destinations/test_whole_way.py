"""Ledger and connector together, at the stand-ins: from the first sync to leavers, withdrawals, lost answers."""

import hashlib
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from include.destinations.mailchimp import MailchimpDestination
from include.destinations.meta import VERSION, MetaDestination
from include.ledger.audiences import Declared
from tests.include.destinations.conftest import LIST
from tests.include.ledger.world import KEY, SEGMENT, World
from tests.standins import Standins

Connector = MailchimpDestination | MetaDestination
CHANGES = {"POST", "PATCH", "PUT", "DELETE"}


class Way(World):
    """A segment that feeds an audience at a stand-in; consent is given or withdrawn for all purposes at once."""

    def __init__(self, url: str, connector: Connector, standins: Standins) -> None:
        super().__init__(url)
        self.destination = connector
        self.standins = standins

    def _declared(self) -> list[Declared]:
        return [Declared(self.destination.name, KEY, SEGMENT, self.destination.purpose, {})]

    def consent(self, person: uuid.UUID, state: str) -> None:
        super().consent(person, state)
        self.conn.execute(
            "insert into consent.person_consent select person_id, 'ads', state, consent_id from consent.person_consent"
            " where person_id = %s and purpose = 'email'"
            " on conflict (person_id, purpose) do update set state = excluded.state, consent_id = excluded.consent_id",
            (person,),
        )

    def run(self, on: Callable[[str], None] = lambda step: None) -> Any:
        """One sync; the platform has worked off its jobs when it asks for them."""

        def progress(step: str) -> None:
            on(step)
            if step == "delivered":
                self.standins.advance(60)

        return self.sync(progress)

    def held(self) -> set[str]:
        found = self.standins.members(self.destination.name).get(KEY, [])
        return set(found) if self.destination.name == "mailchimp" else {user["EMAIL"] for user in found}

    def wanted(self) -> set[str]:
        """Who should be there, as the platform names them."""
        plain = self.desired()
        return plain if self.destination.name == "mailchimp" else {_sha256(value) for value in plain}

    def changes(self) -> int:
        """Requests so far that changed, or would have changed, something at the platform."""
        return sum(one.method in CHANGES for one in self.standins.recorded(self.destination.name))

    def delete_audience(self) -> None:
        """As somebody does in the platform's own pages."""
        account = self.standins.account(self.destination.name)
        remote_id, base = self.one("select remote_id from audience.audience"), account["base_url"]
        if self.destination.name == "mailchimp":
            url, arguments = f"{base}/3.0/lists/{LIST}/segments/{remote_id}", {"auth": ("any", account["token"])}
        else:
            url, arguments = f"{base}/{VERSION}/{remote_id}", {"params": {"access_token": account["token"]}}
        requests.delete(url, timeout=30, **arguments).raise_for_status()


def _sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


@pytest.fixture(params=["mailchimp", "meta"])
def way(request: pytest.FixtureRequest, warehouse_url: str, empty_standins: Standins) -> Iterator[Way]:
    """Thirty members with consent, one who withdrew and one who never said anything."""
    made = Way(warehouse_url, request.getfixturevalue(request.param), empty_standins)
    empty_standins.forget_requests()
    made.people = [made.person(f"p{number}@shop.example", first_name=f"N{number}") for number in range(30)]
    made.person("withdrew@shop.example", consent="withdrawn")
    made.person("silent@shop.example", consent=None)
    yield made
    made.close()


def test_the_platform_holds_exactly_the_desired_after_faults_leavers_and_a_withdrawal(way: Way) -> None:
    first = way.run()
    assert (first.added, first.confirmed, first.outcome) == (30, 30, "success")
    assert way.held() == way.wanted()
    sent = way.changes()
    assert way.run().outcome == "success"
    assert way.changes() == sent

    for person in way.people[:3]:
        way.leave(person)
    way.change(way.people[5], first_name="Changed")
    way.change(way.people[6], email="moved@shop.example")
    for number in range(4):
        way.person(f"new{number}@shop.example")
    late = way.person("late@shop.example")
    posts = {"platform": way.destination.name, "method": "POST"}
    way.standins.faults(
        {**posts, "kind": "lost_answer", "path": "segments|users", "next": 2},
        {**posts, "kind": "throttle", "seconds": 0, "skip": 2, "next": 2},
    )
    way.run(lambda step: way.consent(late, "withdrawn") if step == "planned" else None)
    way.standins.faults()
    way.run()
    assert way.held() == way.wanted()
    assert way.plan().changes == 0
    sent = way.changes()
    assert way.run().outcome == "success"
    assert way.changes() == sent
    assert way.one("select count(*) from audience.batch where state = 'unknown'") == 1
    _nobody_without_consent_was_sent(way)


def _nobody_without_consent_was_sent(way: Way) -> None:
    said = b"\n".join(
        one.body + one.path.encode() + one.query.encode() for one in way.standins.recorded(way.destination.name)
    )
    assert len(said) > 1000
    for name in ("withdrew", "silent", "late"):
        address = f"{name}@shop.example".encode()
        assert address not in said
        assert hashlib.sha256(address).hexdigest().encode() not in said
        assert hashlib.md5(address, usedforsecurity=False).hexdigest().encode() not in said


def test_an_audience_deleted_at_the_platform_is_made_again_with_everybody(way: Way) -> None:
    way.run()
    way.delete_audience()
    assert way.held() == set()
    way.leave(way.people[0])
    result = way.run()
    assert (result.added, result.removed, result.outcome) == (29, 0, "success")
    assert way.held() == way.wanted()
    assert way.plan().changes == 0
