"""A browser is a thing that people use: it tells whose its anonymous visits are, and never that two people are one."""

from dataclasses import replace

import psycopg
import pytest

from include.identity.build import build_persons
from include.identity.rules import IdentifierRule, IdentityRules, identity_rules
from tests.include.identity.staged import AS_OF, minute, persons, publish_events

BROWSER = {"matomo_visitor": "b1"}


def visit(key: str, at: int, **who: str) -> dict[str, object]:
    """A visit with that browser; ``who`` is logged in."""
    email = {"email": who.pop("email")} if "email" in who else {}
    return {"record_key": key, "occurred_at": minute(at), "ids": {**BROWSER, **who}, **email}


def count(conn: psycopg.Connection, rules: IdentityRules | None = None, *, rebuild: bool = False) -> int:
    build_persons(conn, as_of=AS_OF, rules=rules, rebuild=rebuild)
    return len(set(persons(conn).values()))


def allowing(users: int) -> IdentityRules:
    """The rules that ship, with another number of people a browser."""
    rules = identity_rules()
    browser = IdentifierRule("matomo_visitor", 8, users_above=users)
    others = tuple(rule for rule in rules.identifiers if rule.type != "matomo_visitor")
    return replace(rules, identifiers=(*others, browser))


@pytest.mark.parametrize("kind", ["shopify_customer", "loyalty", "email"])
def test_two_people_who_log_in_with_one_browser_stay_two(conn: psycopg.Connection, kind: str) -> None:
    people = [{kind: "a@x.example"}, {kind: "b@x.example"}]
    publish_events(conn, [visit("anonymous", 1), visit("first", 2, **people[0])])
    assert count(conn) == 1

    publish_events(conn, [visit("second", 3, **people[1])])

    assert count(conn) == 3  # two people, and visits of which nobody can say whose they are
    assert count(conn, rebuild=True) == 3


def test_one_person_known_by_two_kinds_of_id_is_one_user(conn: psycopg.Connection) -> None:
    publish_events(conn, [visit("1", 1, shopify_customer="77"), visit("2", 2, email="ada@x.example"), visit("3", 3)])

    assert count(conn) == 1


def test_a_listed_value_is_nobody(conn: psycopg.Connection) -> None:
    publish_events(conn, [visit("1", 1, shopify_customer="77"), visit("2", 2, shopify_customer="undefined")])

    assert count(conn) == 1


def test_a_user_who_is_gone_leaves_the_browser_to_the_other(conn: psycopg.Connection) -> None:
    publish_events(conn, [visit("1", 1), visit("2", 2, shopify_customer="77"), visit("3", 3, shopify_customer="88")])
    assert count(conn) == 3

    conn.execute("delete from staging.event where record_key = '3'")
    conn.execute(
        "insert into staging.changed_record (stream, record_key, batch_id) values ('mailchimp.activity', '3', 0)"
    )

    assert count(conn) == 1


def test_how_many_may_use_a_browser_is_a_rule_that_can_change(conn: psycopg.Connection) -> None:
    publish_events(conn, [visit(str(n), n, shopify_customer=str(n)) for n in (1, 2, 3)])

    assert [count(conn, allowing(users)) for users in (1, 3, 2, 3)] == [3, 1, 3, 1]
