import pytest

from tests.sql.conftest import insert


@pytest.fixture
def held(conn) -> list[int]:
    insert(conn, "ops.batch", {"stream": "shopify.orders"})
    (batch,) = conn.execute("select max(batch_id) from ops.batch").fetchone()
    for number, rule in enumerate(("amount_is_whole", "amount_is_whole", "has_currency")):
        insert(
            conn,
            "ops.quarantine",
            {
                "batch_id": batch,
                "stream": "shopify.orders",
                "raw_id": number,
                "record_key": f"o{number}",
                "rule": rule,
                "reason": "does not fit",
            },
        )
    conn.commit()
    return [row[0] for row in conn.execute("select quarantine_id from ops.quarantine order by 1")]


def test_what_is_held_is_listed_by_rule_and_one_by_one(run, held) -> None:
    found = run("quarantine", "list", "--json").json
    assert {(row["rule"], row["records"]) for row in found["counts"]} == {("amount_is_whole", 2), ("has_currency", 1)}
    assert sorted(row["quarantine_id"] for row in found["entries"]) == held
    assert "has_currency" in run("quarantine", "list").out


def test_a_release_lets_exactly_the_named_ones_through_and_says_who(run, held, conn) -> None:
    done = run("quarantine", "release", str(held[0]), "--who", "ada", "--json")
    assert (done.code, done.json) == (0, {"released": 1})
    assert conn.execute(
        "select quarantine_id, released_by from ops.quarantine where state = 'released'"
    ).fetchall() == [(held[0], "ada")]
    assert conn.execute("select actor from ops.audit").fetchall() == [("ada",)]
    assert run("quarantine", "release", "--rule", "has_currency", "--json").json == {"released": 1}


def test_a_release_of_nothing_is_not_found_and_without_a_choice_wrong_use(run, held) -> None:
    assert run("quarantine", "release", "999999").code == 1
    assert run("quarantine", "release").code == 2
    assert run("quarantine", "list", "--state", "lost").code == 2


def test_an_empty_quarantine_says_so(run) -> None:
    done = run("quarantine", "list")
    assert (done.code, "nothing is set aside" in done.out) == (0, True)
