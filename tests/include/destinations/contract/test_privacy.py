"""Every destination: nobody is named to the platform who must not be, and no personal value is told anywhere else."""

import logging

import pytest

from include.errors import AudienceflowError
from include.segments.control import Control
from tests.include.destinations.contract.adapter import forms
from tests.include.destinations.contract.stage import Stage, leaks

PEOPLE = [f"p{number}@shop.example" for number in range(5)]


def said(stage: Stage, *addresses: str) -> list[str]:
    """Which of the addresses were ever named to the platform, in whatever form."""
    everything = stage.adapter.said()
    assert len(everything) > 100
    found = [
        one for one in addresses if any(form in everything for form in [*forms(one), stage.adapter.wire(one).encode()])
    ]
    return found


def test_pain_21_nobody_without_consent_is_named_in_any_request(stage: Stage) -> None:
    stage.people(*PEOPLE)
    stage.person("withdrew@shop.example", consent="withdrawn")
    stage.person("silent@shop.example", consent=None)
    stage.person("outside@shop.example", member=False)
    late = stage.person("late@shop.example")
    stage.sync(lambda step: stage.consent(late, "withdrawn") if step == "planned" else None)
    stage.sync()
    assert (
        said(stage, "withdrew@shop.example", "silent@shop.example", "outside@shop.example", "late@shop.example") == []
    )
    assert said(stage, PEOPLE[0]) == [PEOPLE[0]]
    assert stage.is_equal()


def test_nobody_of_the_global_or_the_audiences_control_group_is_named_in_any_request(stage: Stage) -> None:
    stage.controls = (Control("global", 0.3), Control(f"{stage.adapter.name} {stage.key}", 0.3))
    addresses = [f"crowd{number}@shop.example" for number in range(40)]
    people = dict(zip(addresses, stage.people(*addresses), strict=True))
    stage.sync()
    drawn = stage.rows(
        "select experiment, email from experiment.assigned join profile.person using (person_id) where arm = 'control'"
    )
    kept_out = {one["email"] for one in drawn}
    assert len({one["experiment"] for one in drawn}) == 2
    assert stage.held() == stage.named(*(people.keys() - kept_out))
    moved, left = sorted(kept_out)[:2]
    stage.change(people[moved], email="moved@shop.example")
    stage.leave(people[left])
    stage.destination.field_version += 1  # everybody is sent again
    stage.sync()
    assert said(stage, "moved@shop.example", *kept_out) == []
    assert said(stage, *(people.keys() - kept_out)) != []


def test_a_withdrawal_takes_back_what_was_sent(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.consent(people[0], "withdrawn")
    stage.sync()
    assert stage.held() == stage.named(*PEOPLE[1:])
    stage.forgotten()
    stage.change(people[0], email="elsewhere@shop.example")
    stage.consent(people[1], "withdrawn")
    stage.sync()
    assert said(stage, PEOPLE[0], "elsewhere@shop.example") == []


def test_pain_23_an_erased_person_is_removed_and_never_named_again(stage: Stage) -> None:
    people = stage.people(*PEOPLE)
    stage.sync()
    stage.delete(people[0])
    stage.sync()
    assert stage.held() == stage.named(*PEOPLE[1:])
    stage.forgotten()
    stage.person("new@shop.example")
    stage.sync()
    assert said(stage, PEOPLE[0]) == []
    assert stage.is_equal()


def test_pain_18_and_19_no_personal_value_is_in_a_log_an_error_a_result_or_the_ledgers_texts(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    canaries = ["canary-ada@shop.example", stage.adapter.bad_address(7), "canary-0@shop.example", "Canaria"]
    for address in canaries[:2]:
        stage.person(address, first_name="Canaria")
    results: list[object] = [stage.attempt() or stage.failed]
    faults = (("error", {"status": 500}), ("error", {"status": 400}), ("lost_answer", {}), ("half_answer", {}))
    for number, (kind, more) in enumerate(faults):
        stage.person(f"canary-{number}@shop.example", first_name="Canaria")
        stage.adapter.strike(kind, next=None, **more)
        results.append(stage.attempt() or stage.failed)
    stage.adapter.strike("error", next=None, status=400)
    with pytest.raises(AudienceflowError) as caught:
        stage.destination.remove(stage.audience(), [stage.member(canaries[0])])
    results.append(caught.value)
    assert caplog.records != []
    assert leaks(stage, caplog.records, results, [*canaries, "canary-3@shop.example"]) == []


def test_what_the_canary_would_find_is_found(stage: Stage) -> None:
    """The scan itself: an address in an error's cause, in a log line and in a text of the ledger."""
    stage.people(*PEOPLE)
    stage.sync()
    record = logging.LogRecord("x", logging.DEBUG, "", 0, "row %s", ("canary@shop.example",), None)
    told = AudienceflowError("no")
    told.__cause__ = ValueError("canary@shop.example")
    stage.conn.execute(
        "update audience.member set error_text = 'canary@shop.example' where audience_id = %s", (stage.audience_id,)
    )
    assert leaks(stage, [record], [told], ["canary@shop.example"]) == [
        "log: canary@shop.example",
        "results: canary@shop.example",
        "member: canary@shop.example",
    ]
    stage.conn.execute("update audience.member set error_text = null where audience_id = %s", (stage.audience_id,))
