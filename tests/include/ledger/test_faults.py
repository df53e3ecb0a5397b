"""Calls that fail, rows that are refused, runs that are killed: nothing is lost and nobody is left behind."""

import logging

import psycopg
import pytest

from include.destinations.base import Answer, Exceptional
from include.errors import AuthError, FatalError, QuotaError, RetriableError
from tests.include.ledger.world import Killed, World


def test_pain_30_one_refused_row_does_not_fail_its_batch(world: World) -> None:
    world.platform.refused = {"bad@x.example"}
    for name in ("a", "bad", "c"):
        world.person(f"{name}@x.example")
    result = world.sync()
    assert (result.added, result.rejected, result.outcome) == (2, 1, "partial")
    assert (
        world.one("select outcome || ' ' || error_code from audience.delivery where outcome = 'rejected'")
        == "rejected bad_row"
    )
    assert world.counts_hold()


def test_pain_03_what_a_batch_sent_is_the_sum_of_its_results_and_no_batch_can_say_otherwise(world: World) -> None:
    world.platform.refused = {"bad@x.example"}
    for name in ("a", "b", "bad"):
        world.person(f"{name}@x.example")
    assert world.sync().outcome == "partial"
    world.platform.script = ["lost"]
    world.person("d@x.example")
    with pytest.raises(RetriableError):
        world.sync()
    told = "select sum(sent), sum(accepted), sum(rejected), sum(unknown) from audience.batch"
    assert world.conn.execute(told).fetchone() == (4, 2, 1, 1)
    with pytest.raises(psycopg.errors.CheckViolation, match="every_row_is_accounted_for"):
        world.conn.execute("update audience.batch set accepted = accepted + 1")


def test_pain_06_a_refused_person_is_parked_until_something_about_them_changes(world: World) -> None:
    world.platform.refused = {"bad@x.example"}
    person = world.person("bad@x.example")
    world.person("good@x.example")
    world.sync()
    calls = len(world.platform.calls)
    again = world.sync()
    assert (again.parked, again.outcome) == (1, "partial")  # never green in silence
    assert len(world.platform.calls) == calls
    world.change(person, first_name="Eve")
    assert len(world.platform.calls) == calls
    assert world.sync().rejected == 1
    world.platform.refused = set()
    world.consent(person, "granted")
    assert world.sync().added == 1


def test_a_person_no_platform_can_name_is_rejected_without_a_call(world: World) -> None:
    world.person("unusable@x.example")
    world.person("ada@x.example")
    result = world.sync()
    assert (result.added, result.rejected) == (1, 1)
    assert world.platform.values("add") == ["ada@x.example"]


def test_pain_12_a_refused_removal_stays_a_debt_and_is_tried_again(world: World) -> None:
    world.platform.keeps = {"ada@x.example"}
    person = world.person("ada@x.example")
    world.person("bob@x.example")
    world.sync()
    world.leave(person)
    world.person("eve@x.example")
    result = world.sync()
    assert (result.added, result.removed, result.outcome) == (1, 0, "partial")
    assert (
        world.one("select attempt_state || ' ' || error_code from audience.member where attempt_state is not null")
        == "debt too_small"
    )
    opened = world.one("select opened_at from audience.member where attempt_state = 'debt'")
    with pytest.raises(RetriableError):
        world.sync()
    assert world.one("select opened_at from audience.member where attempt_state = 'debt'") == opened
    assert world.one("select tries from audience.member where attempt_state = 'debt'") == 2
    world.platform.keeps = set()
    assert world.sync().removed == 1


def test_a_debt_is_void_when_the_person_belongs_again(world: World) -> None:
    world.platform.keeps = {"ada@x.example"}
    person = world.person("ada@x.example")
    world.sync()
    world.leave(person)
    with pytest.raises(RetriableError):
        world.sync()
    world.join(person)
    assert world.sync().outcome == "success"
    assert world.one("select count(*) from audience.member where attempt_state is not null") == 0


