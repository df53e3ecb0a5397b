"""Checks over several sources: each is broken by its mutation of a good world, and says so without a value."""

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest

from include import cross_checks, stream_watch
from include.cross_checks import FOLDER, CrossResult, read_checks
from include.errors import ConfigError, CriticalCheckError, FatalError
from tests.include.gate import column

AS_OF = date(2026, 11, 20)
CHECKS = sorted(path.stem for path in FOLDER.glob("*.sql"))
DAYS = 60
A_DAY = 12  # orders


CUSTOMERS = """
insert into staging.person_record (stream, record_key, raw_id, batch_id, payload_hash, ids, email)
select
    'shopify.customers', n::text, n, 1, '', jsonb_build_object('shopify_customer', n::text),
    'canary' || n || '@shop.example'
from generate_series(0, 9) as n
"""
ORDERS = """
insert into staging.order_entry (stream, record_key, entry_no, raw_id, batch_id, payload_hash, order_key, kind,
    amount_minor, currency, occurred_at, ids)
select 'shopify.orders', 'o' || d || '-' || n, 1, d * 100 + n, 1, '', 'o' || d || '-' || n, 'sale', 2000, 'EUR',
    %(as_of)s::date - d + interval '12 hours', jsonb_build_object('shopify_customer', mod(n, 10)::text)
from generate_series(0, %(days)s - 1) as d, generate_series(0, %(a_day)s - 1) as n
"""
GOOD_DAYS = """
insert into ops.cross_result (check_name, as_of, severity, owner, passed, judged, checked_rows, found)
select 'orders_without_customer', %(as_of)s::date - d, 'critical', 'data', true, true, 84, 0
from generate_series(1, 7) as d
"""


@pytest.fixture
def world(conn: psycopg.Connection) -> psycopg.Connection:
    """Two months of orders by ten known customers, and a week of days on which all was well."""
    conn.execute(CUSTOMERS)
    conn.execute(ORDERS, {"as_of": AS_OF, "days": DAYS, "a_day": A_DAY})
    conn.execute(GOOD_DAYS, {"as_of": AS_OF})
    conn.commit()
    return conn


def half_of_the_customers_gone(conn: psycopg.Connection) -> None:
    conn.execute("delete from staging.person_record where record_key >= '5'")


def no_orders_yesterday(conn: psycopg.Connection) -> None:
    conn.execute("delete from staging.order_entry where occurred_at::date = %s", (AS_OF - timedelta(days=1),))


# For each check what breaks the good world. A check without one fails the test.
BREAKS: dict[str, Callable[[psycopg.Connection], None]] = {
    "orders_without_customer": half_of_the_customers_gone,
    "revenue_of_the_day": no_orders_yesterday,
}


def run(conn: psycopg.Connection, as_of: date = AS_OF) -> dict[str, CrossResult]:
    return {one.check.name: one for one in cross_checks.run(conn, as_of=as_of)}


@pytest.mark.parametrize("name", CHECKS)
def test_each_check_is_broken_by_its_mutation_of_a_good_world_and_by_no_other(world, name):
    assert all(one.passed and one.judged for one in run(world).values())
    BREAKS[name](world)
    results = run(world)
    assert [one.check.name for one in results.values() if not one.passed] == [name]
    assert "canary" not in results[name].text
    assert results[name].state.failing
    newest = "select passed from ops.cross_result where check_name = %s order by cross_id desc limit 1"
    assert column(world, newest, name) == [False]


def test_a_share_of_orders_without_customer_is_told_with_counts(world):
    half_of_the_customers_gone(world)
    result = run(world)["orders_without_customer"]
    assert (result.checked_rows, result.failed_rows, result.usual) == (7 * A_DAY, 7 * 5, 0.0)
    assert result.text == (
        "Far more orders than usual name a customer that no source of customers knows. "
        "35 of 84 rows, 41.7%, usual is 0.0%."
    )


