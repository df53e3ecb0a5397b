"""Every destination: a missing value clears nothing unless it is to, and a first load can be quiet."""

import logging

import pytest

from include.destinations.quiet import NONE, WAYS, why_not
from include.ledger import debts, watch
from tests.include.destinations.contract.adapters import ADAPTERS
from tests.include.destinations.contract.stage import Stage
from tests.include.destinations.contract.those import those_with

PEOPLE = ["ada@shop.example", "bob@shop.example", "eve@shop.example"]


@those_with("holds_fields")
def test_pain_34_a_missing_value_clears_nothing(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    assert stage.adapter.field(stage.key, PEOPLE[0], "first_name") == "Ada"
    stage.change(people[0], first_name=None)
    stage.sync()
    stage.sync()
    assert stage.adapter.field(stage.key, PEOPLE[0], "first_name") == "Ada"
    assert stage.is_equal()


@those_with("holds_fields")
def test_pain_34_a_missing_value_clears_what_the_segments_file_says_it_clears(stage: Stage) -> None:
    stage.options = {"nulls": {"first_name": "clear"}}
    people = stage.people(*PEOPLE)
    stage.sync()
    assert stage.adapter.field(stage.key, PEOPLE[0], "first_name") == "Ada"
    stage.change(people[0], first_name=None)
    stage.sync()
    assert stage.adapter.field(stage.key, PEOPLE[0], "first_name") in ("", None)
    assert stage.adapter.field(stage.key, PEOPLE[1], "first_name") == "Ada"
    assert stage.is_equal()


@those_with("holds_fields")
def test_pain_34_a_value_that_is_to_be_cleared_is_and_the_others_stay(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.sync()
    cleared = stage.member(PEOPLE[0], last_name="Lovelace")._replace(cleared=("first_name",))
    job = stage.destination.update(stage.audience(), [cleared]).job_id
    stage.adapter.pass_time(3600)
    if job is not None:
        stage.destination.confirm(stage.audience(), job)
    assert stage.adapter.field(stage.key, PEOPLE[0], "first_name") in ("", None)
    assert stage.adapter.field(stage.key, PEOPLE[0], "last_name") == "Lovelace"
    assert stage.adapter.field(stage.key, PEOPLE[1], "first_name") == "Ada"


def test_every_destination_says_what_a_quiet_first_load_is_there(stage: Stage) -> None:
    assert (stage.adapter.name in WAYS) != (stage.adapter.name in NONE)
    assert (why_not(stage.adapter.name) is None) == (stage.adapter.name in WAYS)
    assert set(WAYS) | set(NONE) >= set(ADAPTERS)


def test_pain_34_a_first_load_tells_its_size_and_length_before_its_first_call(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "include.ledger.first_load")
    stage.people(*PEOPLE)
    told: list[tuple[int, str]] = []
    stage.sync(lambda step: told.append((len(stage.adapter.calls()), caplog.text)) if step == "planned" else None)
    [(calls, text)] = told
    assert calls == 0
    assert "first load of 3 people in 1 calls" in text
    caplog.clear()
    stage.person("new@shop.example")
    stage.sync()
    assert "first load" not in caplog.text


@those_with("has_minimum")
def test_pain_12_an_audience_too_small_for_the_platform_waits_in_sight_and_goes_out_when_it_has_grown(
    stage: Stage,
) -> None:
    stage.adapter.need(6)
    people = stage.people(*PEOPLE)
    for _ in range(2):
        result = stage.sync()  # not a failed one: a retry would come to the same
        assert (result.added, result.outcome) == (0, "partial")
    [left_out, *_] = watch.states(stage.conn, stage.adapter.name)
    assert left_out.failing
    assert left_out.summary.startswith("3 people wait")
    stage.leave(people[0])
    assert stage.sync().outcome == "partial"
    assert debts.listed(stage.conn) == []  # nobody ever got in
    stage.people(*(f"more{number}@shop.example" for number in range(5)))
    assert stage.sync().outcome == "success"
    assert stage.is_equal()


@those_with("marks_quiet")
def test_pain_34_a_quiet_first_load_is_quiet_until_it_has_come_to_its_end(stage: Stage) -> None:
    stage.options = {"first_load": "quiet"}
    stage.people(*PEOPLE)
    stage.adapter.strike("error")
    stage.attempt()
    stage.adapter.calm()
    stage.forgotten()
    stage.sync()
    assert b'"quiet":' in stage.adapter.said()
    stage.forgotten()
    stage.person("new@shop.example")
    stage.sync()
    assert stage.told("add") == ["new@shop.example"]
    assert stage.adapter.last_is_quiet() is False
    assert stage.is_equal()
