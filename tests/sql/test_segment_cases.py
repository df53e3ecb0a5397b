"""Every segment against its cases: tests/sql/segments/<segment>/<case>/{given,expect}.yaml."""

from pathlib import Path

import psycopg
import pytest
import yaml

from include.segments.definition import load_definitions
from include.segments.preview import compute_members
from tests.sql.conftest import load, person

CASES_FOLDER = Path(__file__).parent / "segments"
CASES = sorted(path.parent for path in CASES_FOLDER.glob("*/*/given.yaml"))
SEGMENTS = load_definitions()


def read(case: Path, name: str):
    return yaml.safe_load((case / f"{name}.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_a_segment_gives_exactly_the_persons_its_case_expects(case: Path, conn: psycopg.Connection) -> None:
    as_of = load(conn, read(case, "given"))
    compute_members(conn, SEGMENTS, case.parent.name, as_of=as_of)
    found = {row[0] for row in conn.execute("select person_id from pg_temp.segment_people")}
    assert found == {person(row["person_id"]) for row in read(case, "expect")}


@pytest.mark.parametrize("segment", sorted(SEGMENTS))
def test_every_segment_has_a_case_with_people_in_and_people_out(segment: str) -> None:
    both = []
    for case in CASES:
        if case.parent.name != segment:
            continue
        given = read(case, "given")
        mentioned = {row["person_id"] for name, rows in given.items() if name != "as_of" for row in rows}
        inside = {row["person_id"] for row in read(case, "expect")}
        both.append(bool(inside) and bool(mentioned - inside))
    assert any(both), f"tests/sql/segments/{segment}/ needs a case with somebody in and somebody out"


def test_no_case_tests_a_segment_that_does_not_exist() -> None:
    assert {case.parent.name for case in CASES} <= set(SEGMENTS)


def test_every_kind_of_segment_has_one_and_both_platforms_are_fed() -> None:
    kinds = {segment.kind for segment in SEGMENTS.values()}
    fed = [audience.destination for segment in SEGMENTS.values() for audience in segment.audiences]
    assert kinds == {
        "demographic",
        "geographic",
        "behavioural",
        "psychographic",
        "technographic",
        "contextual",
        "transactional",
        "value",
        "lifecycle",
    }
    assert fed.count("mailchimp") >= 6
    assert fed.count("meta") >= 6