def test_a_shop_whose_orders_always_lack_customers_is_not_stopped(world):
    world.execute("delete from staging.person_record")
    world.execute("update ops.cross_result set found = 1 where check_name = 'orders_without_customer'")
    assert run(world)["orders_without_customer"].passed


def test_an_order_is_known_by_its_address_as_well(world):
    world.execute("update staging.order_entry set ids = '{}', email = 'Canary3@shop.example '")
    assert run(world)["orders_without_customer"].found == 0.0


@pytest.mark.parametrize(("factor", "passed"), [(0.31, True), (0.29, False), (3.9, True), (4.1, False)])
def test_revenue_is_held_against_the_same_weekdays(world, factor, passed):
    world.execute(
        "update staging.order_entry set amount_minor = amount_minor * %s where occurred_at::date = %s",
        (factor, AS_OF - timedelta(days=1)),
    )
    assert run(world)["revenue_of_the_day"].passed is passed


def test_a_weekday_that_uses_to_bring_nothing_is_not_judged(world):
    world.execute(
        "delete from staging.order_entry where extract(isodow from occurred_at) = %s", (AS_OF.isoweekday() - 1,)
    )
    assert run(world)["revenue_of_the_day"].judged is False


def test_without_history_nothing_is_judged_and_everything_passes(conn):
    assert {(one.passed, one.judged) for one in run(conn).values()} == {(True, False)}


def test_a_critical_failure_stops_what_is_behind_it_until_it_is_accepted(world):
    half_of_the_customers_gone(world)
    results = list(run(world).values())
    with pytest.raises(CriticalCheckError, match="bin/audienceflow checks accept orders_without_customer") as stopped:
        cross_checks.stop(results)
    assert stopped.value.owner == "data"
    assert cross_checks.blocking(world) == ["orders_without_customer"]
    assert [cross_checks.accept(world, "orders_without_customer", who="ana") for _ in range(2)] == [1, 0]
    assert cross_checks.blocking(world) == []
    run(world)  # the same day again
    assert cross_checks.blocking(world) == []
    assert column(world, "select actor from ops.audit where action = 'checks.accept'") == ["ana"]
    with pytest.raises(FatalError, match="say who"):
        cross_checks.accept(world, "orders_without_customer", who=" ")


def test_a_warning_stops_nothing_and_is_told(world):
    no_orders_yesterday(world)
    results = list(run(world).values())
    cross_checks.stop(results)
    assert cross_checks.blocking(world) == []
    told = stream_watch.worth_telling(world, [one.state for one in results])
    assert [one.subject for one in told] == ["cross check revenue_of_the_day"]


HEAD = "/*\ncheck: x\nowner: data\nseverity: info\nreason: Wrong.\n*/\n"
ROW = "select 1 as checked_rows, 0 as failed_rows, 0.0::float as found, 0.0::float as usual, true as passed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD.replace("owner: data", "owned: data") + ROW, "x.sql:3: unknown key 'owned'"),
        (HEAD.replace("info", "grave") + ROW, "x.sql:4: unknown severity"),
        (HEAD.replace("check: x", "check: y") + ROW, "x.sql:2: the file is called 'x'"),
        (HEAD.replace("owner: data\n", "") + ROW, "'owner' is missing"),
        (HEAD.replace("reason", "params: [1]\nreason") + ROW, "params is no list of numbers and texts"),
        (HEAD + "select 1 as checked_rows", "must give one row with"),
        (HEAD + "values (no_such_column)", "cannot be run (UndefinedColumn"),
    ],
)
def test_a_wrong_check_is_refused_with_file_cause_and_mend(conn, tmp_path, text, said):
    (tmp_path / "x.sql").write_text(text)
    with pytest.raises(ConfigError) as refused:
        cross_checks.run(conn, as_of=AS_OF, folder=tmp_path)
    assert said in str(refused.value)


def test_every_check_has_an_owner_and_a_reason():
    assert [one.name for one in read_checks()] == CHECKS
    assert all(one.owner and one.reason.endswith(".") for one in read_checks())
