"""What people are told after a sync, what is behind, and how refused people are asked about again."""

from datetime import UTC, datetime, timedelta

import pytest

from include.errors import RetriableError
from include.ledger import debts, guard, watch
from include.ledger.retry import retry
from tests.include.ledger.world import World

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


def failing(world: World) -> dict[str, str]:
    return {state.subject: state.summary for state in watch.states(world.conn, "fake") if state.failing}


def later() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def test_people_left_out_are_told_until_they_are_there(world: World) -> None:
    world.platform.refused = {"bad@x.example"}
    world.person("bad@x.example")
    world.person("good@x.example")
    world.sync()
    assert list(failing(world)) == ["audience fake buyers-tag"]
    world.sync()  # nothing is due, and still somebody is not there
    assert "0 people refused now, 1 refused before" in failing(world)["audience fake buyers-tag"]
    world.platform.refused = set()
    assert [one.again for one in retry(world.conn, since=LONG_AGO, until=later(), who="ada")] == [1]
    assert world.sync().outcome == "success"
    assert failing(world) == {}


def test_a_hold_is_told_while_it_is_open(world: World) -> None:
    people = [world.person(f"p{number}@x.example") for number in range(4)]
    world.sync()
    world.limits = {"max_change_share": 0.0, "max_removals": 0}
    world.leave(people[0])
    world.sync()
    assert "1 of 4 removals wait for approval" in failing(world)["hold fake buyers-tag"]
    guard.approve(world.conn, world.hold()["hold_id"], "ada")
    assert failing(world) == {}


def test_pain_12_a_refused_removal_is_shown_with_its_age_and_told_when_it_is_overdue(world: World) -> None:
    leaver = world.person("ada@x.example")
    world.person("bob@x.example")
    world.sync()
    world.platform.keeps = {"ada@x.example"}
    world.leave(leaver)
    with pytest.raises(RetriableError):
        world.sync()
    [debt] = debts.listed(world.conn)
    assert (debt.kind, debt.people, debt.overdue, debt.error_code) == ("refused", 1, False, "too_small")
    world.conn.execute(
        "update audience.member set opened_at = opened_at - interval '4 days' where opened_at is not null"
    )
    [debt] = debts.listed(world.conn, "fake")
    assert (debt.age, debt.overdue) == ("4 days", True)
    assert failing(world)["removals fake"].endswith("buyers-tag: 1 refused since 4 days")
    world.platform.keeps = set()
    world.sync()
    assert (debts.listed(world.conn), failing(world)) == ([], {})


def test_a_withdrawal_that_is_not_carried_out_yet_is_counted_by_the_time_of_the_statement(world: World) -> None:
    person = world.person("ada@x.example")
    world.person("bob@x.example")
    world.sync()
    world.consent(person, "withdrawn")
    [debt] = debts.listed(world.conn)
    assert (debt.kind, debt.people, debt.overdue) == ("withdrawn", 1, False)
    [late] = debts.listed(world.conn, at=datetime.now(UTC) + timedelta(days=4))
    assert late.overdue
    world.sync()
    assert debts.listed(world.conn) == []


def test_a_retry_frees_only_what_was_asked_for_and_says_who_asked(world: World) -> None:
    world.platform.refused = {"bad@x.example", "worse@x.example"}
    for name in ("bad", "worse", "good"):
        world.person(f"{name}@x.example")
    world.sync()
    calls = len(world.platform.calls)
    nothing = [
        retry(world.conn, since=LONG_AGO, until=LONG_AGO + timedelta(days=1), who="ada"),
        retry(world.conn, since=LONG_AGO, until=later(), who="ada", error_class="quota"),
        retry(world.conn, since=LONG_AGO, until=later(), who="ada", destination="other"),
    ]
    counted = retry(world.conn, since=LONG_AGO, until=later(), who="ada", error_class="bad_row", only_count=True)
    world.sync()
    assert (nothing, [one.again for one in counted]) == ([[], [], []], [2])
    assert len(world.platform.calls) == calls  # still parked
    world.platform.refused = set()
    [freed] = retry(world.conn, since=LONG_AGO, until=later(), who="ada", error_class="rejected")
    assert (freed.audience, freed.error_code, freed.again, freed.anyway) == ("buyers-tag", "bad_row", 2, 0)
    assert world.sync().added == 2
    people = world.one("select array_agg((details ->> 'people')::int order by audit_id) from ops.audit")
    assert people[-1] == 2
