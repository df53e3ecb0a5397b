"""Runs that are killed at any step, or inside a call: the next one makes good what they left."""

from collections import Counter

import pytest

from tests.include.ledger.world import Killed, World

# Every place where a sync can die with something done and something not; a call has two more, before and after the
# platform applied it (see below). With each step the number of times a sync of `_history` comes by there.
STEPS = {
    "repaired": 1,  # what an earlier kill left is settled
    "begun": 1,  # the try is written down
    "opened": 1,  # the audience is known at the platform
    "planned": 1,
    "taken": 4,  # a window is written down as sent; the additions have two
    "answered": 4,  # the platform has answered
    "settled": 4,  # the answer is written down
    "delivered": 1,
    "asked": 4,  # the platform has told a job's result; one a batch
    "told": 4,  # the result is written down
    "given_up": 1,  # jobs without an end are closed
    "confirmed": 1,
    "kept": 1,  # removals without a call are settled
    "used_up": 1,  # the approval that was used is closed
}


def _history(world: World) -> None:
    """Members who stay, leave, change and come, so that each operation has a batch."""
    people = [world.person(f"p{number}@x.example", f"+49{number}") for number in range(8)]
    world.sync()
    for person in people[:2]:
        world.leave(person)
    world.change(people[3], first_name="Eve")
    world.change(people[4], email="moved@x.example")
    for number in range(4):
        world.person(f"new{number}@x.example")


def _steps(world: World) -> list[str]:
    """What a whole sync of a history comes by."""
    reached: list[str] = []
    _history(world)
    world.sync(reached.append)
    return reached


def test_the_list_of_steps_is_whole(world: World) -> None:
    world.destination.acknowledgement = "job"
    assert Counter(_steps(world)) == STEPS


@pytest.mark.parametrize(("step", "time"), [(step, time) for step, times in STEPS.items() for time in range(times)])
def test_pain_32_a_run_killed_at_any_step_is_made_good_by_the_next(world: World, step: str, time: int) -> None:
    world.destination.acknowledgement = "job"
    _history(world)
    left = [time + 1]

    def die(reached: str) -> None:
        left[0] -= reached == step
        if left[0] == 0:
            raise Killed

    with pytest.raises(Killed):
        world.sync(die)
    result = world.sync()
    assert result.outcome == "success"
    assert world.held() == world.desired()
    assert world.plan().changes == 0
    assert world.one("select count(*) from audience.batch where state in ('sent', 'accepted')") == 0
    assert world.one("select count(*) from audience.sync where ended_at is null") == 0
    assert world.counts_hold()
    unconfirmed = "select count(*) from audience.member where acknowledged = 'present' and confirmed_at is null"
    assert world.one(unconfirmed) == 0


@pytest.mark.parametrize("death", ["killed", "killed before"])
@pytest.mark.parametrize("call", range(4))  # one removal, two additions, one update
def test_a_run_killed_inside_a_call_is_made_good_by_the_next(world: World, death: str, call: int) -> None:
    _history(world)
    world.platform.script = [""] * call + [death]
    with pytest.raises(Killed):
        world.sync()
    world.sync()
    assert world.held() == world.desired()
    assert world.one("select count(*) from audience.delivery where outcome = 'unknown' and error_code = 'killed'") > 0


def test_a_killed_run_leaves_only_its_rest_to_the_next(world: World) -> None:
    for number in range(30):
        world.person(f"p{number}@x.example")
    world.platform.script = [""] * 6 + ["killed before"]
    with pytest.raises(Killed):
        world.sync()
    assert len(world.held()) == 18
    assert world.sync().added == 12
    assert len(world.platform.values("add")) == 30
