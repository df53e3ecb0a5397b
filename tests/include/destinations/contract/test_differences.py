"""Every destination: only differences go out, under the identifiers that were sent, equal to the plan shown before."""

import pytest

from include.destinations.registry import DESTINATIONS
from tests.include.destinations.contract.adapters import ADAPTERS
from tests.include.destinations.contract.stage import Stage
from tests.include.destinations.contract.those import those_with

PEOPLE = [f"p{number}@shop.example" for number in range(7)]
PHONES = sorted(name for name, destination in DESTINATIONS.items() if "phone" in destination.identifiers)


def test_every_registered_destination_is_in_the_suite() -> None:
    assert set(ADAPTERS) == set(DESTINATIONS)


def test_the_platform_holds_the_desired_and_a_second_sync_asks_for_no_change(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    first = stage.sync()
    assert (first.added, first.rejected, first.outcome) == (7, 0, "success")
    assert stage.held() == stage.wanted()
    stage.forgotten()
    assert stage.sync().outcome == "success"
    assert stage.adapter.calls() == []
    stage.leave(people[0])
    stage.person("new@shop.example")
    second = stage.sync()
    assert (second.added, second.removed, second.updated) == (1, 1, 0)
    assert set(stage.told("remove")) == stage.named(PEOPLE[0])
    assert stage.named(*PEOPLE[1:]).isdisjoint(stage.told("add"))
    assert stage.is_equal()
    assert {one["state"] for one in stage.batches()} == {"confirmed"}  # nothing is left to wait for


def test_pain_11_a_removal_names_the_address_that_was_sent_not_todays(stage: Stage) -> None:
    moved, left = stage.people("old@shop.example", "left@shop.example")
    stage.people(*PEOPLE)
    stage.sync()
    stage.change(moved, email="today@shop.example")
    stage.change(left, email="never-sent@shop.example")
    stage.leave(left)
    stage.forgotten()
    stage.sync()
    assert stage.held() == stage.wanted() == stage.named("today@shop.example", *PEOPLE)
    assert set(stage.told("remove")) == stage.named("old@shop.example", "left@shop.example")
    assert "never-sent" not in stage.adapter.said().decode(errors="replace")


@pytest.mark.parametrize("stage", PHONES, indirect=True)
def test_pain_11_a_removal_names_every_identifier_that_was_sent(stage: Stage) -> None:
    person = stage.person("left@shop.example", "+493012345678")
    stage.people(*PEOPLE)
    stage.sync()
    stage.change(person, email="never-sent@shop.example", phone="+493087654321")
    stage.leave(person)
    stage.forgotten()
    stage.sync()
    sent = stage.destination.identify({"email": "left@shop.example", "phone": "+493012345678"})
    never = stage.destination.identify({"email": "never-sent@shop.example", "phone": "+493087654321"})
    assert sent.keys() == never.keys() == {"email", "phone"}
    said = stage.adapter.said()
    assert [value for value in (*sent.values(), *never.values()) if value.encode() in said] == [*sent.values()]


def test_a_dry_run_sends_nothing_and_shows_what_is_then_sent(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.leave(people[0])
    stage.change(people[1], email="moved@shop.example")
    stage.change(people[2], first_name="Eve")
    stage.person("new@shop.example")
    stage.forgotten()
    shown = stage.plan()
    assert stage.adapter.requests() == 0
    sent = stage.sync()
    assert sent.plan_hash == shown.plan_hash
    assert shown.changes > 0
    assert (sent.added, sent.removed) == (1, 1)


def test_pain_09_a_full_resync_removes_the_leaver_and_nobody_is_missing_in_between(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.leave(people[0])
    stage.destination.field_version += 1  # everybody is sent again
    stage.forgotten()
    result = stage.sync()
    assert (result.updated, result.removed) == (6, 1)
    assert set(stage.told("remove")) == stage.named(PEOPLE[0])
    assert stage.is_equal()


def test_a_new_way_to_name_people_sends_all_again_and_nobody_is_missing_in_between(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    stage.destination.identifier_version += 1
    stage.forgotten()
    stage.sync()
    assert stage.told("remove") == []
    assert stage.is_equal()


@those_with("carries_names")
def test_pain_35_a_changed_field_sends_only_whom_it_changed(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.change(people[3], first_name="Eve")
    stage.forgotten()
    result = stage.sync()
    assert (result.added, result.updated, result.removed) == (0, 1, 0)
    assert {name for call in stage.adapter.calls() for name in call.names} <= stage.named(PEOPLE[3])
    assert stage.adapter.calls() != []


def test_pain_10_a_member_somebody_else_put_there_is_left_alone(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.destination.add(stage.audience(), [stage.member("stranger@shop.example")])
    stage.leave(people[0])
    stage.change(people[1], email="moved@shop.example")
    stage.sync()
    stage.sync()
    assert stage.held() == stage.wanted() | stage.named("stranger@shop.example")
    assert stage.plan().changes == 0


def test_an_audience_deleted_at_the_platform_is_made_again_with_everybody(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    [audience] = stage.rows("select remote_id from audience.audience where audience_id = %(audience_id)s")
    stage.adapter.delete_audience(stage.key, audience["remote_id"])
    assert stage.held() == set()
    stage.leave(people[0])
    result = stage.sync()
    assert (result.added, result.removed, result.outcome) == (6, 0, "success")
    assert stage.is_equal()


def test_an_audience_no_file_names_any_more_is_emptied(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    stage.declared = []
    stage.sync()
    assert stage.held() == set()


def test_two_persons_with_one_address_are_one_member_until_both_have_left(stage: Stage) -> None:
    first, second = stage.people("shared@shop.example"), stage.people("shared@shop.example")
    stage.people(*PEOPLE)
    stage.sync()
    stage.leave(first[0])
    stage.sync()
    assert stage.held() == stage.named("shared@shop.example", *PEOPLE)
    stage.leave(second[0])
    stage.sync()
    assert stage.held() == stage.named(*PEOPLE)