def test_pain_12_a_refused_removal_of_somebody_whose_addition_had_no_answer_stays_a_debt(world: World) -> None:
    world.platform.keeps = {"ada@x.example"}
    person = world.person("ada@x.example")
    world.platform.script = ["lost"]
    with pytest.raises(RetriableError):
        world.sync()
    world.leave(person)
    for _ in range(2):
        with pytest.raises(RetriableError):
            world.sync()
    world.platform.keeps = set()
    assert world.sync().removed == 1
    assert world.held() == set()


def test_a_lost_answer_is_unknown_and_the_call_is_made_again(world: World) -> None:
    for number in range(7):
        world.person(f"p{number}@x.example")
    world.platform.script = ["", "lost"]
    result = world.sync()
    assert (result.added, result.outcome) == (4, "partial")
    assert world.one("select sum(unknown) from audience.batch") == 3
    assert world.counts_hold()
    assert world.sync().added == 3
    assert world.held() == world.desired()


def test_a_leaver_whose_addition_was_never_acknowledged_is_removed_too(world: World) -> None:
    person = world.person("ada@x.example")
    world.platform.script = ["lost"]
    with pytest.raises(RetriableError):
        world.sync()
    assert world.held() == {"ada@x.example"}
    world.leave(person)
    assert world.sync().removed == 1
    assert world.held() == set()


def test_a_removal_without_an_answer_whose_person_returns_is_added_again(world: World) -> None:
    person = world.person("ada@x.example")
    world.sync()
    world.leave(person)
    world.platform.script = ["lost"]
    with pytest.raises(RetriableError):
        world.sync()
    world.join(person)
    world.sync()
    assert world.held() == {"ada@x.example"}


@pytest.mark.parametrize(("fault", "error"), [("auth", AuthError), ("fatal", FatalError), ("quota", QuotaError)])
def test_what_stops_the_account_stops_the_sync_at_once_and_is_made_good_later(
    world: World, fault: str, error: type[Exception]
) -> None:
    for number in range(9):
        world.person(f"p{number}@x.example")
    world.platform.script = ["", fault]
    with pytest.raises(error):
        world.sync()
    assert len(world.platform.calls) == 1
    assert world.one("select outcome || ' ' || added || ' ' || error_class from audience.sync") == f"partial 3 {fault}"
    assert world.sync().added == 6
    assert world.held() == world.desired()


def test_three_failed_calls_in_a_row_end_the_sync(world: World) -> None:
    for number in range(15):
        world.person(f"p{number}@x.example")
    world.platform.script = ["down"] * 4
    with pytest.raises(RetriableError):
        world.sync()
    assert world.platform.script == ["down"]
    assert world.one("select outcome from audience.sync") == "failed"


def test_pain_02_nothing_delivered_is_an_error(world: World) -> None:
    world.person("ada@x.example")
    world.platform.script = ["down"]
    with pytest.raises(RetriableError, match="nobody was accepted"):
        world.sync()
    assert world.one("select outcome from audience.sync") == "failed"


def test_removals_go_before_additions(world: World) -> None:
    leaver = world.person("leaver@x.example")
    world.sync()
    world.leave(leaver)
    world.person("new@x.example")
    world.sync()
    assert [operation for operation, _ in world.platform.calls] == ["add", "remove", "add"]


def test_two_syncs_of_one_audience_do_not_meet(world: World) -> None:
    world.person("ada@x.example")

    def intrude(step: str) -> None:
        if step == "planned":
            with pytest.raises(RetriableError, match="another sync"):
                World.sync(world)

    world.sync(intrude)
    assert world.platform.values("add") == ["ada@x.example"]


