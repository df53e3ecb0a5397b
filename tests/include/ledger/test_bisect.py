"""One bad row among many, at a platform that takes a call as a whole or not at all."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import log2
from typing import Any

import pytest

from include.destinations.base import Answer, Member
from include.errors import BatchRefusedError, FatalError, LostAnswerError
from include.ledger.bisect import MOST_CALLS, Halving, halve
from tests.include.ledger.world import FakeDestination, World

REFUSED = BatchRefusedError("answered 400: a row is wrong", code="invalid_email")


@dataclass
class Whole:
    """Takes a call when no row of it is bad, else nothing of it; ``breaks``: how the call of that number ends."""

    bad: set[int]
    breaks: dict[int, Exception] = field(default_factory=dict)
    calls: int = 0
    applied: list[int] = field(default_factory=list)

    def __call__(self, members: Sequence[Member]) -> Answer:
        self.calls += 1
        if self.calls in self.breaks:
            raise self.breaks[self.calls]
        if self.bad & {member.row for member in members}:
            raise REFUSED
        self.applied += [member.row for member in members]
        return Answer(request_id=f"request {self.calls}")


def _members(count: int) -> tuple[Member, ...]:
    return tuple(Member(row, {"email": f"p{row}@x.example"}) for row in range(count))


def _halved(platform: Whole, count: int) -> Halving:
    return halve(
        platform, _members(count), REFUSED, outcome="rejected", failed=lambda error: ("unknown", "lost", "no answer")
    )


@pytest.mark.parametrize("bad", [0, 1, 4_999, 5_000, 7_321, 9_999])
def test_pain_30_one_bad_row_in_ten_thousand_is_named_and_the_others_are_delivered(bad: int) -> None:
    """People suffer from one refused row that fails everybody sent with it."""
    platform = Whole({bad})
    halving = _halved(platform, 10_000)
    assert [(one.row, one.outcome, one.code) for one in halving.answer.exceptions] == [
        (bad, "rejected", "invalid_email")
    ]
    assert sorted(platform.applied) == [row for row in range(10_000) if row != bad]
    assert platform.calls <= 2 * log2(10_000)
    assert halving.error is None


@pytest.mark.parametrize("size", [2, 3, 100, 127])
def test_wherever_the_bad_row_is_the_calls_stay_below_twice_the_logarithm(size: int) -> None:
    for bad in range(size):
        platform = Whole({bad})
        assert [one.row for one in _halved(platform, size).answer.exceptions] == [bad]
        assert platform.calls <= 2 * log2(size)


def test_several_bad_rows_are_each_named_and_nobody_is_sent_twice() -> None:
    platform = Whole({3, 4, 499})
    assert {one.row for one in _halved(platform, 500).answer.exceptions} == {3, 4, 499}
    assert len(platform.applied) == len(set(platform.applied)) == 497


def test_a_part_whose_answer_is_lost_is_unknown_and_the_rest_waits() -> None:
    platform = Whole({0}, breaks={2: LostAnswerError("no answer", code="timeout")})
    halving = _halved(platform, 8)
    outcomes = {one.row: one.outcome for one in halving.answer.exceptions}
    assert outcomes == {**dict.fromkeys(range(4, 8), "unknown"), **dict.fromkeys(range(4), "retriable")}
    assert isinstance(halving.error, LostAnswerError)
    assert platform.calls == 2


def test_a_platform_that_refuses_everything_is_not_asked_for_each_row() -> None:
    platform = Whole(set(range(10_000)))
    halving = _halved(platform, 10_000)
    assert platform.calls == MOST_CALLS
    assert halving.error is REFUSED
    assert {one.outcome for one in halving.answer.exceptions} <= {"rejected", "retriable"}
    assert len(halving.answer.exceptions) == 10_000


class AllOrNothing(FakeDestination):
    """The world's platform without a partial mode."""

    def _apply(self, operation: str, members: Sequence[Member]) -> Answer:
        bad = self.platform.keeps if operation == "remove" else self.platform.refused
        if any(bad & set(member.identifiers.values()) for member in members):
            raise REFUSED
        return super()._apply(operation, members)


@pytest.fixture
def whole_world(world: World) -> World:
    """The world at a platform that takes all of a call or nothing."""
    world.destination = AllOrNothing(world.platform, batch_size=64)
    return world


def _row(world: World, query: str) -> tuple[Any, ...]:
    [row] = world.conn.execute(query).fetchall()
    return row


def test_pain_30_the_ledger_delivers_all_but_the_bad_row_and_knows_it(whole_world: World) -> None:
    """People suffer from one refused row that fails everybody sent with it."""
    whole_world.platform.refused = {"p37@x.example"}
    for number in range(64):
        whole_world.person(f"p{number}@x.example")
    result = whole_world.sync()
    assert (result.added, result.rejected, result.outcome) == (63, 1, "partial")
    assert whole_world.held() == whole_world.desired() - {"p37@x.example"}
    assert _row(whole_world, "select accepted, rejected, unknown from audience.batch") == (63, 1, 0)
    assert _row(
        whole_world, "select outcome, error_code from audience.delivery where outcome not in ('accepted', 'confirmed')"
    ) == ("rejected", "invalid_email")
    assert whole_world.plan().changes == 0


def test_a_removal_that_fails_its_batch_is_a_debt_and_the_others_are_removed(whole_world: World) -> None:
    people = [whole_world.person(f"p{number}@x.example") for number in range(8)]
    whole_world.sync()
    whole_world.platform.keeps = {"p3@x.example"}
    for person in people:
        whole_world.leave(person)
    assert whole_world.sync().removed == 7
    assert whole_world.held() == {"p3@x.example"}
    assert whole_world.one("select attempt_state from audience.member where attempt_state is not null") == "debt"


def test_a_refusal_that_is_not_about_rows_ends_the_sync(whole_world: World) -> None:
    whole_world.destination.batch_size = 1_000
    for number in range(150):
        whole_world.person(f"p{number}@x.example")
    whole_world.platform.refused = {f"p{number}@x.example" for number in range(150)}
    with pytest.raises(FatalError):
        whole_world.sync()
    assert whole_world.held() == set()
