"""``holds``, ``debts``, ``sync retry`` and ``connections check`` as a person on call uses them."""

import subprocess
import sys
from collections.abc import Iterator

import psycopg
import pytest

from include import connection_checks
from include.destinations.base import Checked
from tests.include.cli.conftest import PROJECT
from tests.include.ledger.world import World


class Well:
    """A destination whose credentials are good."""

    def check(self) -> Checked:
        return Checked("account 7", ("write",), {"calls a minute": 300})


@pytest.fixture
def held(warehouse_url: str) -> Iterator[World]:
    """Three of ten people wait to be removed; an eleventh is refused by the platform."""
    world = World(warehouse_url)
    world.platform.refused = {"bad@x.example"}
    people = [world.person(f"p{number}@x.example") for number in range(10)]
    world.person("bad@x.example")
    world.sync()
    world.limits = {"max_change_share": 0.0, "max_removals": 0}
    for person in people[:3]:
        world.leave(person)
    world.sync()
    yield world
    world.close()


def test_a_hold_is_found_looked_at_and_approved_with_the_same_facts_everywhere(run, held: World) -> None:
    [listed] = run("holds", "list", "--json").json
    number = str(listed["hold_id"])
    shown = run("holds", "show", number, "--json").json
    assert {**listed, **shown} == shown | {"causes": shown["causes"], "sample": shown["sample"]}
    assert (shown["removals"], shown["audience_size"], shown["causes"]) == (3, 10, {"left the segment": 3})
    table = run("holds", "show", number).out
    assert "3 of 10 people would leave buyers-tag at fake" in table
    assert "@x.example" not in table
    decided = run("holds", "approve", number, "--who", "ada", "--why", "a campaign ended", "--json")
    assert (decided.code, decided.json["state"], decided.json["decided_by"]) == (0, "approved", "ada")
    assert held.sync().removed == 3
    again = run("holds", "reject", number)
    assert (again.code, "is not open" in again.err) == (2, True)
    assert run("holds", "show", "999").code == 1


def test_what_is_behind_and_who_was_refused_is_listed_and_asked_again(run, held: World) -> None:
    [debt] = run("debts", "list", "--json").json
    assert (debt["kind"], debt["people"], debt["overdue"]) == ("held", 3, False)
    span = ("--from", "2020-01-01", "--error-class", "bad_row", "--who", "ada")
    [counted] = run("sync", "retry", *span, "--dry-run", "--json").json
    assert (counted["audience"], counted["again"]) == ("buyers-tag", 1)
    assert "1 people are planned again" in run("sync", "retry", *span).out
    held.platform.refused = set()
    assert held.sync().added == 1
    assert run("sync", "retry", "--from", "2020-01-02", "--to", "2020-01-01").code == 2


def test_a_destination_that_is_not_well_is_an_exit_code(run, conn: psycopg.Connection) -> None:
    connection_checks.check(conn, "brevo", Well().check)
    found = run("connections", "check", "--json")
    assert (found.code, found.json[0]["account"], found.json[0]["limits"]) == (0, "account 7", {"calls a minute": 300})
    conn.execute("update ops.connection_check set state = 'refused', problems = '{the key is refused}'")
    conn.commit()
    bad = run("connections", "check")
    assert (bad.code, "the key is refused" in bad.out) == (1, True)


def test_a_call_imports_neither_airflow_nor_a_sql_parser_it_does_not_need() -> None:
    heavy = {"airflow", "sqlglot", "requests", "phonenumbers", "pandas"}
    script = f"import sys; from include.cli.app import _with_commands as w; w(); print({heavy!r} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert told.stdout.strip() == "set()"


def test_the_command_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "include.cli", "holds", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=PROJECT, check=False)
    assert (done.returncode, "approve" in done.stdout) == (0, True)
