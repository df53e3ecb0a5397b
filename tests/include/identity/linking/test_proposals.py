"""Proposals in a real warehouse: found in golden records, decided, followed by the stitching, and not asked twice."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.identity.build import build_persons
from include.identity.linking import proposals, waterfall
from include.identity.linking.proposals import ProposalError, Proposed
from tests.include.identity.linking.people import People, people
from tests.include.identity.staged import AS_OF, publish_persons

AT = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def known() -> People:
    return people(90, doubled=40, seed=11)


@pytest.fixture
def shop(conn: psycopg.Connection, known: People) -> psycopg.Connection:
    """Ninety persons, forty of them with a second record that shares no key."""
    rows = []
    for number, row in enumerate(known.rows):
        born = row["birth_on"]
        rows.append({
            "record_key": str(number),
            **row,
            "birth_on": datetime.strptime(born, "%Y%m%d").replace(tzinfo=UTC).date() if born else None,
            "email": f"m{number * 7919}@post.example",
        })  # fmt: skip
    publish_persons(conn, rows)
    build_persons(conn, as_of=AS_OF)
    conn.commit()
    return conn


def propose(conn: psycopg.Connection, folder: Path, *, weeks: int = 0, accept: bool = False) -> Proposed:
    return proposals.propose(conn, folder=folder, at=AT + timedelta(weeks=weeks), accept=accept)


def persons(conn: psycopg.Connection) -> int:
    return conn.execute("select count(*) from identity.person").fetchall()[0][0]


def person_of(conn: psycopg.Connection, key: str) -> Any:
    return conn.execute("select person_id from identity.record where record_key = %s", (key,)).fetchall()[0][0]


def test_what_a_person_decides_is_followed_by_the_next_build_and_outlives_a_rebuild(shop, known, tmp_path) -> None:
    found = propose(shop, tmp_path)
    assert (found.persons, found.accepted) == (130, 0)
    assert found.found == found.open
    listed = proposals.listed(shop, state="open", most=500)
    right = [one for one in listed if _truly_one(shop, known, one["proposal_id"])]
    assert len(right) >= 34
    assert len(listed) - len(right) <= 2
    first, second, third = (one["proposal_id"] for one in right[:3])

    proposals.accept(shop, first, who="ada", at=AT, why="same handwriting")
    proposals.accept(shop, second, who="ada", at=AT)
    proposals.reject(shop, third, who="bo", at=AT, why="twins")
    with pytest.raises(ProposalError, match="is accepted; nothing was changed"):
        proposals.accept(shop, first, who="bo", at=AT)
    build_persons(shop, as_of=AS_OF)
    assert persons(shop) == 128
    build_persons(shop, as_of=AS_OF, rebuild=True)
    assert persons(shop) == 128
    shown = proposals.one(shop, first)
    assert shown["person_a"] == shown["person_b"]

    proposals.reject(shop, second, who="bo", at=AT, why="a mistake")  # takes back what was accepted
    build_persons(shop, as_of=AS_OF)
    assert persons(shop) == 129

    again = propose(shop, tmp_path, weeks=1)
    assert again.found >= 34
    states = {one["proposal_id"]: one["state"] for one in proposals.listed(shop, state=None, most=500)}
    assert (states[first], states[second], states[third]) == ("accepted", "rejected", "rejected")
    assert not {second, third} & {one["proposal_id"] for one in proposals.listed(shop, state="open", most=500)}


def test_what_holds_at_the_stricter_threshold_is_accepted_on_request_joins_and_names_nobody(
    shop, known, tmp_path
) -> None:
    found = propose(shop, tmp_path, accept=True)
    assert found.accepted >= 20
    assert found.accepted + found.open == found.found
    accepted = proposals.listed(shop, state="accepted", most=500)
    assert all(_truly_one(shop, known, one["proposal_id"]) for one in accepted)
    assert {one["decided_by"] for one in accepted} == {f"threshold of model {found.model_version}"}
    _explained_without_values(shop, known, accepted[0]["proposal_id"])
    assert list(tmp_path.iterdir()) == []  # nothing is left where it may spill
    build_persons(shop, as_of=AS_OF)
    assert persons(shop) == 130 - found.accepted


def test_a_handful_of_persons_is_too_few_to_learn_from(conn, tmp_path) -> None:
    publish_persons(
        conn, [{"record_key": str(number), "first_name": "Ada", "last_name": "Adler"} for number in range(3)]
    )
    build_persons(conn, as_of=AS_OF)
    assert propose(conn, tmp_path) == Proposed(3, 0, 0, 0, 0, 0, None)


def _truly_one(conn: psycopg.Connection, known: People, proposal_id: int) -> bool:
    one = proposals.one(conn, proposal_id)
    return known.persons[int(one["record_key_a"])] == known.persons[int(one["record_key_b"])]


def _explained_without_values(conn: psycopg.Connection, known: People, proposal_id: int) -> None:
    top = proposals.one(conn, proposal_id)
    assert {part["comparison"] for part in top["contributions"]} >= {"name", "birth_on", "postcode", "city"}
    bars = waterfall.bars(top["weight"], top["contributions"])
    assert bars[-1].end == top["weight"]
    assert all(abs(one.end - two.begin) < 1e-9 for one, two in pairwise(bars[:-1]))
    picture = waterfall.svg(proposal_id, top["weight"], top["probability"], top["contributions"])
    stored = picture + str(conn.execute("select settings, labels from identity.link_model").fetchall()) + str(top)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    for row in known.rows:
        assert not any(f">{row[name]}<" in picture or f"'{row[name]}'" in stored for name in ("last_name", "postcode"))
