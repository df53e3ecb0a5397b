"""Which pairs are compared: few, whatever the data, and each with the fields that did not bring it there."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from include.identity.linking import blocking
from include.identity.linking.blocking import Pairs, candidates
from include.identity.linking.fields import Field, informative
from include.identity.linking.workbench import clean, workbench
from tests.include.identity.linking.people import FIELDS, people


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with workbench(tmp_path) as conn:
        yield conn


def table(sources: list[int], **columns: list[str | None]) -> pa.Table:
    return pa.table({"row": np.arange(len(sources)), "source": np.array(sources), **columns})


def compared(conn: duckdb.DuckDBPyConnection, rows: pa.Table, *fields: Field, within: bool = True) -> Pairs:
    clean(conn, rows, fields)
    return candidates(conn, fields, within_sources=within)


def couples(found: Pairs) -> list[tuple[int, int]]:
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


def test_two_sources_without_doubles_are_compared_only_with_each_other(bench) -> None:
    rows = table([0, 0, 1], town=["Linz", "Linz", "LINZ"])
    assert couples(compared(bench, rows, Field("town", "text"))) == [(0, 1), (0, 2), (1, 2)]
    assert couples(compared(bench, rows, Field("town", "text"), within=False)) == [(0, 2), (1, 2)]


def test_a_field_that_found_a_pair_is_no_witness_for_it(bench) -> None:
    rows = table([0, 0, 0], town=["Linz", "Linz", "Graz"], code=["12345", "99999", "12345"])
    found = compared(bench, rows, Field("town", "text"), Field("code", "code"))
    assert dict(zip(couples(found), found.free.tolist(), strict=True)) == {(0, 1): 0b10, (0, 2): 0b01}


def test_a_value_that_everybody_has_brings_nobody_together(bench) -> None:
    many = blocking.LARGEST + 1
    rows = table([0] * many, town=["Linz"] * many, code=[f"{number * 9173:06}" for number in range(many)])
    found = compared(bench, rows, Field("town", "text"), Field("code", "code"))
    assert not (found.free & 0b10).any()  # no pair was found by the town alone


def test_the_work_is_bounded_by_the_rows(bench) -> None:
    known = people(800, doubled=400, seed=2)
    found = compared(bench, known.table(), *FIELDS)
    assert 400 < len(found) <= blocking.PAIRS_PER_RECORD * 1200
    assert (found.left < found.right).all()


def test_columns_that_say_nothing_are_not_compared() -> None:
    many = 300
    rows = table([0] * many, empty=[None] * many, same=["x"] * many, some=[str(number % 7) for number in range(many)])
    kept = informative(rows, [Field("empty", "text"), Field("same", "code"), Field("some", "category")])
    assert [field.name for field in kept] == ["some"]


def test_half_a_name_is_compared_as_words() -> None:
    rows = table([0, 0], given=["Ada", "Bo"], family=[None, None])
    assert informative(rows, [Field("given", "given"), Field("family", "family")]) == (Field("given", "text"),)


def test_case_accents_and_punctuation_do_not_matter(bench) -> None:
    clean(
        bench, table([0], town=["  Saint-Étienne "], code=["AB1 2CD"]), [Field("town", "text"), Field("code", "code")]
    )
    assert bench.execute("select town, code from record").fetchall() == [("saint etienne", "ab12cd")]


def test_the_town_of_a_postcode_is_no_second_witness() -> None:
    many = 300
    towns = [f"town {number % 20}" for number in range(many)]
    codes = [f"{number % 20:02}{number % 40 // 20}" for number in range(many)]  # two postcodes a town
    kept = informative(table([0] * many, town=towns, code=codes), [Field("town", "text"), Field("code", "code")])
    assert [field.name for field in kept] == ["code"]
