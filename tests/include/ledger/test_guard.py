"""Removals that look like a mistake wait; additions go on."""

import psycopg
import pytest

from include.errors import FatalError, RetriableError
from include.ledger import guard, holds
from tests.include.ledger.world import World


def _members(world: World, count: int) -> list:
    return [world.person(f"p{number}@x.example") for number in range(count)]


def test_pain_13_removals_beyond_share_and_count_wait_while_additions_go_on(world: World) -> None:
    people = _members(world, 10)
    world.sync()
    world.limits = {"max_change_share": 0.2, "max_removals": 2}
    for person in people[:3]:
        world.leave(person)
    world.person("new@x.example")
    result = world.sync()
    assert (result.added, result.removed, result.held, result.outcome) == (1, 0, 3, "held")
    assert len(world.held()) == 11
    hold = world.hold()
    assert (hold["state"], hold["removals"], hold["audience_size"]) == ("open", 3, 10)


@pytest.mark.parametrize(("share", "count"), [(0.2, 3), (0.3, 2)])
def test_removals_beyond_only_one_of_the_two_limits_go(world: World, share: float, count: int) -> None:
    people = _members(world, 10)
    world.sync()
    world.limits = {"max_change_share": share, "max_removals": count}
    for person in people[:3]:
        world.leave(person)
    assert world.sync().removed == 3


def test_the_defaults_hold_more_than_fifty_that_are_more_than_a_fifth(world: World) -> None:
    world.destination.batch_size = 100
    people = _members(world, 60)
    world.sync()
    for person in people[:51]:
        world.leave(person)
    assert world.sync().held == 51
    world.join(people[0])
    assert world.sync().removed == 50


@pytest.mark.parametrize("cause", ["stale", "alert", "empty"])
def test_pain_07_a_source_that_cannot_be_trusted_removes_nobody(world: World, cause: str) -> None:
    leaver = world.person("leaver@x.example")
    world.sync()
    world.leave(leaver)
    world.conn.execute("delete from segment.build")
    world.build(**{"stale": {"hours_ago": 49}, "alert": {"alert": "too small"}, "empty": {"size": 0}}[cause])
    result = world.sync()
    assert (result.removed, result.held, world.held()) == (0, 1, {"leaver@x.example"})


