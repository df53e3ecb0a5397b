from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

import psycopg
import pytest
import yaml

from include.errors import ConfigError
from include.segments.definition import load_definitions
from include.segments.preview import compute_members
from tests.include.segments.plain_rules import World, day_start
from tests.sql.conftest import insert, person

AS_OF = date(2026, 11, 21)
SPANS = ["1 day", "3 days", "2 weeks", "1 month", "6 months", "1 year"]
EVENTS = ["order_placed", "cart_abandoned", "email_opened", "email_clicked"]
WORDS = ["=", "!=", "<", "<=", ">", ">="]
FIXED = {
    "de": {"person": {"country": "DE"}},
    "openers": {"event": {"name": "email_opened", "count": ">= 2"}},
}


def some_day(rng: Random) -> date:
    return AS_OF - timedelta(days=rng.choice([0, 1, 2, 3, 13, 14, 30, 31, 180, 365, 400, -1]))


def some_moment(rng: Random) -> datetime:
    """Often exactly on the edge of a day, where windows begin and end."""
    return day_start(some_day(rng)) + timedelta(seconds=rng.choice([0, 1, 43200, 86399]))


def some_world(rng: Random) -> World:
    people = range(1, 41)
    persons = {
        n: {
            "person_id": n,
            "country": rng.choice(["DE", "FR", "GB", None]),
            "interests": rng.sample(["a", "b", "c"], rng.randrange(4)),
            "birth_on": rng.choice([None, date(2001, 11, 21), date(2001, 11, 22), date(1980, 2, 29)]),
            "customer_since": rng.choice([None, some_moment(rng)]),
        }
        for n in people
    }
    traits = {
        n: {
            "person_id": n,
            "order_count": rng.randrange(4),
            "recency_days": rng.choice([None, 1, 5, 9]),
            "rfm_segment": rng.choice([None, "champion", "lost"]),
            "last_ordered_on": rng.choice([None, some_day(rng)]),
        }
        for n in people
        if rng.random() < 0.8
    }
    orders = [
        {
            "person_id": rng.choice(people),
            "ordered_at": some_moment(rng),
            "total_cents": rng.choice([-100, 0, 500, 1500]),
            "is_purchase": rng.random() < 0.8,
        }
        for _ in range(60)
    ]
    events = [
        {
            "person_id": rng.choice(people),
            "name": rng.choice(EVENTS[1:]),
            "occurred_at": some_moment(rng),
            "amount_minor": rng.choice([None, 500, 1500]),
        }
        for _ in range(120)
    ]
    world = World(AS_OF, persons, traits, orders, events, {})
    world.members = {name: {n for n in persons if world.true_of(rule, n)} for name, rule in FIXED.items()}
    return world


def some_leaf(rng: Random) -> dict:
    number = f"{rng.choice(WORDS)} {rng.randrange(4)}"
    date_condition = rng.choice(
        [
            {"within": rng.choice(SPANS)},
            {"before": rng.choice(SPANS)},
            {"known": rng.random() < 0.5},
            {">=": some_day(rng)},
            {"<": some_day(rng)},
        ]
    )
    event = {"name": rng.choice(EVENTS)}
    if rng.random() < 0.7:
        event["within"] = rng.choice(SPANS)
    if rng.random() < 0.5:
        event["count"] = number
    if rng.random() < 0.3:
        event["amount"] = rng.choice([">= 500", "!= 500", {"known": False}])
    if rng.random() < 0.3:
        event[rng.choice(["first", "last"])] = rng.choice(
            [{"within": rng.choice(SPANS)}, {"before": rng.choice(SPANS)}]
        )
    sequence = {
        "did": rng.choice(EVENTS),
        "within": rng.choice(SPANS),
        rng.choice(["then", "then_not"]): rng.choice(EVENTS),
    }
    if rng.random() < 0.5:
        sequence["wait"] = rng.choice(["1 day", "3 days", "2 weeks"])
    return rng.choice(
        [
            {"trait": {"order_count": number}},
            {
                "trait": {
                    "recency_days": rng.choice(
                        ["!= 5", {"not_in": [1, 5]}, {"between": [1, 5]}, [5, 9], {"known": False}]
                    )
                }
            },
            {
                "trait": {
                    "rfm_segment": rng.choice(
                        ["champion", {"!=": "champion"}, {"not_in": ["lost"]}, {"starts_with": "ch"}]
                    )
                }
            },
            {"trait": {"last_ordered_on": date_condition, "order_count": ">= 1"}},
            {"person": {"country": rng.choice(["DE", ["DE", "FR"], {"!=": "DE"}, {"known": True}])}},
            {"person": {"interests": rng.choice(["a", ["a", "c"], {"contains_all": ["a", "b"]}, {"contains": "b"}])}},
            {"person": {"age": rng.choice([">= 25", "= 24", {"between": [40, 50]}])}},
            {"person": {"customer_since": date_condition}},
            {"event": event},
            {"event": event},
            {"sequence": sequence},
            {"sequence": sequence},
            {"segment": rng.choice(sorted(FIXED))},
        ]
    )


def some_rule(rng: Random, depth: int = 3) -> dict:
    if depth == 0 or rng.random() < 0.3:
        return some_leaf(rng)
    kind = rng.choice(["all", "any", "not"])
    if kind == "not":
        return {"not": some_rule(rng, depth - 1)}
    return {kind: [some_rule(rng, depth - 1) for _ in range(rng.randrange(1, 4))]}


def write_rule_file(folder: Path, name: str, rule: dict) -> None:
    head = {"segment": name, "title": "t", "owner": "o", "kind": "value", "goal": "g", "rule": rule}
    (folder / f"{name}.yaml").write_text(
        yaml.safe_dump(head, sort_keys=False, default_flow_style=None), encoding="utf-8"
    )


