"""Limits, windows, priorities and pins one by one, where a person can see what is meant."""

import psycopg
import pytest

from include.identity.build import build_persons
from include.identity.rules import IdentifierRule, IdentityRules, Limit
from tests.include.identity.decided import decide, publish, undo
from tests.include.identity.graphs import Carrier, Decision
from tests.include.identity.staged import AS_OF, persons

WEEK, MONTH, YEAR = (days * 1440 for days in (7, 30, 365))


def carrier(key: str, minute: int, *identifiers: str) -> Carrier:
    """``carrier("a", 0, "shop:1", "mail:x")``."""
    return Carrier(key, minute, frozenset(tuple(one.split(":")) for one in identifiers))


def rules(*limits: Limit) -> IdentityRules:
    return IdentityRules(20, (), (IdentifierRule("shop", 1, limits), IdentifierRule("mail", 2)))


def together(conn: psycopg.Connection) -> set[frozenset[str]]:
    """Records of each person."""
    groups: dict[str, set[str]] = {}
    for (_, key), person in persons(conn).items():
        groups.setdefault(person, set()).add(key)
    return {frozenset(group) for group in groups.values()}


def sets(*groups: str) -> set[frozenset[str]]:
    return {frozenset(group) for group in groups}


@pytest.mark.parametrize(
    ("per", "apart", "joined"),
    [
        ("week", WEEK - 1, False), ("week", WEEK, True), ("month", MONTH - 1, False), ("month", MONTH, True),
        ("year", YEAR - 1, False), ("year", YEAR, True), ("ever", 2 * YEAR, False),
    ],
)  # fmt: skip
def test_a_limit_holds_up_to_the_last_minute_of_its_span(
    conn: psycopg.Connection, per: str, apart: int, joined: bool
) -> None:
    publish(conn, [carrier("a", 0, "shop:1", "mail:x"), carrier("b", apart, "shop:2", "mail:x")])
    build_persons(conn, as_of=AS_OF, rules=rules(Limit(1, per)))
    assert together(conn) == (sets("ab") if joined else sets("a", "b"))


def test_the_weaker_and_younger_link_is_dropped_and_stored_with_its_reason(conn: psycopg.Connection) -> None:
    publish(conn, [
        carrier("a", 5, "shop:1", "mail:x"), carrier("b", 3, "shop:2", "mail:x"), carrier("c", 9, "shop:1"),
    ])  # fmt: skip
    counts = build_persons(conn, as_of=AS_OF, rules=rules(Limit(1, "ever")))
    assert counts["refused"] == 1
    assert together(conn) == sets("ac", "b")  # the address is the older record's
    assert conn.execute(
        "select r.record_key, i.value, l.reason, l.limited_type, l.limit_count, l.limit_per, e.dropped_reason "
        "from identity.refused_link as l inner join identity.record as r using (record_id) "
        "inner join identity.identifier as i using (identifier_id) "
        "inner join identity.edge as e using (record_id, identifier_id)"
    ).fetchall() == [("a", "x", "limit", "shop", 1, "ever", "limit: 1 shop ever")]


def test_a_limit_taken_from_the_rules_joins_again_in_the_next_run(conn: psycopg.Connection) -> None:
    publish(conn, [carrier("a", 0, "shop:1", "mail:x"), carrier("b", 1, "shop:2", "mail:x")])
    build_persons(conn, as_of=AS_OF, rules=rules(Limit(1, "ever")))
    assert together(conn) == sets("a", "b")
    build_persons(conn, as_of=AS_OF, rules=rules())
    assert together(conn) == sets("ab")
    assert conn.execute("select count(*) from identity.refused_link").fetchone() == (0,)
    assert conn.execute("select count(*) from identity.island").fetchone() == (0,)


def test_another_threshold_of_carriers_is_met_by_values_known_before(conn: psycopg.Connection) -> None:
    publish(conn, [carrier(key, 0, f"shop:{key}", "mail:x") for key in "abc"])
    build_persons(conn, as_of=AS_OF, rules=rules())
    assert together(conn) == sets("abc")
    build_persons(conn, as_of=AS_OF, rules=IdentityRules(2, (), rules().identifiers))
    assert together(conn) == sets("a", "b", "c")


def test_a_pin_beats_limits_and_its_undoing_brings_back_what_was(conn: psycopg.Connection) -> None:
    publish(conn, [carrier("a", 0, "shop:1"), carrier("b", 1, "shop:2"), carrier("c", 2, "shop:3", "mail:c")])
    pin = Decision("merge", "a", "b")
    decide(conn, [pin])
    build_persons(conn, as_of=AS_OF, rules=rules(Limit(1, "ever")))
    assert together(conn) == sets("ab", "c")
    undo(conn, pin)
    build_persons(conn, as_of=AS_OF, rules=rules(Limit(1, "ever")))
    assert together(conn) == sets("a", "b", "c")


def test_pain_27_a_split_pin_outlives_a_rebuild_and_stands_between_a_chain(conn: psycopg.Connection) -> None:
    publish(conn, [carrier("a", 0, "mail:x"), carrier("b", 1, "mail:x", "mail:y"), carrier("c", 2, "mail:y")])
    decide(conn, [Decision("split", "a", "c")])
    build_persons(conn, as_of=AS_OF, rules=rules())
    assert together(conn) == sets("ab", "c")
    build_persons(conn, as_of=AS_OF, rules=rules(), rebuild=True)
    assert together(conn) == sets("ab", "c")
    assert conn.execute("select reason, split_pin_id from identity.refused_link").fetchall() == [("split pin", 1)]


def test_a_decision_is_kept_as_it_was_made(conn: psycopg.Connection) -> None:
    decide(conn, [Decision("split", "a", "c")])
    for statement in ("update identity.pin set kind = 'merge'", "delete from identity.pin"):
        with pytest.raises(psycopg.errors.RaiseException), conn.transaction():
            conn.execute(statement)
    assert conn.execute("select kind from identity.pin").fetchall() == [("split",)]
