"""Other rules, tried: who would join or part, which audiences move; and nothing of it stays."""

from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from include.destinations.registry import DESTINATIONS
from include.identity.build import build_persons
from include.identity.rules import identity_rules
from include.segments.build import build_segments
from tests.include.cli.conftest import DAY, Ran, record

SCHEMAS = ("identity", "profile", "consent", "segment", "staging", "audience", "experiment", "ops")
NO_LIST = "shared_above: 20\n"
ADA_BLOCKED = f"{NO_LIST}blocked:\n  - {{type: email, reason: shared at home, exact: ada@posteo.example}}\n"


def everything(conn: psycopg.Connection) -> dict[str, str]:
    """A hash of the rows of every table that a build could write to."""
    conn.rollback()
    tables = conn.execute(
        "select nspname, relname from pg_class inner join pg_namespace on relnamespace = pg_namespace.oid "
        "where relkind = 'r' and nspname = any(%s)",
        (list(SCHEMAS),),
    ).fetchall()
    hashed = sql.SQL("select coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {} as t")
    found = {f"{s}.{t}": conn.execute(hashed.format(sql.Identifier(s, t))).fetchone()[0] for s, t in tables}
    conn.rollback()
    return found


@pytest.fixture
def office(conn: psycopg.Connection, merchant: date) -> psycopg.Connection:
    """The merchant, two colleagues writing from one role mailbox, both granting e-mail; a record waits for a build."""
    for number in (1, 2):
        record(
            conn,
            "hubspot.contacts",
            f"office{number}",
            email="info@firm.example",
            first_name=f"C{number}",
            country="DE",
            consent_email="granted",
            consent_email_at=datetime(2026, 1, 5, tzinfo=UTC),
        )
    build_persons(conn, as_of=merchant)
    build_segments(conn, as_of=merchant)
    record(conn, "hubspot.contacts", "waits", email="dee@mailhaus.example")
    conn.commit()
    return conn


def tried(run, folder: Path, rules: str, *more: str) -> Ran:
    path = folder / "rules.yaml"
    path.write_text(rules, encoding="utf-8")
    done = run("identity", "whatif", str(path), *more)
    assert done.code == 0, done.err
    return done


def reachable(conn: psycopg.Connection) -> dict[tuple[str, str], int]:
    """How many granted members with an address each mail audience has now."""
    found = conn.execute(
        "select c.segment, count(*) from segment.current c inner join profile.person p using (person_id) "
        "inner join consent.person_consent k using (person_id) where k.purpose = 'email' and k.state = 'granted' "
        "and p.email is not null group by 1"
    ).fetchall()
    conn.rollback()
    return dict(found)


def test_nothing_stays_of_a_try_not_even_the_records_that_waited(run, office, tmp_path: Path) -> None:
    before = everything(office)
    found = tried(run, tmp_path, ADA_BLOCKED, "--json").json
    assert (found["waiting"], found["counts"]["persons_that_part"]) == (1, 1)
    assert everything(office) == before
    assert before["staging.changed_record"] != ""


def test_what_is_foretold_is_what_happens_when_the_rules_change(run, office, tmp_path: Path) -> None:
    found = tried(run, tmp_path, ADA_BLOCKED, "--json").json
    foretold = {row["audience"]: row for row in found["audiences"] if row["destination"] == "mailchimp"}
    was = reachable(office)
    build_persons(office, as_of=DAY, rules=identity_rules(tmp_path / "rules.yaml"))
    build_segments(office, as_of=DAY)
    office.commit()
    assert office.execute("select count(*) from identity.person").fetchone()[0] == found["counts"]["persons_after"]
    assert "email" in DESTINATIONS["mailchimp"].identifiers
    assert foretold["home-market"]["before"] == was["home_market"]
    assert foretold["home-market"]["after"] == reachable(office).get("home_market", 0)
    assert foretold["home-market"]["removed"] == 1
    sizes = {row["up_to"]: row["persons_after"] for row in found["sizes"] if row["persons_after"]}
    assert sizes == dict(office.execute("select record_count, count(*) from identity.person group by 1").fetchall())


def test_who_would_join_and_who_would_part_are_shown_with_the_link_that_does_it_masked(
    run, office, tmp_path: Path
) -> None:
    parts = tried(run, tmp_path, ADA_BLOCKED, "--json", "--no-audiences").json["parts"]
    assert [(one["persons"], one["records"], one["links"]) for one in parts] == [
        (3, 3, ["email a***@p***.example (shared at home)"])
    ]
    found = tried(run, tmp_path, NO_LIST, "--json", "--no-audiences").json
    assert [(one["persons"], one["links"]) for one in found["joins"]] == [
        (2, ["email i***@f***.example (role mailbox)"])
    ]
    assert found["counts"]["persons_that_join"] == 2
    shown = tried(run, tmp_path, NO_LIST, "--no-audiences").out
    assert "2 would join into 1" in shown and "Nothing was written." in shown
    assert "info@firm" not in shown


def test_todays_rules_change_nobody(run, office, tmp_path: Path) -> None:
    from include.warehouse import SQL_ROOT

    text = (SQL_ROOT / "identity" / "rules.yaml").read_text(encoding="utf-8")
    found = tried(run, tmp_path, text, "--json").json
    assert (found["joins"], found["parts"], found["counts"]["records_that_move"]) == ([], [], 0)
    assert {(row["added"], row["removed"]) for row in found["audiences"]} == {(0, 0)}


@pytest.mark.parametrize(
    ("rules", "text"), [(None, "There is no file"), ("shared_above: -1\n", "shared_above is no whole number")]
)
def test_a_file_that_is_no_rules_file_is_refused(rules, text, run, tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    if rules is not None:
        path.write_text(rules, encoding="utf-8")
    done = run("identity", "whatif", str(path))
    assert (done.code, done.out) == (2, "")
    assert text in done.err
