"""What a missing value does to a field at the platform."""

from collections.abc import Sequence

import pytest

from include.destinations.base import Answer, Member
from include.errors import ConfigError
from include.ledger.audiences import Declared
from include.ledger.sync import sync_destination
from tests.include.ledger.world import AS_OF, KEY, SEGMENT, FakeDestination, World


class Clearing(FakeDestination):
    """Keeps the fields it has unless a call sets or clears them."""

    def _apply(self, operation: str, members: Sequence[Member]) -> Answer:
        values = [value for one in members for value in one.identifiers.values()]
        before = {value: dict(self.platform.members.get(value, {})) for value in values}
        answer = super()._apply(operation, members)
        for member in members if operation != "remove" else ():
            for value in member.identifiers.values():
                kept = {name: old for name, old in before[value].items() if name not in member.cleared}
                self.platform.members[value] = {**kept, **member.fields}
        return answer


def _sync(world: World, **options: object) -> None:
    declared = [Declared("fake", KEY, SEGMENT, "email", {"limits": {}, **options})]
    sync_destination(world.url, world.destination, as_of=AS_OF, run_id="run", declared=declared)


@pytest.fixture
def named(world: World) -> World:
    """Ada, a member with a first name."""
    world.destination = Clearing(world.platform)
    world.ada = world.person("ada@x.example", first_name="Ada")
    _sync(world)
    return world


def test_a_value_that_is_lost_clears_nothing_unless_the_file_says_so(named: World) -> None:
    """People suffer from a source that loses a column for a day and empties it on every platform."""
    named.change(named.ada, first_name=None)
    _sync(named)
    assert named.platform.members == {"ada@x.example": {"first_name": "Ada"}}


def test_a_value_that_is_lost_is_cleared_where_the_file_says_so(named: World) -> None:
    named.change(named.ada, first_name=None)
    _sync(named, nulls={"first_name": "clear"})
    assert named.platform.members == {"ada@x.example": {}}


def test_another_policy_is_a_difference_for_those_without_a_value_alone(named: World) -> None:
    named.person("bob@x.example", first_name="Bob")
    named.change(named.ada, first_name=None)
    _sync(named)
    calls = len(named.platform.calls)
    _sync(named, nulls={"first_name": "clear"})
    assert named.platform.calls[calls:] == [("update", ("ada@x.example",))]
    _sync(named, nulls={"first_name": "clear"})
    assert len(named.platform.calls) == calls + 1


@pytest.mark.parametrize("nulls", [{"last_name": "clear"}, {"first_name": "empty"}, ["first_name"]])
def test_a_policy_that_cannot_be_meant_is_refused(named: World, nulls: object) -> None:
    with pytest.raises(ConfigError, match="nulls"):
        _sync(named, nulls=nulls)
