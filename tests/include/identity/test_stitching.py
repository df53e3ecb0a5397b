"""Stitching against a plain union-find, and the life of person ids."""

from collections.abc import Iterable
from random import Random
from uuid import UUID

import psycopg
import pytest

from include.identity.build import build_persons
from include.identity.components import Route, find_components
from include.identity.rules import identity_rules
from tests.include.identity.graphs import Carrier, random_graph, shared_values, union_find
from tests.include.identity.staged import (
    AS_OF,
    delete,
    forget_everything,
    minute,
    persons,
    publish_events,
    publish_orders,
    publish_persons,
)

CRM = "hubspot.contacts"


def publish(conn: psycopg.Connection, records: Iterable[Carrier]) -> None:
    rows = []
    for record in records:
        ids: dict[str, list[str]] = {}
        for kind, value in sorted(record.identifiers):
            ids.setdefault(kind, []).append(value)
        rows.append({"record_key": record.key, "created_at": minute(record.minute), "ids": ids})
    publish_persons(conn, rows)


def person_of(conn: psycopg.Connection) -> dict[str, str]:
    return {key: person for (_, key), person in persons(conn).items()}


def own_ids(conn: psycopg.Connection) -> dict[str, str]:
    return {key: str(own) for key, own in conn.execute("select record_key, own_person_id from identity.record")}


def redirects(conn: psycopg.Connection) -> dict[str, str]:
    return {str(old): str(new) for old, new in conn.execute("select old_person_id, person_id from identity.redirect")}


def assert_sound(conn: psycopg.Connection) -> None:
    """What must hold after every build, whatever happened before it."""
    broken = conn.execute("""
        select 'live record without person', count(*) from identity.record
        where (person_id is null) <> (withdrawn_at is not null)
        union all select 'wrong record count', count(*) from identity.person as p
        where p.record_count <> (select count(*) from identity.record as r where r.person_id = p.person_id)
        union all select 'record of an unknown person', count(*) from identity.record as r
        where r.person_id is not null and not exists (select from identity.person as p where p.person_id = r.person_id)
        union all select 'redirect that does not end at a person', count(*) from identity.redirect as d
        where not exists (select from identity.person as p where p.person_id = d.person_id)
        union all select 'redirect of a living person', count(*) from identity.redirect as d
        where exists (select from identity.person as p where p.person_id = d.old_person_id)
        union all select 'history that disagrees with today', count(*) from identity.record as r
        full join (select * from identity.record_history where valid_to is null) as h on h.record_id = r.record_id
        where r.person_id is distinct from h.person_id
        union all select 'person without golden record', count(*) from identity.person as p
        full join profile.person as g on g.person_id = p.person_id where g.person_id is null or p.person_id is null
        union all select 'person without traits', count(*) from identity.person as p
        full join profile.trait as t on t.person_id = p.person_id where t.person_id is null or p.person_id is null
        union all select 'order without person', count(*) from staging.order_entry as e
        where e.identity_key is not null and not exists (
            select from profile.person_order as o inner join identity.person as p on p.person_id = o.person_id
            where o.stream = e.stream and o.order_key = e.order_key)
        union all select 'event without person', count(*) from staging.event as e
        where e.identity_key is not null and not exists (
            select from profile.person_event as o inner join identity.person as p on p.person_id = o.person_id
            where o.stream = e.stream and o.record_key = e.record_key and o.entry_no = e.entry_no)
    """).fetchall()
    assert [row for row in broken if row[1]] == []


@pytest.mark.parametrize("route", ["sql", "arrays"])
def test_a_thousand_random_graphs_equal_a_union_find_in_one_load(conn: psycopg.Connection, route: Route) -> None:
    records = [record for number in range(1000) for record in random_graph(number)]
    publish(conn, records)
    build_persons(conn, as_of=AS_OF, route=route)
    own = own_ids(conn)
    assert person_of(conn) == {key: own[oldest] for key, oldest in union_find(records).items()}
    assert len(shared_values(records)) > 50  # the graphs do contain values that must be dropped
    assert_sound(conn)


