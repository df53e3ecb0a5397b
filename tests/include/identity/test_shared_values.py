"""Values that strangers share: nobody is merged by them, and people are told which and how many, never the value."""

import psycopg

from include.identity import watch
from include.identity.build import build_persons
from tests.include.identity.staged import AS_OF, delete, minute, publish_persons

ADDRESS = "till@shop.example"
PEOPLE = 5000


def plant(conn: psycopg.Connection, people: int) -> None:
    publish_persons(
        conn,
        [
            {"record_key": str(number), "email": ADDRESS, "created_at": minute(number), "ids": {"shop": f"{number}x"}}
            for number in range(people)
        ],
    )


def told(conn: psycopg.Connection) -> dict[str, str]:
    """Subjects that are failing with what is said of them; noted as told, as the operator does."""
    for state in watch.states(conn, "ada"):
        conn.execute(
            "insert into ops.alert_state (subject, state, since, owner, summary) values (%s, %s, now(), %s, %s) "
            "on conflict (subject) do update set state = excluded.state, summary = excluded.summary",
            [state.subject, "failing" if state.failing else "ok", state.owner, state.summary],
        )
    found = conn.execute("select subject, summary from ops.alert_state where state = 'failing'")
    return dict(found.fetchall())


def test_a_planted_mailbox_of_5000_people_merges_nobody_and_is_named_in_the_alert(conn: psycopg.Connection) -> None:
    plant(conn, PEOPLE)
    assert build_persons(conn, as_of=AS_OF)["persons"] == PEOPLE
    [(subject, summary)] = told(conn).items()
    assert subject.startswith("shared value: email t***@s***.example (")
    assert "5,000 records of different people" in summary and "1 record: 5,000 persons" in summary
    assert ADDRESS not in subject + summary
    assert [state.subject for state in watch.states(conn, "ada") if state.failing] == []  # told once


def test_a_value_that_fewer_people_carry_again_is_told_as_over_and_joins(conn: psycopg.Connection) -> None:
    plant(conn, 21)
    build_persons(conn, as_of=AS_OF)
    assert len(told(conn)) == 1
    delete(conn, "person", "hubspot.contacts", "3")
    assert build_persons(conn, as_of=AS_OF)["persons"] == 1
    assert told(conn) == {}


def test_the_sizes_of_persons_are_counted_in_powers_of_two(conn: psycopg.Connection) -> None:
    rows = [
        {"record_key": f"{person}-{place}", "ids": {"shop": f"{person}x"}}
        for person, size in enumerate((1, 1, 2, 3, 4, 5))
        for place in range(size)
    ]
    publish_persons(conn, rows)
    build_persons(conn, as_of=AS_OF)
    assert conn.execute("select up_to, persons, records from identity.cluster_size order by up_to").fetchall() == [
        (1, 2, 2),
        (2, 1, 2),
        (4, 2, 7),
        (8, 1, 5),
    ]
    assert watch.cluster_sizes(conn) == "1 record: 2 persons, 2: 1, 3-4: 2, 5-8: 1"
