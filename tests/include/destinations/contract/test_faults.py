"""Every destination: whatever a call comes to, nobody is lost or there twice, and the next sync makes it good."""

import uuid
from collections import Counter
from datetime import timedelta

import pytest

from include.errors import AudienceflowError, AuthError, RetriableError
from include.ledger.deliver import MAX_FAILED_IN_A_ROW
from tests.include.destinations.contract.stage import Stage
from tests.include.destinations.contract.those import those_with
from tests.include.ledger.world import Killed

PEOPLE = [f"p{number}@shop.example" for number in range(6)]
STEPS = ("taken", "answered", "settled")  # all steps, each at several calls: tests/include/ledger/test_faults.py


def changed(stage: Stage) -> list[uuid.UUID]:
    """A first sync, then a leaver, a changed name, a moved address and somebody new: each operation has a call."""
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.leave(people[0])
    stage.change(people[1], first_name="Eve")
    stage.change(people[2], email="moved@shop.example")
    stage.person("new@shop.example")
    stage.forgotten()
    return people


@pytest.mark.parametrize("kind", ["half_answer", "error_after"])
def test_pain_32_a_first_load_whose_answer_is_lost_is_made_good_without_doubles(stage: Stage, kind: str) -> None:
    stage.people(*PEOPLE)
    stage.adapter.strike(kind, next=1)
    stage.attempt()
    stage.settle(1)
    assert stage.is_equal()


@pytest.mark.parametrize(("kind", "skip"), [("lost_answer", 0), ("lost_answer", 1), ("reset", 2)])
def test_pain_32_each_call_that_breaks_is_made_good_without_doubles(stage: Stage, kind: str, skip: int) -> None:
    changed(stage)
    stage.adapter.strike(kind, skip=skip)
    stage.attempt()
    stage.settle()
    assert stage.is_equal()