def test_ten_increments_give_what_one_load_gives_and_a_rebuild_from_nothing_the_same_ids(
    conn: psycopg.Connection,
) -> None:
    records = [record for number in range(1000, 2000) for record in random_graph(number)]
    shuffled = Random(7).sample(records, len(records))
    for start in range(10):
        publish(conn, shuffled[start::10])
        build_persons(conn, as_of=AS_OF)
    assert_sound(conn)
    grown = person_of(conn)
    own = own_ids(conn)
    assert grown == {key: own[oldest] for key, oldest in union_find(records).items()}
    build_persons(conn, as_of=AS_OF, rebuild=True)
    assert person_of(conn) == grown
    forget_everything(conn)
    build_persons(conn, as_of=AS_OF, rebuild=True)
    assert person_of(conn) == grown
    assert_sound(conn)


def test_changing_withdrawing_and_restoring_records_at_random_ends_where_a_fresh_start_ends(
    conn: psycopg.Connection,
) -> None:
    rng = Random(11)
    standing = {record.key: record for number in range(3000, 3060) for record in random_graph(number)}
    publish(conn, standing.values())
    build_persons(conn, as_of=AS_OF)
    former: set[str] = set(person_of(conn).values())
    spare = [record for number in range(3000, 3060) for record in random_graph(number)]
    for _ in range(15):
        for record in rng.sample(spare, 40):
            if record.key in standing and rng.random() < 0.5:
                delete(conn, "person", CRM, standing.pop(record.key).key)
            else:
                namespace = record.key.split("-")[0]
                donor = rng.choice([one for one in spare if one.key.startswith(f"{namespace}-")])
                standing[record.key] = Carrier(record.key, rng.randrange(10), donor.identifiers)
                publish(conn, [standing[record.key]])
        build_persons(conn, as_of=AS_OF)
        own = own_ids(conn)
        assert person_of(conn) == {key: own[oldest] for key, oldest in union_find(standing.values()).items()}
        assert_sound(conn)
        former |= set(person_of(conn).values())
    alive, led = set(person_of(conn).values()), redirects(conn)
    record_of = {own: key for key, own in own_ids(conn).items()}
    assert all(old in alive or old in led or record_of[old] not in standing for old in former)


@pytest.mark.parametrize(("route", "size"), [("sql", 20_000), ("arrays", 100_000)])  # each what it is chosen for
def test_a_long_chain_of_records_is_one_component_in_a_handful_of_rounds(
    conn: psycopg.Connection, route: Route, size: int
) -> None:
    conn.execute("insert into identity.work_scope (record_id) select * from generate_series(1, %s)", [size])
    conn.execute(
        "insert into identity.edge (record_id, identifier_id, raw_value) "
        "select n, n + step, '' from generate_series(1, %s) as n, generate_series(0, 1) as step",
        [size],
    )
    conn.execute("analyze identity.edge, identity.work_scope")
    find_components(conn, identity_rules(), route)
    assert conn.execute("select count(*), min(root), max(root) from identity.work_component").fetchone() == (size, 1, 1)
    rounds = conn.execute("select coalesce(max(round), 0) from identity.work_pair").fetchone()[0]
    assert rounds <= 17  # the logarithm of the records, not their number


def test_a_bridging_record_merges_two_persons_and_the_older_id_stays(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            {"record_key": "old", "email": "a@firm.example", "created_at": minute(1)},
            {"record_key": "young", "email": "b@firm.example", "created_at": minute(2)},
        ],
    )
    build_persons(conn, as_of=AS_OF)
    before = person_of(conn)
    publish_persons(
        conn,
        [
            {
                "record_key": "bridge",
                "email": "a@firm.example",
                "created_at": minute(3),
                "ids": {"email": ["B@firm.example "]},
            }
        ],
    )
    build_persons(conn, as_of=AS_OF)
    assert set(person_of(conn).values()) == {before["old"]}
    assert redirects(conn) == {before["young"]: before["old"]}
    assert conn.execute("select kind, from_person_id, to_person_id from identity.person_change").fetchall() == [
        ("merge", UUID(before["young"]), UUID(before["old"]))
    ]


