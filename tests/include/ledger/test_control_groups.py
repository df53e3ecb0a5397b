"""Control groups: drawn once, kept out of every request, logged."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from include.errors import ConfigError
from include.ledger import audiences, exclusions, guard
from include.ledger.audience_files import read_global_control
from include.segments.control import Control
from tests.include.ledger.shelves import Shelves

HALF = Control("fake a", 0.5)


@pytest.fixture
def shelves(warehouse_url: str) -> Iterator[Shelves]:
    made = Shelves(warehouse_url, names=("a", "b"))
    made.target.batch_size = 50
    yield made
    made.close()


def controlled(shelves: Shelves) -> set[str]:
    return {shelves.address(person) for person, arm in shelves.arms().items() if arm == "control"}


def test_nobody_of_a_control_group_is_in_any_request_of_its_audience(shelves: Shelves) -> None:
    people = [shelves.somebody("a", "b") for _ in range(40)]
    shelves.controls = {"a": (HALF,)}
    shelves.run()
    kept_out = controlled(shelves)
    assert 8 < len(kept_out) < 32
    assert shelves.shelf.held["a"] == {shelves.address(person) for person in people} - kept_out
    [audience] = [one for one in audiences.of_destination(shelves.conn, "fake") if one.key == "a"]
    assert exclusions.counts(shelves.conn, audience) == [{"reason": "control", "people": len(kept_out)}]
    assert len(shelves.shelf.held["b"]) == 40


def test_nobody_of_the_global_control_group_is_in_any_request_at_all(shelves: Shelves) -> None:
    for number in range(40):
        shelves.somebody("a" if number % 2 else "b")
    everywhere = Control("global", 0.5)
    shelves.controls = dict.fromkeys("ab", (everywhere,))
    shelves.run()
    kept_out = controlled(shelves)
    assert 8 < len(kept_out) < 32
    assert shelves.shelf.sent & kept_out == set()
    assert len(shelves.shelf.sent) == 40 - len(kept_out)
    assert shelves.one("select count(*) from experiment.global_control") == len(kept_out)  # for conversions as well
    shelves.controls = {}
    shelves.run()
    assert shelves.one("select count(*) from experiment.global_control") == 0


def test_an_assignment_does_not_move_with_runs_growth_or_order(shelves: Shelves) -> None:
    shelves.controls = {"a": (HALF,)}
    first = [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    before = shelves.arms()
    for person in first[:10]:
        shelves.exit(person, "a")
    [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    for person in first[:10]:
        shelves.enter(person, "a")
    shelves.run()
    assert {person: shelves.arms()[person] for person in first} == before
    assert len(shelves.arms()) == 40
    assert shelves.shelf.sent & controlled(shelves) == set()


def test_a_control_group_that_is_switched_on_takes_out_who_was_sent_and_switched_off_brings_them_back(
    shelves: Shelves,
) -> None:
    [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    shelves.controls = {"a": (HALF,)}
    shelves.run()
    assert shelves.shelf.held["a"] & controlled(shelves) == set()
    assert shelves.one("select count(distinct reason) from audience.excluded") == 1
    shelves.controls = {}
    shelves.run()
    assert len(shelves.shelf.held["a"]) == 20


def test_a_larger_share_with_the_same_salt_keeps_everybody_of_the_smaller_group(shelves: Shelves) -> None:
    [shelves.somebody("a") for _ in range(40)]
    shelves.controls = {"a": (Control("fake a", 0.25),)}
    shelves.run()
    small = set(controlled(shelves))
    shelves.controls = {"a": (Control("fake a", 0.6),)}
    shelves.run()
    versions = dict(
        shelves.conn.execute("select version, count(*) from experiment.assigned group by version").fetchall()
    )
    assert versions == {"1 25.0000%": 40, "1 60.0000%": 40}
    out = {
        shelves.address(person)
        for (person,) in shelves.conn.execute("select person_id from audience.excluded where reason = 'control'")
    }
    assert small < out
    shelves.controls = {"a": (Control("fake a", 0.6, "2"),)}
    shelves.run()
    assert len(shelves.conn.execute("select from audience.excluded").fetchall()) != 0


@pytest.mark.parametrize("drawn_today", [True, False])
def test_a_merged_person_keeps_the_assignment_of_the_oldest_id_that_has_one(
    shelves: Shelves, drawn_today: bool
) -> None:
    shelves.controls = {"a": (HALF,)}
    [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    arms = shelves.arms()
    control = next(person for person, arm in arms.items() if arm == "control")
    treated = next(person for person, arm in arms.items() if arm == "treatment")
    today = treated if drawn_today else shelves.somebody()
    shelves.merge(control, today)
    shelves.run()
    assert shelves.arms()[today] == ("treatment" if drawn_today else "control")
    assert (shelves.address(today) in shelves.shelf.sent) is drawn_today
    inherited = shelves.conn.execute(
        "select person_id from experiment.assignment where inherited_from = %s", (control,)
    )
    assert inherited.fetchall() == ([] if drawn_today else [(today,)])


def test_whom_the_platform_refused_was_not_exposed(shelves: Shelves) -> None:
    shelves.controls = {"a": (HALF,)}
    people = [shelves.somebody("a") for _ in range(20)]
    shelves.shelf.refused = {shelves.address(person) for person in people[::2]}
    shelves.run()
    treated = {person for person, arm in shelves.arms().items() if arm == "treatment"}
    exposed = {person for (person,) in shelves.conn.execute("select person_id from experiment.exposure")}
    assert exposed == treated & set(people[1::2])
    shelves.shelf.refused = set()
    for person in people[::2]:
        shelves.change(person, email="new-" + shelves.address(person))
    shelves.run()
    assert {person for (person,) in shelves.conn.execute("select person_id from experiment.exposure")} == treated


def test_the_assignment_log_tells_when_a_treated_person_was_first_sent_and_cannot_be_changed(shelves: Shelves) -> None:
    shelves.controls = {"a": (HALF,)}
    people = [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    found = dict(
        shelves.conn.execute("select person_id, first_exposed_at is not null from experiment.assigned").fetchall()
    )
    assert found == {person: arm == "treatment" for person, arm in shelves.arms().items()}
    first = shelves.one("select min(first_exposed_at) from experiment.exposure")
    shelves.exit(people[0], "a")
    shelves.run()
    shelves.enter(people[0], "a")
    shelves.run()
    assert shelves.one("select min(first_exposed_at) from experiment.exposure") == first
    for statement in ("update experiment.assignment set arm = 'control'", "delete from experiment.exposure"):
        with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
            shelves.conn.execute(statement)


def test_a_mistaken_share_is_held_like_any_other_removal(shelves: Shelves) -> None:
    [shelves.somebody("a") for _ in range(20)]
    shelves.run()
    shelves.limits = {"max_change_share": 0.2, "max_removals": 2}
    shelves.controls = {"a": (Control("fake a", 0.9),)}
    assert shelves.run()["a"].outcome == "held"
    assert len(shelves.shelf.held["a"]) == 20
    guard.approve(shelves.conn, shelves.hold()["hold_id"], "ada", "we measure from today")
    shelves.run()
    assert shelves.shelf.held["a"] & controlled(shelves) == set()


def test_a_draw_reads_only_the_memberships_that_are_new(shelves: Shelves) -> None:
    shelves.controls = {"a": (HALF,)}
    [shelves.somebody("a") for _ in range(5)]
    shelves.run()
    newest = shelves.one("select max(membership_id) from segment.membership where segment = 'a'")
    assert (
        shelves.one("select membership_id from audience.exclusion_state where cardinality(experiments) > 0") == newest
    )
    late = shelves.somebody("a")
    shelves.run()
    assert uuid.UUID(str(late)) in shelves.arms()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("share: 10\n", "control.yaml:1: '10' is no share"),
        ("# who\nshare: a lot\n", "control.yaml:2: 'a lot' is no share"),
        ("share: 120%\n", "is no share"),
        ("share: 5%\nsald: x\n", "control.yaml:2: unknown key 'sald'"),
        ("salt: x\n", "has no share"),
        ("share: 5%\nsalt: ''\n", "the salt is no text"),
    ],
)
def test_a_wrong_control_file_is_refused_with_line_cause_and_mend(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "control.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as wrong:
        read_global_control(path)
    assert told in str(wrong.value)
    assert ";" in str(wrong.value)
