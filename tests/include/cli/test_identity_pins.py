"""Decisions by hand: made, applied, told, refused, undone; and the picture that shows them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from PIL import Image
from psycopg.types.json import Jsonb

from include.identity.build import build_persons
from tests.include.cli.conftest import DAY, record

CRM, SHOP = "hubspot.contacts", "shopify.customers"
ADA, OLD_ADA, BO = f"{CRM}:1", f"{SHOP}:77", f"{CRM}:2"


def build(conn: psycopg.Connection, **how: bool) -> None:
    build_persons(conn, as_of=DAY, **how)
    conn.commit()


@pytest.fixture
def people(conn: psycopg.Connection) -> psycopg.Connection:
    """Ada and her old shop account, which share nothing; Bo and Ada's sister, whom a phone number joins."""
    made = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2, 3, 4)]
    record(conn, CRM, "1", email="ada@posteo.example", first_name="Ada", created_at=made[1])
    record(conn, SHOP, "77", email="ada.old@posteo.example", ids=Jsonb({"shopify_customer": "77"}), created_at=made[0])
    record(conn, CRM, "2", email="bo@posteo.example", phone="+4915112345678", first_name="Bo", created_at=made[2])
    record(conn, CRM, "3", email="sis@posteo.example", phone="+4915112345678", first_name="Sis", created_at=made[3])
    build(conn)
    return conn


def person_of(conn: psycopg.Connection, key: str) -> UUID:
    found = conn.execute("select person_id from identity.record where record_key = %s", (key,)).fetchone()[0]
    conn.rollback()
    return found


def decide(run, what: str, a: str, b: str, why: str = "same house") -> dict:
    done = run("identity", what, a, b, "--why", why, "--by", "ada", "--json")
    assert done.code == 0, done.err
    return done.json


def test_a_merge_waits_for_the_next_build_holds_through_a_rebuild_and_is_told_with_who_and_why(run, people) -> None:
    today, former = person_of(people, "77"), person_of(people, "1")
    made = decide(run, "merge", ADA, OLD_ADA)
    assert person_of(people, "1") == former
    assert run("identity", "explain", "link", ADA, OLD_ADA, "--json").json["verdict"] == "waiting"
    assert run("identity", "pins", "--json").json[0]["state"] == "in force; waits for the next build_persons"
    build(people)
    build(people, rebuild=True)
    assert {person_of(people, "1"), person_of(people, "77")} == {today}
    (step, _) = run("identity", "explain", "link", ADA, OLD_ADA, "--json").json["steps"]
    assert (step["what"], step["why_not"]) == ("merge pin", None)
    assert "by ada" in step["value"] and "same house" in step["value"]
    (change,) = run("identity", "explain", "person", str(former), "--json").json["changes"]
    assert (change["kind"], change["because"]) == ("merge", f"pin {made['pin_id']}: merge by ada: same house")
    (audit,) = people.execute("select actor, action, subject, details ->> 'why' from ops.audit").fetchall()
    assert audit == ("ada", "identity merge", f"pin {made['pin_id']}", "same house")


def test_pain_27_a_split_parts_what_a_value_joins_says_so_and_its_undoing_joins_them_again(run, people) -> None:
    made = decide(run, "split", BO, f"{CRM}:3", "sisters")
    build(people)
    assert person_of(people, "2") != person_of(people, "3")
    found = run("identity", "explain", "link", BO, f"{CRM}:3", "--json").json
    assert found["verdict"] == "apart"
    assert (
        f"The split pin {made['pin_id']} (by ada on {made_on(people)}: sisters) keeps them apart." in found["because"]
    )
    assert any(
        f"split pin {made['pin_id']} keeps the two sides apart" in step["why_not"] or ""
        for step in found["steps"]
        if step["why_not"]
    )
    undone = run("identity", "undo", str(made["pin_id"]), "--why", "one after all", "--by", "bo")
    assert undone.code == 0 and "next build_persons" in undone.out
    found = run("identity", "explain", "link", BO, f"{CRM}:3", "--json").json
    assert (found["verdict"], "was undone by bo" in found["because"][-1]) == ("apart", True)
    build(people)
    assert person_of(people, "2") == person_of(people, "3")
    assert run("identity", "pins").out.strip() == "Pins: nothing was decided by hand"
    (pin,) = run("identity", "pins", "--all", "--json").json
    assert (pin["undone_by"], pin["undone_why"]) == ("bo", "one after all")