def test_taking_the_bridge_away_splits_them_again_and_the_former_id_lives_again(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            {"record_key": "old", "email": "a@firm.example", "created_at": minute(1)},
            {"record_key": "young", "email": "b@firm.example", "created_at": minute(2)},
            {
                "record_key": "bridge",
                "email": "a@firm.example",
                "created_at": minute(3),
                "ids": {"email": "b@firm.example"},
            },
        ],
    )
    build_persons(conn, as_of=AS_OF)
    together = person_of(conn)
    delete(conn, "person", CRM, "bridge")
    build_persons(conn, as_of=AS_OF)
    apart = person_of(conn)
    assert apart == {"old": together["old"], "young": own_ids(conn)["young"]}
    assert redirects(conn) == {}
    assert conn.execute("select kind from identity.person_change").fetchall() == [("split",)]
    assert conn.execute(
        "select dropped_reason, count(*) from identity.edge group by 1 order by 1 nulls first"
    ).fetchall() == [(None, 2), ("record withdrawn", 2)]


def test_redirects_stay_flat_over_a_chain_of_merges(conn: psycopg.Connection) -> None:
    for place in range(5, 0, -1):  # each night an older record joins the rest
        publish_persons(
            conn,
            [{"record_key": str(place), "created_at": minute(place), "ids": {"shop": [f"{place}x", f"{place + 1}x"]}}],
        )
        build_persons(conn, as_of=AS_OF)
        assert_sound(conn)
    own = own_ids(conn)
    assert redirects(conn) == {own[str(place)]: own["1"] for place in range(2, 6)}


def test_an_older_record_that_arrives_later_takes_over_the_id_whatever_the_order_of_loading(
    conn: psycopg.Connection,
) -> None:
    publish_persons(conn, [{"record_key": "late", "email": "a@firm.example", "created_at": minute(9)}])
    build_persons(conn, as_of=AS_OF)
    first = person_of(conn)["late"]
    publish_orders(
        conn, [{"record_key": "o1", "email": "A@firm.example", "occurred_at": minute(1), "amount_minor": 100}]
    )
    build_persons(conn, as_of=AS_OF)
    now = person_of(conn)["late"]
    assert now != first
    assert redirects(conn) == {first: now}


def test_a_shared_mailbox_joins_nobody_and_crossing_the_limit_takes_persons_apart(conn: psycopg.Connection) -> None:
    people = [
        {
            "record_key": str(number),
            "email": "family@inbox.example",
            "first_name": f"Member{number}",
            "created_at": minute(number),
            "ids": {"shop": f"{number}x"},
        }
        for number in range(21)
    ]
    publish_persons(conn, people[:20])
    build_persons(conn, as_of=AS_OF)
    assert len(set(person_of(conn).values())) == 1
    publish_persons(conn, people[20:])
    counts = build_persons(conn, as_of=AS_OF)
    assert len(set(person_of(conn).values())) == 21
    assert counts["blocked"] == 1
    assert conn.execute("select type, kind, value from identity.blocked_value where kind = 'shared'").fetchall() == [
        ("email", "shared", "family@inbox.example")
    ]
    assert conn.execute("select count(*) from profile.person where email is not null").fetchone() == (0,)
    delete(conn, "person", CRM, "3")
    build_persons(conn, as_of=AS_OF)
    assert len(set(person_of(conn).values())) == 1
    assert conn.execute("select count(*) from identity.blocked_value where kind = 'shared'").fetchone() == (0,)
    assert_sound(conn)


def test_one_person_with_many_records_of_one_name_is_not_taken_for_a_shared_mailbox(conn: psycopg.Connection) -> None:
    publish_persons(
        conn,
        [
            {
                "record_key": str(number),
                "email": "ada@inbox.example",
                "first_name": "Ada",
                "last_name": "Lovelace",
                "created_at": minute(number),
            }
            for number in range(40)
        ],
    )
    assert build_persons(conn, as_of=AS_OF)["persons"] == 1


def test_test_accounts_of_one_name_with_many_customer_numbers_are_taken_for_a_shared_mailbox(
    conn: psycopg.Connection,
) -> None:
    publish_persons(
        conn,
        [
            {
                "record_key": str(number),
                "email": "till@laden.example",
                "first_name": "Kunde",
                "created_at": minute(number),
                "ids": {"shop": f"{number}x"},
            }
            for number in range(21)
        ],
    )
    assert build_persons(conn, as_of=AS_OF)["persons"] == 21


