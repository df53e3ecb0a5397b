"""The files of rules: wrong ones name file, line and mend; a changed one takes effect in the next run."""

from pathlib import Path

import psycopg
import pytest

from include.errors import ConfigError
from include.identity import stitch
from include.identity.build import build_persons
from include.identity.rules import IdentityRules, identity_rules, survivorship
from tests.include.identity.staged import AS_OF, publish_persons


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("shared_above: 0\n", 1),
        ("shared_above: 20\nlimit: 3\n", 2),
        ("shared_above: 20\nblocked:\n  - {type: email, reason: x}\n", 3),
        ("shared_above: 20\nblocked:\n  - type: email\n    reason: x\n    pattern: '('\n", 5),
        ("shared_above: 20\nblocked:\n  - {type: email, reason: x, exact: a, pattern: b}\n", 3),
        ("shared_above: 20\nblocked: [a]\n", 2),
        ("shared_above: 20\nidentifiers: email\n", 2),
        ("shared_above: 20\nidentifiers: [email]\n", 2),
        ("shared_above: 20\nidentifiers:\n  - {type: email, priority: 0}\n", 3),
        ("shared_above: 20\nidentifiers:\n  - {type: email}\n", 3),
        ("shared_above: 20\nidentifiers:\n  - type: email\n    priority: 1\n    limits: 5\n", 5),
        ("shared_above: 20\nidentifiers:\n  - type: email\n    priority: 1\n    limits: [5]\n", 5),
        ("shared_above: 20\nidentifiers:\n  - {type: email, priority: 1, limits: [{count: 5, per: day}]}\n", 3),
        ("shared_above: 20\nidentifiers:\n  - {type: email, priority: 1, limits: [{count: 0, per: week}]}\n", 3),
        (
            "shared_above: 20\nidentifiers:\n  - {type: a, priority: 1, "
            "limits: [{count: 5, per: week}, {count: 6, per: week}]}\n",
            3,
        ),
        ("shared_above: 20\nidentifiers:\n  - {type: a, priority: 1}\n  - {type: a, priority: 2}\n", 4),
        ("shared_above: 20\nalert_above: many\n", 2),
    ],
)
def test_a_wrong_rule_names_its_line(tmp_path: Path, text: str, line: int) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"rules\.yaml:{line}:"):
        identity_rules(path)


def test_the_rules_that_ship_name_a_limit_for_each_way_to_reach_somebody() -> None:
    rules = identity_rules()
    assert all(rules.of_type(kind).limits for kind in ("email", "phone", "shopify_customer", "loyalty"))
    assert rules.of_type("device").priority > rules.of_type("phone").priority


@pytest.mark.parametrize(
    "text", ["trust: []\n", "fields: {email: newest}\n", "fields: {hair: recent}\n", "winner: me\n"]
)
def test_a_wrong_survivorship_rule_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "survivorship.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"survivorship\.yaml:1:"):
        survivorship(path)


def test_a_value_listed_by_hand_joins_nobody_until_the_rule_is_taken_back(conn: psycopg.Connection) -> None:
    publish_persons(conn, [{"record_key": key, "email": "door@firm.example"} for key in ("1", "2")])
    assert build_persons(conn, as_of=AS_OF)["persons"] == 1
    stitch.apply_rules(conn, IdentityRules(20, ()))  # what a run with an emptied file would do
    assert conn.execute("select count(*) from identity.blocked_value").fetchone() == (0,)
    conn.execute(
        "insert into identity.blocked_value (type, kind, value, reason) "
        "values ('email', 'exact', 'door@firm.example', 'door')"
    )
    conn.execute("update identity.identifier set listed_reason = 'door'")
    counts = build_persons(conn, as_of=AS_OF)  # the file does not list it: it joins again, in the same run
    assert (counts["persons"], counts["blocked"]) == (1, 0)


def test_an_unreadable_value_is_kept_with_its_reason_and_the_record_is_still_a_person(conn: psycopg.Connection) -> None:
    publish_persons(conn, [{"record_key": "1", "email": "ada at home", "phone": "0151 12345678", "ids": {"shop": " "}}])
    assert build_persons(conn, as_of=AS_OF)["unusable"] == 3
    found = conn.execute("select type, reason from identity.unusable_value order by type").fetchall()
    assert found == [("email", "not an address"), ("phone", "no country"), ("shop", "empty")]
    publish_persons(
        conn, [{"record_key": "1", "email": "ada@home.example", "phone": "0151 12345678", "phone_country": "DE"}]
    )
    counts = build_persons(conn, as_of=AS_OF)
    assert (counts["unusable"], counts["persons"]) == (0, 1)
    assert conn.execute("select count(*) from identity.unusable_value").fetchone() == (0,)
    assert conn.execute("select email, phone from profile.person").fetchone() == ("ada@home.example", "+4915112345678")
