"""No rule that never fires: a good batch broken in exactly one way, for every rule of every suite."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from include import quality
from include.candidate import fill_candidate
from include.pushdown import Outcome, run_suite
from include.suites import SUITE_ROOT, Suite, read_suite
from tests.include.gate import ORDERS, STREAMS, GateStream, good, land, staged
from tests.include.mutation import PARAMETERS, mutated, rules_about_rows

SUITES = sorted(path.stem for path in SUITE_ROOT.glob("*.json"))
GOOD_ROWS = 3
FIRST_BROKEN = 1000


def put(conn: psycopg.Connection, stream: GateStream, rows: Sequence[Mapping[str, Any]], first: int) -> None:
    """Rows of the candidate as they are, numbered from ``first``: without a choice of the newest."""
    for number, row in enumerate(rows, start=first):
        names = [*row, "stream", "raw_id", "batch_id"]
        listed = sql.SQL(", ").join(map(sql.Identifier, names))
        conn.execute(
            sql.SQL(
                "insert into checking.{0} ({1}) select {1} from jsonb_populate_record(null::checking.{0}, %s)"
            ).format(sql.Identifier(stream.suite), listed),
            (json.dumps({**row, "stream": stream.name, "raw_id": number, "batch_id": 1}),),
        )
    conn.commit()


def outcomes_of(url: str, suite: Suite, rows: int, **parameters: int) -> dict[str, Outcome]:
    found = run_suite(url, suite.name, suite.for_rows(rows), {**PARAMETERS, **parameters})
    return {outcome.rule.name: outcome for outcome in found}


def broken_rules(conn: psycopg.Connection, outcomes: Mapping[str, Outcome]) -> dict[int, set[str]]:
    """Row → the rules it breaks, by the queries the quarantine uses."""
    found: dict[int, set[str]] = {}
    for name, outcome in outcomes.items():
        for row in conn.execute(outcome.failing_query) if outcome.failing_query else ():
            found.setdefault(row[0], set()).add(name)
    return found


@pytest.mark.parametrize("name", SUITES)
def test_each_rule_is_broken_by_its_mutation_of_a_good_batch_and_by_no_other(
    conn: psycopg.Connection, warehouse_url: str, name: str
) -> None:
    suite, stream = read_suite(name), STREAMS[name]
    land(conn, stream, *[good(stream, number) for number in range(1, GOOD_ROWS + 1)])
    fill_candidate(conn, stream, staged=staged)
    rules = list(rules_about_rows(suite.rules))
    rows = [mutated(conn, stream, rule, good(stream, number)) for number, rule in enumerate(rules, start=100)]
    put(conn, stream, rows, FIRST_BROKEN)
    outcomes = outcomes_of(warehouse_url, suite, len(rows) + GOOD_ROWS)
    by_row = broken_rules(conn, outcomes)
    for number, rule in enumerate(rules, start=FIRST_BROKEN):
        assert by_row.get(number) == {rule.name}, f"{rule.name} (line {rule.line}) is broken by {by_row.get(number)}"
        assert not outcomes[rule.name].passed
    assert set(by_row) == set(range(FIRST_BROKEN, FIRST_BROKEN + len(rules))), "a good row breaks a rule"
    whole = [rule.name for rule in suite.rules if not rule.names_rows or "mostly" in rule.kwargs]
    assert [name for name in whole if name in outcomes and not outcomes[name].passed] == []


@pytest.mark.parametrize("name", SUITES)
def test_each_rule_of_the_table_as_a_whole_is_broken_by_its_mutation(
    conn: psycopg.Connection, warehouse_url: str, name: str
) -> None:
    suite, stream = read_suite(name), STREAMS[name]
    land(conn, stream)
    fill_candidate(conn, stream, staged=staged)
    shares = [rule for rule in suite.rules if "mostly" in rule.kwargs]
    size = max([GOOD_ROWS, *(rule.min_rows for rule in shares)])
    rows = [good(stream, number) for number in range(1, size + 1)]
    for rule in shares:
        rows = [mutated(conn, stream, rule, row) for row in rows]
    put(conn, stream, [*rows, rows[0]], 1)  # the first key comes twice
    conn.execute(sql.SQL("alter table checking.{} drop column payload_hash").format(sql.Identifier(name)))
    conn.commit()
    whole = {rule.name for rule in suite.rules if rule in shares or not rule.names_rows}
    assert failed(suite, outcomes_of(warehouse_url, suite, size, volume_max=size)) == whole


def test_a_volume_is_broken_from_below_and_from_above(conn: psycopg.Connection, warehouse_url: str) -> None:
    suite = only(read_suite("shopify_orders"), "volume")
    land(conn, ORDERS, good(ORDERS, 1))
    fill_candidate(conn, ORDERS, staged=staged)
    conn.commit()
    assert failed(suite, outcomes_of(warehouse_url, suite, 1)) == set()
    assert failed(suite, outcomes_of(warehouse_url, suite, 1, volume_min=2)) == {"volume"}
    assert failed(suite, outcomes_of(warehouse_url, suite, 1, volume_max=0)) == {"volume"}


def failed(suite: Suite, outcomes: Mapping[str, Outcome]) -> set[str]:
    return {rule.name for rule in suite.rules if rule.name in outcomes and not outcomes[rule.name].passed}


def only(suite: Suite, *names: str) -> Suite:
    return replace(suite, rules=tuple(rule for rule in suite.rules if rule.name in names))


@pytest.mark.parametrize("name", ["hubspot_contacts", "shopify_orders"])
def test_a_good_batch_passes_every_rule(conn: psycopg.Connection, warehouse_url: str, name: str) -> None:
    land(conn, STREAMS[name], *[good(STREAMS[name], number) for number in (1, 2)])
    checked = quality.check_stream(conn, warehouse_url, STREAMS[name], staged=staged)
    assert (checked.failed_rules, checked.quarantined, checked.records) == ((), 0, 2)
    rules, passed = conn.execute("select array_agg(rule), bool_and(passed) from ops.check_result").fetchone()
    asked = {rule.name for rule in read_suite(name).for_rows(2).rules}
    assert passed and asked | {"quarantine_share", "contract_new_column", "freshness"} <= set(rules)