def made_on(conn: psycopg.Connection) -> str:
    return conn.execute("select to_char(max(created_at), 'YYYY-MM-DD') from identity.pin").fetchone()[0]


def test_a_pin_that_contradicts_an_older_one_is_refused_by_its_number(run, people) -> None:
    merged = decide(run, "merge", ADA, OLD_ADA)["pin_id"]
    done = run("identity", "split", OLD_ADA, ADA, "--why", "x")
    assert done.code == 2 and f"Pin {merged} (merge, by ada" in done.err
    parted = decide(run, "split", BO, f"{CRM}:3")["pin_id"]
    decide(run, "merge", ADA, BO)
    done = run("identity", "merge", OLD_ADA, f"{CRM}:3", "--why", "over two other pins")
    assert done.code == 2 and f"Pin {parted} (split, by ada" in done.err
    assert people.execute("select count(*) from identity.pin").fetchone() == (3,)


WITHOUT_EFFECT = (
    (("merge", BO, f"{CRM}:3", "--why", "x"), 2, "are one person already"),
    (("split", ADA, BO, "--why", "x"), 2, "are two persons already"),
    (("merge", ADA, "email=ada@posteo.example", "--why", "x"), 2, "Both name one record"),
    (("merge", ADA, f"{CRM}:99", "--why", "x"), 1, "No record hubspot.contacts:99 is known"),
    (("merge", ADA, BO, "--why", "  "), 2, "Say why"),
    (("undo", "9", "--why", "x"), 2, "There is no pin 9"),
)


def test_a_decision_that_would_change_nothing_is_refused_in_words(run, people) -> None:
    for arguments, code, text in WITHOUT_EFFECT:
        done = run("identity", *arguments)
        assert (done.code, done.out) == (code, "")
        assert text in done.err
    assert people.execute("select count(*) from identity.pin").fetchone() == (0,)
    assert people.execute("select count(*) from ops.audit").fetchone() == (0,)


def test_the_same_decision_twice_and_an_undone_pin_undone_again_are_refused(run, people) -> None:
    number = str(decide(run, "merge", ADA, OLD_ADA)["pin_id"])
    assert f"Pin {number} says so already" in run("identity", "merge", OLD_ADA, ADA, "--why", "x").err
    assert run("identity", "undo", number, "--why", "no", "--by", "bo").code == 0
    assert f"Pin {number} was undone already, by bo" in run("identity", "undo", number, "--why", "no").err


def test_a_person_is_drawn_with_every_record_and_reason_and_no_personal_value(run, people, tmp_path: Path) -> None:
    for number in range(40):
        record(
            people,
            "mailchimp.members",
            f"m{number}",
            email=f"ada+{number}@posteo.example",
            first_name="Ada",
            ids=Jsonb({"shopify_customer": "77", "email": "info@firm.example"}),
            created_at=datetime(2026, 2, 1, tzinfo=UTC) + timedelta(days=number),
        )
    decide(run, "merge", ADA, OLD_ADA)
    build(people)
    done = run("identity", "draw", OLD_ADA, "--out", str(tmp_path / "ada.svg"))
    assert done.code == 0, done.err
    assert "42 records" in done.out
    drawn = (tmp_path / "ada.svg").read_text(encoding="utf-8")
    for shown in ("hubspot.contacts:1", "mailchimp.members:m39", "a***@p***.example", "merge pin 1", "role mailbox"):
        assert shown in drawn
    assert "posteo" not in drawn and "info@firm" not in drawn


def test_a_picture_is_written_as_png_or_svg_and_as_nothing_else(run, people, tmp_path: Path) -> None:
    assert run("identity", "draw", ADA, "--out", str(tmp_path / "ada.png")).code == 0
    assert min(Image.open(tmp_path / "ada.png").size) > 200
    for name in ("once.svg", "twice.svg"):
        assert run("identity", "draw", ADA, "--out", str(tmp_path / name)).code == 0
    assert (tmp_path / "once.svg").read_bytes() == (tmp_path / "twice.svg").read_bytes()
    assert "ends in .svg or .png" in run("identity", "draw", ADA, "--out", str(tmp_path / "ada.pdf")).err
    assert "no folder" in run("identity", "draw", ADA, "--out", str(tmp_path / "none" / "ada.svg")).err
