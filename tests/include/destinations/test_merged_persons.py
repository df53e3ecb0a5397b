"""Two people taken for one and apart again: consent and platforms follow, by the addresses that were sent."""

from collections.abc import Iterator

import psycopg
import pytest

from include.identity.build import build_persons
from tests.include.destinations.test_whole_way import Way, _sha256
from tests.include.identity.decided import decide, undo
from tests.include.identity.graphs import Decision
from tests.include.identity.staged import AS_OF, minute, publish_persons
from tests.standins import Standins


class Merged(Way):
    """Everybody there is is in the segment, as build_persons leaves them."""

    def records(self, *rows: dict) -> None:
        publish_persons(self.conn, rows)

    def night(self) -> set[str]:
        """Persons, segment and sync; the addresses that the platform holds then."""
        build_persons(self.conn, as_of=AS_OF)
        was = {one for (one,) in self.conn.execute("select person_id from segment.membership where left_at is null")}
        today = {one for (one,) in self.conn.execute("select person_id from profile.person")}
        for person in was - today:
            self.leave(person)
        for person in today - was:
            self.join(person)
        self.build(size=len(today))
        assert self.run().outcome == "success"
        return self.held()

    def named(self, *addresses: str) -> set[str]:
        """Addresses as the platform holds them."""
        return set(addresses) if self.destination.name == "mailchimp" else {_sha256(one) for one in addresses}


@pytest.fixture(params=["mailchimp", "meta"])
def merged(request: pytest.FixtureRequest, warehouse_url: str, empty_standins: Standins) -> Iterator[Merged]:
    made = Merged(warehouse_url, request.getfixturevalue(request.param), empty_standins)
    yield made
    made.close()


def row(key: str, email: str, state: str | None, at: int) -> dict:
    said = {"consent_email": state, "consent_ads": state}
    times = {"consent_email_at": minute(at), "consent_ads_at": minute(at)}
    return {"record_key": key, "email": email, "created_at": minute(at)} | ({**said, **times} if state else {})


def test_a_merge_with_a_withdrawal_is_withdrawn_everywhere_and_the_split_gives_each_its_own_again(
    merged: Merged,
) -> None:
    merged.records(row("a", "ada@one.example", "granted", 5), row("b", "bob@two.example", "withdrawn", 1))
    assert merged.night() == merged.named("ada@one.example")
    pin = Decision("merge", "a", "b")
    decide(merged.conn, [pin])
    assert merged.night() == set()
    undo(merged.conn, pin)
    assert merged.night() == merged.named("ada@one.example")
    assert merged.plan().changes == 0


def test_pain_27_a_split_pin_undoes_what_a_bridging_record_did(merged: Merged) -> None:
    merged.records(row("a", "ada@one.example", "granted", 5), row("b", "bob@two.example", "withdrawn", 1))
    assert merged.night() == merged.named("ada@one.example")
    merged.records({**row("c", "ada@one.example", None, 7), "ids": {"email": "bob@two.example"}})
    assert merged.night() == set()
    decide(merged.conn, [Decision("split", "a", "b")])
    assert merged.night() == merged.named("ada@one.example")


@pytest.mark.parametrize(
    ("said", "together", "apart"),
    [
        ({"a": ("granted", 9), "b": ("withdrawn", 8)}, "granted", {"a": "granted", "b": "withdrawn"}),
        ({"a": ("withdrawn", 8), "b": ("granted", 9)}, "granted", {"a": "withdrawn", "b": "granted"}),
        ({"a": ("granted", 8), "b": ("withdrawn", 9)}, "withdrawn", {"a": "withdrawn", "b": "withdrawn"}),
    ],
    ids=["both keep their own", "another's yes is not mine", "the address itself said no"],
)
def test_two_people_who_share_an_address_are_split_with_what_each_said(
    conn: psycopg.Connection, said: dict[str, tuple[str, int]], together: str, apart: dict[str, str]
) -> None:
    publish_persons(
        conn,
        [
            {"record_key": key, "email": "both@one.example", "created_at": minute(place), "consent_email": state,
             "consent_email_at": minute(at)}
            for place, (key, (state, at)) in enumerate(said.items())
        ],
    )  # fmt: skip
    build_persons(conn, as_of=AS_OF)
    assert [state for (state,) in conn.execute("select state from consent.person_consent")] == [together]
    decide(conn, [Decision("split", "a", "b")])
    for rebuild in (False, True):
        build_persons(conn, as_of=AS_OF, rebuild=rebuild)
        found = conn.execute(
            "select r.record_key, c.state from consent.person_consent as c "
            "inner join identity.record as r on r.person_id = c.person_id where c.purpose = 'email'"
        )
        assert dict(found.fetchall()) == apart