@pytest.mark.parametrize(
    "row",
    [
        {"email": "Info@firm.example"},
        {"email": "no-reply@firm.example"},
        {"email": "test@firm.example"},
        {"ids": {"shop": "NULL"}},
        {"ids": {"shop": "0"}},
        {"ids": {"shop": "-1"}},
    ],
)
def test_listed_values_join_nobody_with_the_reason_kept(conn: psycopg.Connection, row: dict) -> None:
    publish_persons(conn, [{"record_key": "1", **row}, {"record_key": "2", **row}])
    assert build_persons(conn, as_of=AS_OF)["persons"] == 2
    reasons = {reason for (reason,) in conn.execute("select dropped_reason from identity.edge")}
    assert reasons <= {"role mailbox", "test value", "empty marker"} and None not in reasons
    assert conn.execute("select count(*) from profile.person where email is not null").fetchone() == (0,)


def test_a_person_whose_only_record_is_deleted_vanishes_everywhere(conn: psycopg.Connection) -> None:
    publish_persons(conn, [{"record_key": "1", "email": "a@firm.example", "consent_email": "granted"}])
    publish_events(conn, [{"record_key": "e", "email": "b@firm.example", "occurred_at": minute(1)}])
    build_persons(conn, as_of=AS_OF)
    delete(conn, "person", CRM, "1")
    delete(conn, "event", "mailchimp.activity", "e")
    counts = build_persons(conn, as_of=AS_OF)
    assert (counts["persons"], counts["withdrawn"], counts["vanished"]) == (0, 2, 2)
    for table in (
        "profile.person",
        "profile.trait",
        "profile.person_event",
        "consent.person_consent",
        "identity.redirect",
    ):
        assert conn.execute(
            psycopg.sql.SQL("select count(*) from {}").format(psycopg.sql.Identifier(*table.split(".")))
        ).fetchone() == (0,)
    publish_persons(conn, [{"record_key": "1", "email": "a@firm.example"}])
    assert build_persons(conn, as_of=AS_OF)["persons"] == 1
    assert person_of(conn)["1"] == own_ids(conn)["1"]
    assert_sound(conn)


def test_orders_and_events_follow_their_identity_through_merge_split_and_change(conn: psycopg.Connection) -> None:
    publish_orders(
        conn,
        [
            {"record_key": "o1", "email": "a@firm.example", "occurred_at": minute(1), "amount_minor": 1000},
            {"record_key": "o2", "email": "b@firm.example", "occurred_at": minute(2), "amount_minor": 500},
            {"record_key": "guest", "occurred_at": minute(3), "amount_minor": 700},
        ],
    )
    publish_events(conn, [{"record_key": "e", "email": "b@firm.example", "occurred_at": minute(3)}])
    build_persons(conn, as_of=AS_OF)

    def spread() -> tuple[int, int]:
        return conn.execute(
            "select count(distinct person_id), count(*) from (select person_id from profile.person_order "
            "union all select person_id from profile.person_event) as x"
        ).fetchone()

    assert spread() == (2, 3)
    publish_persons(conn, [{"record_key": "bridge", "email": "a@firm.example", "ids": {"email": "b@firm.example"}}])
    build_persons(conn, as_of=AS_OF)
    assert spread() == (1, 3)
    assert_sound(conn)
    delete(conn, "person", CRM, "bridge")
    build_persons(conn, as_of=AS_OF)
    assert spread() == (2, 3)
    publish_orders(
        conn, [{"record_key": "o1", "email": "b@firm.example", "occurred_at": minute(1), "amount_minor": 900}]
    )
    build_persons(conn, as_of=AS_OF)
    assert spread() == (1, 3)
    assert conn.execute("select total_cents from profile.person_order where order_key = 'o1'").fetchall() == [(900,)]
    assert_sound(conn)


def test_a_night_without_changes_writes_nothing(conn: psycopg.Connection) -> None:
    publish(conn, random_graph(5))
    build_persons(conn, as_of=AS_OF)
    counts = build_persons(conn, as_of=AS_OF)
    persons_now = counts.pop("persons")
    counts.pop("blocked")
    assert persons_now > 0
    assert set(counts.values()) == {0}