def test_pain_28_a_throttle_is_waited_for_and_uses_up_no_try(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.adapter.strike("throttle", next=2)
    result = stage.sync()  # with one try a call
    assert (result.added, result.outcome) == (6, "success")
    assert {
        one["tries"] for one in stage.rows("select tries from audience.member where audience_id = %(audience_id)s")
    } == {0}


def test_an_error_of_the_platform_leaves_everybody_to_the_next_sync(stage: Stage) -> None:
    people = changed(stage)
    stage.adapter.strike("error", next=None)
    assert stage.attempt() is None or stage.attempts() != []
    assert people[0] in {one["person_id"] for one in stage.attempts()}
    stage.settle()
    assert stage.is_equal()


def test_a_platform_that_is_down_is_not_asked_for_ever(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.destination.batch_size = 1
    stage.adapter.strike("error", next=None)
    stage.attempt()
    assert stage.failed is not None
    assert len(stage.adapter.calls()) <= MAX_FAILED_IN_A_ROW + stage.destination.connections
    stage.settle()
    assert stage.is_equal()


def test_pain_02_an_expired_token_stops_at_once(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    stage.person("new@shop.example")
    stage.forgotten()
    stage.adapter.strike("expired_token", next=None, everywhere=True)
    with pytest.raises(AuthError):
        stage.sync()
    assert stage.adapter.requests() == 1
    stage.settle()
    assert stage.is_equal()


def test_a_token_that_expires_on_the_way_lets_no_further_batch_go(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    for number in range(40):
        stage.person(f"new{number}@shop.example")
    stage.destination.batch_size = 1
    stage.forgotten()
    stage.adapter.strike("expired_token", next=None)
    with pytest.raises(AuthError):
        stage.sync()
    assert stage.adapter.requests() < 20
    assert stage.held() == stage.named(*PEOPLE)
    stage.settle()
    assert stage.is_equal()


@those_with("debts")
def test_pain_12_a_refused_removal_becomes_a_debt_and_is_tried_again(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.adapter.refuse_removals(stage.key, True)
    stage.leave(people[0])
    stage.forgotten()
    stage.attempt()
    stage.attempt()
    [debt] = stage.attempts()
    assert (debt["attempt_state"], debt["acknowledged"]) == ("debt", "present")
    assert debt["error_code"]
    assert len(stage.told("remove")) == 2
    assert stage.held() == stage.named(*PEOPLE)
    stage.adapter.refuse_removals(stage.key, False)
    assert stage.sync().removed == 1
    assert stage.is_equal()


def test_pain_12_a_removal_refused_as_a_call_is_made_again(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.leave(people[0])
    stage.adapter.strike("error", next=None, status=400)
    stage.attempt()
    assert [one["operation"] for one in stage.attempts()] == ["remove"]
    assert stage.held() == stage.named(*PEOPLE)
    stage.settle(1)
    assert stage.is_equal()


def test_pain_32_a_sync_killed_around_its_calls_is_made_good(stage: Stage) -> None:
    people = changed(stage)
    for step in STEPS:

        def die(reached: str, step: str = step) -> None:
            if reached == step:
                raise Killed

        with pytest.raises(Killed):
            stage.sync(die)
        stage.settle(1)
        assert stage.is_equal(), step
        stage.leave(people.pop())
        stage.person(f"{step}@shop.example")


@those_with("knows_repeats")
def test_pain_32_a_call_made_again_after_a_crash_has_the_id_it_had(stage: Stage) -> None:
    """By it the platform knows that it has had the call, and does nothing twice."""
    stage.people(*PEOPLE)
    stage.destination.batch_size = 3

    def die(reached: str) -> None:
        if reached == "answered":
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            stage.sync(die)
    stage.sync()
    assert sorted(Counter(stage.adapter.call_ids()).values()) == [3, 3]
    assert stage.is_equal()


@those_with("knows_repeats")
def test_a_call_that_something_else_came_between_has_an_id_of_its_own(stage: Stage) -> None:
    """Else the platform would take the second joining for the first, which it has had, and hold nobody."""
    stage.people(*PEOPLE)
    stage.sync()
    person = stage.person("ada@shop.example")
    stage.forgotten()
    for step in (stage.leave, stage.join, stage.leave, stage.join):
        stage.adapter.strike("lost_answer")
        stage.attempt()
        step(person)
    stage.settle(1)
    assert len(set(stage.adapter.call_ids())) == len(stage.adapter.call_ids()) == 5
    assert stage.is_equal()


def test_each_call_may_be_repeated(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    audience, ada = stage.audience(), stage.member("ada@shop.example", first_name="Ada")
    for _ in range(2):
        stage.destination.add(audience, [ada])
        stage.adapter.pass_time(3600)
        assert stage.held() == stage.named("ada@shop.example", *PEOPLE)
    stage.destination.update(audience, [ada])
    stage.adapter.pass_time(3600)
    assert stage.held() == stage.named("ada@shop.example", *PEOPLE)
    for _ in range(2):
        stage.destination.remove(audience, [stage.member("ada@shop.example")])
        stage.adapter.pass_time(3600)
        assert stage.held() == stage.named(*PEOPLE)


@those_with("jobs")
def test_pain_04_nobody_is_confirmed_before_the_platform_says_so(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.adapter.hang_jobs(True)
    stage.wait_seconds = 0
    first = stage.sync()
    assert (first.added, first.confirmed) == (6, 0)
    assert {one["state"] for one in stage.batches()} == {"accepted"}
    stage.adapter.hang_jobs(False)
    stage.sync()
    assert {one["state"] for one in stage.batches()} == {"confirmed"}
    assert stage.is_equal()


@those_with("jobs")
def test_pain_31_a_job_that_never_ends_counts_as_unknown_and_is_made_good(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.adapter.hang_jobs(True)
    stage.wait_seconds = 0
    stage.sync()
    stage.age_batches(timedelta(days=30))
    stage.attempt()
    assert {one["state"] for one in stage.batches()} == {"unknown"}
    assert {one["attempt_state"] for one in stage.attempts()} == {"sent"}
    stage.adapter.hang_jobs(False)
    stage.forgotten()
    stage.settle()
    assert set(stage.told("add")) | set(stage.told("update")) == stage.named(*PEOPLE)
    assert stage.is_equal()


@those_with("failing_jobs")
def test_pain_04_a_job_that_fails_is_made_good(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.adapter.fail_jobs(True)
    stage.attempt()
    assert stage.held() == set()
    assert len(stage.attempts()) == 6
    stage.adapter.fail_jobs(False)
    stage.settle()
    assert stage.is_equal()


@those_with("failing_jobs")
def test_pain_04_a_removal_whose_job_fails_is_made_good(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.leave(people[0])
    stage.adapter.fail_jobs(True)
    stage.attempt()
    stage.adapter.fail_jobs(False)
    stage.settle()
    assert stage.is_equal()


def test_every_status_is_sorted(stage: Stage) -> None:
    """No answer of the platform, whatever its body, ends in anything but one of our errors."""
    stage.people(*PEOPLE)
    stage.sync()
    audience, kinds = stage.audience(), set()
    for status in (400, 404, 409, 413, 422, 500, 502, 504):
        stage.adapter.strike("error", status=status)
        with pytest.raises(AudienceflowError) as caught:
            stage.destination.add(audience, [stage.member("ada@shop.example")])
        kinds.add(type(caught.value))
    assert any(issubclass(kind, RetriableError) for kind in kinds)
