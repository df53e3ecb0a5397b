"""How many of an audience a platform knows, read back after each sync, and told when it falls."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest

from include.destinations.base import Audience, MatchRate
from include.destinations.meta import MetaDestination
from include.errors import AudienceflowError, FatalError
from include.ledger import match_rates, watch
from include.ledger.audiences import Declared
from include.ledger.sync import sync_destination
from tests.include.ledger.world import AS_OF, KEY, SEGMENT, FakeDestination, World
from tests.standins import Standins


@dataclass
class TellingDestination(FakeDestination):
    """A platform that tells what it knows."""

    rates: Sequence[MatchRate] = field(default_factory=tuple)
    error: AudienceflowError | None = None

    def match_rates(self, audience: Audience) -> Sequence[MatchRate]:
        if self.error is not None:
            raise self.error
        return self.rates


@pytest.fixture
def telling(warehouse_url: str) -> Iterator[World]:
    """Ten people of one segment, at a platform that tells what it knows."""
    made = World(warehouse_url)
    made.destination = TellingDestination(made.platform, batch_size=100)
    for number in range(10):
        made.person(f"person-{number}@x.example")
    yield made
    made.close()


def measure(world: World, *matched: int) -> None:
    """A sync for each number of people the platform knows by e-mail."""
    for number in matched:
        world.destination.rates = (MatchRate("email", number, number),)
        world.sync()


def failing(world: World) -> list[str]:
    return [one.summary for one in watch.states(world.conn, "fake") if one.failing]


def test_each_run_keeps_what_the_platform_knows_by_each_kind_of_identifier(telling: World) -> None:
    telling.destination.rates = (MatchRate("email", 6, 8), MatchRate("phone", 1, 1, sent=4))
    telling.sync()
    kept = telling.conn.execute(
        "select identifier, sent, matched_low, matched_high, sync_id is not null from audience.match_rate order by 1"
    ).fetchall()
    assert kept == [("email", 10, 6, 8, True), ("phone", 4, 1, 1, True)]


def test_a_fall_beyond_the_audience_s_own_history_is_told_and_so_is_the_recovery(telling: World) -> None:
    """Everything is sent and accepted, but in a form the platform matches with nobody: no answer says so."""
    measure(telling, 8, 9, 8, 6)
    assert failing(telling) == [], "a quarter less is not beyond the share"
    measure(telling, 2)
    assert failing(telling) == ["the platform knows 20% of the people sent by email, usually 80%"]
    measure(telling, 8)
    assert failing(telling) == []


def test_before_there_is_a_history_nothing_is_a_fall(telling: World) -> None:
    measure(telling, 9, 8, 1)
    assert failing(telling) == []
    [standing] = match_rates.standing(telling.conn, "fake")
    assert (standing["share"], standing["measures"], standing["fell"]) == (0.1, 2, False)


def test_more_matches_than_people_are_all_of_them(telling: World) -> None:
    measure(telling, 40)
    [standing] = match_rates.standing(telling.conn, "fake")
    assert standing["share"] == 1.0


def test_a_platform_that_does_not_answer_about_it_costs_no_sync(telling: World) -> None:
    telling.destination.error = FatalError("answered 404", code="404")
    assert telling.sync().outcome == "success"
    assert telling.one("select count(*) from audience.match_rate") == 0


def test_meta_tells_a_range_once_the_audience_is_large_enough(warehouse_url: str, empty_standins: Standins) -> None:
    world = World(warehouse_url)
    world.conn.execute(
        "with person as (insert into profile.person (person_id, email, row_hash)"
        " select gen_random_uuid(), 'person-' || n || '@x.example', '' from generate_series(1, 1500) n"
        " returning person_id),"
        " said as (insert into consent.ledger (identifier_type, identifier_value, purpose, state, occurred_at, stream,"
        " record_key) select 'email', 'x', 'ads', 'granted', now(), 'test', 'x' returning consent_id),"
        " agreed as (insert into consent.person_consent"
        " select person_id, 'ads', 'granted', consent_id from person, said)"
        " insert into segment.membership (segment, person_id, version, entered_at)"
        " select %s, person_id, 'v1', now() - interval '1 day' from person",
        (SEGMENT,),
    )
    account = empty_standins.account("meta")
    sync_destination(
        warehouse_url,
        MetaDestination(**account),
        as_of=AS_OF,
        run_id="run",
        declared=[Declared("meta", KEY, SEGMENT, "ads", {"limits": {}})],
    )
    kept = world.conn.execute("select identifier, sent, matched_low, matched_high from audience.match_rate").fetchall()
    world.close()
    assert kept == [("any", 1500, 900, 1500)]