def test_pain_36_each_delivery_names_membership_consent_and_version(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    assert (
        world.one(
            "select count(*) from audience.delivery d join segment.membership m using (membership_id)"
            " join consent.ledger c using (consent_id) where d.segment_version = 'v1' and d.outcome = 'confirmed'"
        )
        == 1
    )


def test_pain_04_a_job_is_confirmed_only_when_the_platform_says_so(world: World) -> None:
    world.destination.acknowledgement = "job"
    world.person("ada@x.example")
    assert world.sync().confirmed == 1
    assert world.one("select state from audience.batch") == "confirmed"


def test_a_job_that_names_bad_rows_takes_them_back(world: World) -> None:
    world.destination.acknowledgement = "job"
    world.platform.jobs = {"job 1": Answer((Exceptional(1, "retriable", "later", "the platform says later"),))}
    for name in ("a", "b", "c"):
        world.person(f"{name}@x.example")
    result = world.sync()
    assert (result.confirmed, result.outcome) == (2, "partial")
    assert world.sync().added == 1


def test_pain_18_and_19_no_address_is_in_a_log_or_an_error(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world.platform.refused = {"canary-1@x.example"}
    for number in range(3):
        world.person(f"canary-{number}@x.example", first_name="canary")
    world.sync()
    world.platform.script = ["lost"]
    world.person("canary-9@x.example")
    with pytest.raises(RetriableError) as caught:
        world.sync()
    stored = (
        world.one("select coalesce(string_agg(d::text, ''), '') from audience.delivery d")
        + world.one("select string_agg(b::text, '') from audience.batch b")
        + world.one("select string_agg(s::text, '') from audience.sync s")
    )
    assert "canary" not in stored + caplog.text + str(caught.value) + repr(caught.value.__context__)


def test_an_audience_deleted_at_the_platform_is_made_again_and_everybody_is_sent(world: World) -> None:
    people = [world.person(f"p{number}@x.example") for number in range(4)]
    world.sync()
    world.platform.delete_audience()
    world.leave(people[0])
    result = world.sync()
    assert (result.added, result.removed, result.size, result.outcome) == (3, 0, 3, "success")
    assert world.held() == world.desired()
    assert world.one("select remote_id from audience.audience") == world.platform.audience
    assert world.one("select count(*) from audience.delivery where error_code = 'audience_gone'") == 4
    assert world.plan().changes == 0


@pytest.mark.parametrize("name", [None, "vip"])
def test_a_sync_killed_when_it_has_made_an_audience_anew_leaves_nobody_out(world: World, name: str | None) -> None:
    """Where the id is a name, the new one, which is empty, looks like the one everybody was in."""
    world.platform.name = name
    for number in range(4):
        world.person(f"p{number}@x.example")
    world.sync()
    world.platform.delete_audience()
    world.platform.dies_opening = True
    with pytest.raises(Killed):
        world.sync()
    assert world.sync().added == 4
    assert world.held() == world.desired()


def test_jobs_of_a_deleted_audience_are_not_waited_for(world: World) -> None:
    world.destination.acknowledgement = "job"
    world.person("ada@x.example")
    world.sync()
    world.conn.execute("update audience.batch set state = 'accepted'")
    world.platform.jobs = {"job 1": None}
    world.platform.delete_audience()
    assert world.sync().added == 1
    assert world.one("select count(*) from audience.batch where state = 'accepted'") == 0


def test_an_audience_no_file_names_is_not_made_again(world: World) -> None:
    world.person("ada@x.example")
    world.sync()
    world.platform.delete_audience()
    world.declared = []
    result = world.sync()
    assert (result.removed, result.size, world.platform.audience) == (0, 0, None)


def test_a_delivery_that_stops_settles_what_was_not_called_as_never_sent(world: World) -> None:
    for number in range(12):
        world.person(f"p{number}@x.example")
    world.platform.script = ["fatal"]
    with pytest.raises(FatalError):
        world.sync()
    assert world.platform.calls == []
    assert world.one("select count(*) from audience.batch where state = 'sent'") == 0
    assert world.one("select bool_and(unknown = 0) from audience.batch")
    assert world.sync().added == 12


def test_calls_at_once_are_settled_together_and_each_batch_is_counted(world: World) -> None:
    world.destination.connections = 4
    world.platform.refused = {"p5@x.example", "p20@x.example"}
    for number in range(40):
        world.person(f"p{number}@x.example")
    result = world.sync()
    assert (result.added, result.rejected) == (38, 2)
    assert world.one("select sum(accepted) || ' ' || sum(rejected) || ' ' || count(*) from audience.batch") == "38 2 14"
    assert world.counts_hold()
    assert world.one("select count(distinct (batch_id, batch_row)) from audience.delivery") == 40