def load_world(conn: psycopg.Connection, world: World) -> None:
    for table, rows in (
        ("person", world.persons.values()),
        ("trait", world.traits.values()),
        ("person_order", world.orders),
        ("person_event", world.events),
    ):
        for number, row in enumerate(rows):
            keys = {"person_order": {"order_key": str(number)}, "person_event": {"record_key": str(number)}}.get(
                table, {}
            )
            if table == "person_order":
                keys["ordered_on"] = row["ordered_at"].date()
            insert(conn, f"profile.{table}", {**row, **keys, "person_id": person(row["person_id"])})


@pytest.mark.parametrize("seed", range(6))
def test_a_compiled_rule_gives_the_persons_a_plain_evaluator_gives(
    seed: int, conn: psycopg.Connection, tmp_path: Path
) -> None:
    rng = Random(seed)
    world = some_world(rng)
    load_world(conn, world)
    rules = {f"rule_{number}": some_rule(rng) for number in range(60)}
    for name, rule in {**FIXED, **rules}.items():
        write_rule_file(tmp_path, name, rule)
    segments = load_definitions(tmp_path)
    conn.commit()
    sizes = set()
    for name, rule in rules.items():
        with conn.transaction(force_rollback=True):
            compute_members(conn, segments, name, as_of=AS_OF)
            found = {row[0].int for row in conn.execute("select person_id from pg_temp.segment_people")}
        expected = {n for n in world.persons if world.true_of(rule, n)}
        assert found == expected, f"{rule}\n{segments[name].sql}\n{segments[name].binds}"
        sizes.add(len(expected))
    assert len(sizes) > 10  # the rules are no empty talk


@pytest.mark.parametrize(
    ("rule", "cause"),
    [
        ("{trait: {order_cuont: 1}}", "unknown trait 'order_cuont'"),
        ("{person: {shoe_size: 1}}", "unknown person 'shoe_size'"),
        ("{person: {winners: a}}", "'winners' cannot be compared"),
        ("{trait: {order_count: many}}", "does not fit a number"),
        ("{trait: {order_count: '>= many'}}", "does not fit a number"),
        ("{trait: {order_count: {starts_with: 1}}}", "operator 'starts_with' does not fit a number"),
        ("{trait: {order_count: {'>=': 1, '<': 3}}}", "this is no condition"),
        ("{trait: {order_count: {in: []}}}", "does not fit a number"),
        ("{trait: {order_count: {between: [1]}}}", "does not fit a number"),
        ("{trait: {last_ordered_on: {within: soon}}}", "'soon' is no span"),
        ("{trait: {}}", "names no column"),
        ("{person: {country: true}}", "does not fit a text"),
        ("{event: {name: order_palced}}", "unknown event 'order_palced'"),
        ("{event: {within: 3 days}}", "'event' has no 'name'"),
        ("{event: {name: order_placed, within: 3 hours}}", "no span of days"),
        ("{event: {name: order_placed, within: 0 days}}", "no span of days"),
        ("{event: {name: order_placed, often: 3}}", "unknown key 'often'"),
        ("{sequence: {did: order_placed, within: 3 days}}", "'then' or 'then_not'"),
        ("{sequence: {did: order_placed, then: email_opened}}", "has no 'within'"),
        ("{all: []}", "has no list"),
        ("{all: {trait: {order_count: 1}}}", "has no list"),
        ("{sometimes: 1}", "this is no rule"),
        ("{trait: {order_count: 1}, person: {country: DE}}", "this is no rule"),
        ("[]", "this is no rule"),
        ("{segment: [a]}", "'segment' is no name"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line(rule, cause, write_rule, load) -> None:
    write_rule("a", rule)
    with pytest.raises(ConfigError) as caught:
        load()
    assert "a.yaml:6: " in str(caught.value)
    assert cause in str(caught.value)


def test_a_value_in_a_rule_is_bound_and_never_part_of_the_text(write_rule, load, conn) -> None:
    write_rule("a", '{person: {city: "x\' or true; drop table profile.person; --"}}')
    segment = load()["a"]
    insert(conn, "profile.person", {"person_id": person(1)})
    insert(conn, "profile.person", {"person_id": person(2), "city": "x' or true; drop table profile.person; --"})
    assert "drop table" not in segment.sql
    assert compute_members(conn, {"a": segment}, "a", as_of=AS_OF) == 1


def test_a_percent_sign_in_a_rules_value_is_only_a_percent_sign(write_rule, load, conn) -> None:
    write_rule("a", "{person: {city: '100%'}}")
    insert(conn, "profile.person", {"person_id": person(1), "city": "100%"})
    assert compute_members(conn, load(), "a", as_of=AS_OF) == 1


def test_not_of_a_missing_value_is_true(write_rule, load, conn) -> None:
    write_rule("a", "{not: {trait: {order_count: '>= 1'}}}")
    insert(conn, "profile.person", {"person_id": person(1)})
    assert compute_members(conn, load(), "a", as_of=AS_OF) == 1


def test_windows_are_days_in_utc_also_for_a_session_of_another_zone(write_rule, load, conn) -> None:
    write_rule("a", "{event: {name: email_opened, within: 1 day}}")
    for number, at in enumerate((datetime(2026, 11, 20, 23, 59, 59, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))):
        insert(conn, "profile.person", {"person_id": person(number)})
        insert(
            conn,
            "profile.person_event",
            {"person_id": person(number), "record_key": str(number), "name": "email_opened", "occurred_at": at},
        )
    conn.execute("set timezone = 'Asia/Tokyo'")
    assert compute_members(conn, load(), "a", as_of=AS_OF) == 1
    assert conn.execute("select person_id from pg_temp.segment_people").fetchone() == (person(1),)
