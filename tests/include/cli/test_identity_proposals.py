"""`identity proposals`: listed, shown with what speaks for them, drawn, decided."""

from pathlib import Path

import psycopg
import pytest
from psycopg.types.json import Jsonb

from include.identity.build import build_persons
from tests.include.cli.conftest import DAY, record

CRM = "hubspot.contacts"
PARTS = [
    {"comparison": "name", "level": 11, "label": "the same", "weight": 9.5},
    {"comparison": "birth_on", "level": 6, "label": "one typing error", "weight": 4.25},
    {"comparison": "city", "level": 0, "label": "different", "weight": -1.75},
]


@pytest.fixture
def proposed(conn: psycopg.Connection) -> int:
    """Two persons, and the proposal that they are one."""
    record(conn, CRM, "1", email="ada@posteo.example", first_name="Ada")
    record(conn, CRM, "2", email="ada.l@posteo.example", first_name="Ada")
    build_persons(conn, as_of=DAY)
    conn.execute("insert into identity.link_model values ('m1', '{}', '{}', now(), 2, 1, 1.5, 0.5, -2, 3, 0.9, 0.8)")
    found = conn.execute(
        """
        insert into identity.proposal (
            model_version, stream_a, record_key_a, stream_b, record_key_b, weight, probability, contributions, state,
            proposed_at, seen_at
        ) values ('m1', %(crm)s, '1', %(crm)s, '2', 3.5, 0.9188, %(parts)s, 'open', now(), now())
        returning proposal_id
        """,
        {"crm": CRM, "parts": Jsonb(PARTS)},
    ).fetchone()[0]
    conn.commit()
    return found


def test_a_proposal_is_listed_shown_and_drawn(run, proposed: int, tmp_path: Path) -> None:
    listed = run("identity", "proposals", "list", "--json").json
    assert [(one["proposal_id"], one["weight"], one["state"]) for one in listed] == [(proposed, "3.5", "open")]
    picture = tmp_path / "why.svg"
    shown = run("identity", "proposals", "show", str(proposed), "--out", str(picture))
    assert shown.code == 0, shown.err
    for words in ("one typing error", "+4.2", "-1.8", "accepts from +3.0", "before any", "-8.5"):
        assert words in shown.out
    for words in (">name<", ">birth on<", ">city<", ">match weight<", ">+9.5<"):
        assert words in picture.read_text(encoding="utf-8")


def test_accepted_by_hand_joins_and_rejected_parts_again(run, conn: psycopg.Connection, proposed: int) -> None:
    done = run("identity", "proposals", "accept", str(proposed), "--by", "ada")
    assert done.code == 0, done.err
    build_persons(conn, as_of=DAY)
    conn.commit()
    assert conn.execute("select count(*) from identity.person").fetchone() == (1,)
    back = run("identity", "proposals", "reject", str(proposed), "--by", "bo", "--why", "father and daughter")
    assert back.code == 0, back.err
    build_persons(conn, as_of=DAY)
    assert conn.execute("select count(*) from identity.person").fetchone() == (2,)
    shown = run("identity", "proposals", "show", str(proposed)).out
    assert "rejected by bo: father and daughter" in shown


def test_two_persons_are_too_few_to_propose_from(run, proposed: int) -> None:
    found = run("identity", "propose", "--json").json
    assert (found["persons"], found["found"], found["model_version"]) == (2, 0, None)
    assert run("identity", "proposals", "list", "--json").json  # what stands is not taken back by it


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("show", "999"), 1, "There is no proposal 999"),
        (("accept", "999"), 2, "There is no proposal 999"),
        (("list", "--state", "maybe"), 2, "'maybe' is no state of a proposal"),
        (("show", "1", "--out", "why.png"), 2, "--out names a .svg file"),
        (("reject", "1"), 2, "--why"),
    ],
)
def test_wrong_use_is_told_in_one_sentence(run, conn, arguments: tuple[str, ...], code: int, says: str) -> None:
    done = run("identity", "proposals", *arguments)
    assert done.code == code
    assert says in done.err