def test_a_segment_that_was_never_built_removes_nobody(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    world.conn.execute("delete from segment.build")
    world.conn.execute("delete from segment.membership")
    assert world.sync().held == 1
    assert world.held() == {"ada@x.example"}


def test_a_changed_address_is_no_removal_for_the_guard(world: World) -> None:
    people = _members(world, 4)
    world.sync()
    world.limits = {"max_change_share": 0.0, "max_removals": 0}
    for number, person in enumerate(people):
        world.change(person, email=f"new{number}@x.example")
    result = world.sync()
    assert (result.updated, result.held) == (4, 0)
    assert world.held() == {f"new{number}@x.example" for number in range(4)}


def _held(world: World, leavers: int) -> list:
    people = _members(world, 10)
    world.sync()
    world.limits = {"max_change_share": 0.0, "max_removals": 0}
    for person in people[:leavers]:
        world.leave(person)
    world.sync()
    return people


def test_an_approval_lets_the_removals_go_once(world: World) -> None:
    people = _held(world, 2)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    assert world.sync().removed == 2
    assert world.hold()["state"] == "closed"
    assert world.one("select actor || ' ' || action from ops.audit") == "ada hold approved"
    world.leave(people[5])
    assert world.sync().held == 1


@pytest.mark.parametrize("fault", ["lost", "down"])
def test_nobody_is_asked_twice_because_the_call_of_an_approved_removal_failed(world: World, fault: str) -> None:
    _held(world, 2)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    world.platform.script = [fault]
    with pytest.raises(RetriableError):
        world.sync()
    assert world.hold()["state"] == "approved"
    assert world.sync().removed == 2
    assert world.hold()["state"] == "closed"


def test_an_approval_is_a_ceiling_on_what_was_shown(world: World) -> None:
    people = _held(world, 2)
    approved = world.hold()
    guard.approve(world.conn, approved["hold_id"], "ada")
    world.leave(people[5])
    result = world.sync()
    assert (result.removed, result.held) == (0, 3)
    newer = world.hold()
    assert (newer["state"], newer["removals"], newer["since"]) == ("open", 3, approved["since"])
    assert newer["hold_id"] != approved["hold_id"]


def test_an_approval_covers_fewer_removals_than_were_shown(world: World) -> None:
    people = _held(world, 3)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    world.join(people[0])
    assert world.sync().removed == 2


def test_a_hold_that_grew_cannot_be_approved_by_its_old_number(world: World) -> None:
    people = _held(world, 2)
    old = world.hold()["hold_id"]
    world.leave(people[5])
    world.sync()
    with pytest.raises(FatalError, match="not open"):
        guard.approve(world.conn, old, "ada")


def test_a_hold_stays_one_hold_while_it_waits(world: World) -> None:
    _held(world, 2)
    first = world.hold()["hold_id"]
    world.sync()
    assert (world.hold()["hold_id"], world.hold()["state"]) == (first, "open")


def test_a_rejected_hold_is_asked_again_only_for_more_removals(world: World) -> None:
    people = _held(world, 2)
    guard.reject(world.conn, world.hold()["hold_id"], "ada")
    assert world.sync().held == 2
    assert world.hold()["state"] == "rejected"
    world.leave(people[5])
    assert world.sync().held == 3
    assert world.hold()["state"] == "open"


def test_a_hold_ends_when_the_danger_has_passed(world: World) -> None:
    people = _held(world, 2)
    for person in people[:2]:
        world.join(person)
    assert world.sync().outcome == "success"
    assert world.hold()["state"] == "closed"


def test_a_dry_run_opens_no_hold_and_equals_the_held_send(world: World) -> None:
    people = _held(world, 2)
    world.leave(people[5])
    before = world.hold()["hold_id"]
    plan = world.plan()
    assert (plan.held, world.hold()["hold_id"]) == (3, before)
    assert world.sync().plan_hash == plan.plan_hash


def test_an_audience_without_a_file_is_emptied_only_after_approval_when_it_is_large(world: World) -> None:
    world.destination.batch_size = 100
    _members(world, 60)
    world.sync()
    world.declared = []
    assert (world.sync().held, len(world.held())) == (60, 60)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    assert (world.sync().removed, world.held()) == (60, set())


def test_an_approval_covers_the_people_shown_and_not_as_many_others(world: World) -> None:
    people = _held(world, 2)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    world.join(people[0])
    world.leave(people[5])  # as many as were approved, but somebody else
    result = world.sync()
    assert (result.removed, result.held, len(world.held())) == (0, 2, 10)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    assert world.sync().removed == 2


def test_an_approval_lasts_until_its_removals_have_gone(world: World) -> None:
    people = _held(world, 4)
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    world.platform.script = ["", "down", "down", "down", "down"]
    world.destination.batch_size = 1
    with pytest.raises(RetriableError):
        world.sync()
    world.platform.script = []
    assert (world.sync().held, len(world.held())) == (0, 6)
    assert world.hold()["state"] == "closed"
    world.leave(people[6])
    assert world.sync().held == 1


def test_whoever_took_back_consent_is_removed_while_the_others_wait(world: World) -> None:
    people = _held(world, 3)
    world.limits = {"max_change_share": 0.0, "max_removals": 1}
    world.consent(people[7], "withdrawn")
    result = world.sync()
    assert (result.removed, result.held) == (1, 3)
    assert "p7@x.example" not in world.held()
    assert len(world.held()) == 9


def test_withdrawals_that_are_too_many_by_themselves_wait_as_well(world: World) -> None:
    people = _members(world, 10)
    world.sync()
    world.limits = {"max_change_share": 0.2, "max_removals": 2}
    for person in people[:3]:
        world.consent(person, "withdrawn")
    assert (world.sync().held, len(world.held())) == (3, 10)


def test_a_segment_that_jumped_since_the_day_before_removes_nobody(world: World) -> None:
    leaver = world.person("leaver@x.example")
    world.sync()
    world.conn.execute("update segment.build set as_of = as_of - 1, size = 1000")
    world.build(size=1600)
    world.leave(leaver)
    assert world.sync().held == 1
    assert "jumped from 1000 to 1600" in world.hold()["reason"]
    world.build(size=1400)
    assert world.sync().removed == 1


def test_the_audit_tells_who_decided_what_when_and_why_and_cannot_be_changed(world: World) -> None:
    _held(world, 2)
    guard.reject(world.conn, world.hold()["hold_id"], "ada", "the source is broken")
    [(actor, action, details)] = world.conn.execute("select actor, action, details from ops.audit").fetchall()
    assert (actor, action) == ("ada", "hold rejected")
    assert (details["removals"], details["audience"], details["why"]) == (2, "buyers-tag", "the source is broken")
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        world.conn.execute("delete from ops.audit")


def test_a_hold_shows_size_age_causes_and_a_sample_in_which_nobody_can_be_read(world: World) -> None:
    people = _held(world, 3)
    world.delete(people[1])
    world.sync()
    world.conn.execute("update audience.hold set since = since - interval '3 days'")
    hold = holds.show(world.conn, world.hold()["hold_id"])
    assert (hold.removals, hold.audience_size, hold.age) == (3, 10, "3 days")
    assert hold.causes == {"left the segment": 2, "is gone from the profile": 1}
    assert {person["email"] for person in hold.sample} == {"p***@x***.example", None}
    told = holds.as_markdown(hold)
    assert "**3 of 10 people (30%)**" in told
    assert "@x.example" not in told


def test_each_open_hold_is_asked_about_by_one_run_and_again_only_after_a_day(world: World) -> None:
    people = _held(world, 2)
    hold = world.hold()["hold_id"]
    assert holds.unasked(world.conn, "fake") == 1
    assert holds.claim(world.conn, "run 1") == [hold]
    assert (holds.claim(world.conn, "run 1"), holds.claim(world.conn, "run 2")) == ([hold], [])
    assert holds.unasked(world.conn, "fake") == 0
    world.leave(people[5])
    world.sync()  # a larger hold replaces it: a new question
    assert holds.claim(world.conn, "run 2") == [world.hold()["hold_id"]]
    world.conn.execute("update audience.hold set asked_at = asked_at - interval '26 hours'")
    assert holds.claim(world.conn, "run 3") == [world.hold()["hold_id"]]
