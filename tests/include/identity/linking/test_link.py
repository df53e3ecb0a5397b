"""Rows that share no key: found, closed and explained, the same every time."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest

from include.errors import FatalError
from include.identity.linking.link import Linked, link
from include.identity.linking.model import labels
from include.identity.linking.proposals import spanning
from include.identity.linking.workbench import workbench
from tests.include.identity.linking.people import FIELDS, People, people


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with workbench(tmp_path) as conn:
        yield conn


@pytest.fixture(scope="module")
def known() -> People:
    return people(260, doubled=120, seed=7)


@pytest.fixture(scope="module")
def found(known: People, tmp_path_factory: pytest.TempPathFactory) -> Linked:
    with workbench(tmp_path_factory.mktemp("linked")) as conn:
        return link(conn, known.table(), FIELDS)


def pairs_of(groups: np.ndarray) -> set[tuple[int, int]]:
    one, two = np.triu_indices(len(groups), 1)
    same = groups[one] == groups[two]
    return set(zip(one[same].tolist(), two[same].tolist(), strict=True))


def test_records_of_one_person_are_found_and_strangers_are_not(known: People, found: Linked) -> None:
    true, said = pairs_of(known.persons), pairs_of(found.persons)
    assert len(true) == 120
    assert len(said & true) / len(said) >= 0.95
    assert len(said & true) / len(true) >= 0.85


def test_what_is_accepted_unseen_is_part_of_what_is_proposed(known: People, found: Linked) -> None:
    assert found.sure_cut >= found.cut
    assert pairs_of(found.sure) <= pairs_of(found.persons)
    assert pairs_of(found.sure) <= pairs_of(known.persons)


def test_the_same_rows_give_the_same_model_and_the_same_persons(
    known: People, found: Linked, bench: duckdb.DuckDBPyConnection
) -> None:
    again = link(bench, known.table(), FIELDS)
    assert again.model.version == found.model.version
    assert (again.cut, again.sure_cut, again.calibration) == (found.cut, found.sure_cut, found.calibration)
    assert np.array_equal(again.weights, found.weights)
    assert np.array_equal(again.persons, found.persons)


def test_a_person_of_n_rows_is_held_together_by_the_n_less_one_surest_pairs(found: Linked) -> None:
    tree = spanning(found)
    assert len(tree) == len(found.persons) - len(np.unique(found.persons))
    assert (found.persons[tree.left] == found.persons[tree.right]).all()


def test_the_model_holds_no_value_of_a_row(known: People, found: Linked) -> None:
    stored = str(found.model.settings) + str(labels(found.model))
    for row in known.rows[:50]:
        for field in ("last_name", "birth_on", "postcode"):
            assert row[field] is None or f"'{row[field]}'" not in stored
    assert found.model.version not in ("", None)


def test_rows_that_agree_on_nothing_teach_nothing(bench: duckdb.DuckDBPyConnection) -> None:
    apart = people(1, doubled=0, seed=1)
    rows = [{**apart.rows[0], **{name: f"{name}{number}" for name in apart.rows[0]}} for number in range(4)]
    with pytest.raises(FatalError, match="nothing to propose"):
        link(bench, People(rows, np.arange(4)).table(), FIELDS)


def test_duckdb_of_a_run_can_load_no_extension(bench: duckdb.DuckDBPyConnection) -> None:
    for setting in ("autoinstall_known_extensions", "autoload_known_extensions"):
        assert bench.execute("select current_setting(?)", [setting]).fetchall() == [(False,)]
