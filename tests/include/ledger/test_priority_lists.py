"""Priority lists: a person is only in the top audience they qualify for, also while calls fail."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.destinations.base import Answer, Audience, Member
from include.errors import ConfigError
from include.ledger import guard
from include.ledger.audience_files import read_priorities
from include.ledger.plan import plan_audience
from tests.include.ledger.shelves import ShelfDestination, Shelves
from tests.include.ledger.world import AS_OF, FAULTS

STRIKES = [*FAULTS, "killed", "killed before"]


@pytest.fixture
def shelves(warehouse_url: str) -> Iterator[Shelves]:
    made = Shelves(warehouse_url, listed=True)
    yield made
    made.close()


def test_a_person_is_only_in_the_highest_audience_they_qualify_for(shelves: Shelves) -> None:
    both, low, none = shelves.somebody("b", "a", "c"), shelves.somebody("c"), shelves.somebody()
    shelves.run()
    assert [shelves.where(person) for person in (both, low, none)] == [["a"], ["c"], []]


def test_a_move_is_a_removal_first_and_done_in_one_run(shelves: Shelves) -> None:
    person = shelves.somebody("b")
    shelves.run()
    shelves.shelf.calls.clear()
    shelves.enter(person, "a")
    shelves.run()
    assert shelves.where(person) == ["a"]
    assert shelves.shelf.calls == [("remove", "b"), ("add", "a")]
    shelves.exit(person, "a")
    shelves.run()
    assert shelves.where(person) == ["b"]
    assert shelves.shelf.crowded == set()


@pytest.mark.parametrize("fault", ["lost", "killed", "killed before", "down", "auth"])
def test_nobody_comes_in_before_the_other_audience_has_acknowledged_the_removal(shelves: Shelves, fault: str) -> None:
    person = shelves.somebody("b")
    shelves.run()
    shelves.enter(person, "a")
    shelves.shelf.script = [fault]  # of the removal from b
    shelves.run_through_faults()
    assert "a" not in shelves.where(person)
    shelves.run()
    assert (shelves.where(person), shelves.shelf.crowded) == (["a"], set())


@dataclass
class SlowShelf(ShelfDestination):
    """A shelf that answers with jobs, which are done when ``done`` is set."""

    acknowledgement: Literal["row", "batch", "job", "none"] = "job"
    done: bool = True

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        return Answer() if self.done else None

    def _call(self, operation: str, audience: Audience, members: Sequence[Member]) -> Answer:
        return replace(super()._call(operation, audience, members), job_id=f"job {len(self.shelf.calls)}")


def test_nobody_comes_in_before_the_job_of_the_removal_elsewhere_is_confirmed(shelves: Shelves) -> None:
    shelves.target = SlowShelf(shelves.shelf)
    person = shelves.somebody("b")
    shelves.run()
    shelves.target.done = False
    shelves.enter(person, "a")
    shelves.shelf.calls.clear()
    for _ in range(2):
        shelves.run()
        assert shelves.shelf.calls == [("remove", "b")]
    shelves.target.done = True
    shelves.run()
    assert (shelves.where(person), shelves.shelf.crowded) == (["a"], set())


@pytest.mark.parametrize("fault", ["lost", "killed"])
def test_an_addition_without_an_answer_keeps_the_person_out_of_the_others(shelves: Shelves, fault: str) -> None:
    person = shelves.somebody("a")
    shelves.shelf.script = [fault]  # applied, and nobody knows
    shelves.run_through_faults()
    assert shelves.where(person) == ["a"]
    shelves.exit(person, "a")
    shelves.enter(person, "b")
    shelves.run_through_faults()
    shelves.run()
    assert (shelves.where(person), shelves.shelf.crowded) == (["b"], set())


def test_a_removal_that_the_platform_refuses_keeps_the_person_where_they_are(shelves: Shelves) -> None:
    person = shelves.somebody("b")
    shelves.run()
    shelves.shelf.keeps = {shelves.address(person)}
    shelves.enter(person, "a")
    shelves.run_through_faults()
    assert shelves.where(person) == ["b"]
    shelves.shelf.keeps = set()
    shelves.run()
    assert (shelves.where(person), shelves.shelf.crowded) == (["a"], set())


def test_a_held_removal_keeps_the_person_where_they_are(shelves: Shelves) -> None:
    people = [shelves.somebody("b") for _ in range(4)]
    shelves.run()
    shelves.limits = {"max_change_share": 0.0, "max_removals": 0}
    shelves.enter(people[0], "a")
    shelves.run()
    assert shelves.where(people[0]) == ["b"]
    guard.approve(shelves.conn, shelves.hold()["hold_id"], "ada")
    shelves.run()
    assert (shelves.where(people[0]), shelves.shelf.crowded) == (["a"], set())


def test_whoever_takes_back_consent_for_the_higher_audience_or_is_merged_stays_in_one_place(shelves: Shelves) -> None:
    person, twin = shelves.somebody("a", "b"), shelves.somebody("b")
    shelves.run()
    shelves.merge(twin, person)
    shelves.run()
    assert (shelves.where(person), shelves.shelf.crowded) == (["a"], set())
    assert shelves.one("select count(*) from audience.member where acknowledged = 'present'") == 1


def test_people_in_two_audiences_leave_the_lower_when_a_list_is_made(shelves: Shelves) -> None:
    listed, shelves.lists = shelves.lists, {}
    person = shelves.somebody("a", "b")
    shelves.run()
    assert shelves.where(person) == ["a", "b"]
    shelves.lists = listed
    shelves.run()
    assert shelves.where(person) == ["a"]
    assert ("remove", "a") not in shelves.shelf.calls
    shelves.lists = {}
    shelves.run()
    assert shelves.where(person) == ["a", "b"]


def test_a_dry_run_plans_the_move_as_the_send_does(shelves: Shelves) -> None:
    person = shelves.somebody("b")
    shelves.run()
    shelves.enter(person, "a")
    shelves.built()
    numbers = dict(shelves.conn.execute("select audience_key, audience_id from audience.audience").fetchall())
    planned = {key: plan_audience(shelves.conn, numbers[key], shelves.target, as_of=AS_OF) for key in ("a", "b")}
    assert (planned["a"].adds, planned["b"].removes) == (0, 1)
    assert shelves.one("select count(*) from audience.excluded") == 0


move = st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.booleans())
turn = st.tuples(st.lists(move, max_size=4), st.lists(st.sampled_from(["", "", *STRIKES]), max_size=4))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(turn, min_size=1, max_size=5))
def test_no_person_is_ever_in_two_audiences_of_a_list_and_in_the_end_each_is_in_the_top_one(
    shelves: Shelves, turns: list
) -> None:
    people = [shelves.somebody() for _ in range(4)]
    for moves, strikes in turns:
        for segment, number, enters in moves:
            (shelves.enter if enters else shelves.exit)(people[number], segment)
        shelves.shelf.script = list(strikes)
        shelves.run_through_faults()
        assert shelves.shelf.crowded == set()
    shelves.shelf.script = []
    shelves.run()
    shelves.run()
    for person in people:
        inside = [
            name
            for (name,) in shelves.conn.execute(
                "select segment from segment.membership where person_id = %s and left_at is null order by 1", (person,)
            )
        ]
        assert shelves.where(person) == inside[:1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("back:\n  - mailchimp: winback\n", "priority.yaml:1: list 'back' has fewer than two"),
        ("back:\n  - mailchimp: winback\n  - mailchimp: nobody\n", "priority.yaml:3: no segment feeds"),
        (
            "back:\n  - mailchimp: winback\n  - mailchimp: winback\n",
            "priority.yaml:3: mailchimp audience 'winback' is on",
        ),
        ("back:\n  - winback\n  - mailchimp: champions\n", "priority.yaml:1: an entry is not one audience"),
    ],
)
def test_a_wrong_list_is_refused_with_line_cause_and_mend(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "priority.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as wrong:
        read_priorities({("mailchimp", "winback"), ("mailchimp", "champions")}, path)
    assert told in str(wrong.value)
