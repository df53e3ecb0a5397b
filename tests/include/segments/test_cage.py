"""What an author, or somebody who can write into sql/segments/, must not be able to do."""

import time
from datetime import date

import psycopg
import pytest

from include.errors import ConfigError
from include.segments.cage import collect
from tests.sql.conftest import insert, person

AS_OF = {"as_of": date(2026, 11, 21)}
PERSONS = "select person_id from profile.person"


@pytest.mark.parametrize(
    ("body", "cause"),
    [
        (f"{PERSONS}; drop table profile.person", "2 statements"),
        (f"{PERSONS}; {PERSONS}", "2 statements"),
        ("-- nothing", "0 statements"),
        ("drop table profile.person", "no SELECT"),
        ("delete from profile.person returning person_id", "no SELECT"),
        ("set role postgres", "no SELECT"),
        ("copy profile.person to '/tmp/x'", "no SELECT"),
        ("do $$ begin perform 1; end $$", "no SELECT"),
        ("with gone as (delete from profile.person returning person_id) select person_id from gone", "contains delete"),
        (
            "with n as (insert into profile.trait (as_of) values (null) returning person_id) select person_id from n",
            "contains insert",
        ),
        (
            "with new as (update profile.person set email = null returning person_id) select person_id from new",
            "contains update",
        ),
        ("select person_id into stolen from profile.person", "contains into"),
        (f"{PERSONS} for update", "contains lock"),
        (f"{PERSONS} tablesample system (10)", "contains tablesample"),
        (f"{PERSONS} where pg_sleep(10) is null", "function pg_sleep()"),
        (f"{PERSONS} where pg_catalog.pg_sleep(10) is null", "function pg_sleep()"),
        (f"{PERSONS} where set_config('statement_timeout', '0', true) is null", "function set_config()"),
        (f"{PERSONS} where query_to_xml('select 1', true, true, '') is null", "function query_to_xml()"),
        (f"{PERSONS} where pg_read_file('/etc/passwd') is null", "function pg_read_file()"),
        (f"{PERSONS} where pg_advisory_lock(1) is null", "function pg_advisory_lock()"),
        (f"{PERSONS} where nextval('x') > 1", "function nextval()"),
        (f"{PERSONS}, dblink('x', 'y') as t (a int)", "function dblink()"),
        (f"{PERSONS} where current_user = 'x'", "function current_user()"),
        (f"{PERSONS} where random() < 0.5", "is not allowed"),
        (f"{PERSONS} where birth_on < now()", "is not allowed"),
        (f"{PERSONS} where birth_on < current_date", "is not allowed"),
        (f"{PERSONS} where birth_on < localtimestamp", "is not allowed"),
        (f"{PERSONS} where birth_on < clock_timestamp()", "is not allowed"),
        (f"{PERSONS} where age(birth_on) > interval '18 years'", "function age()"),
        (f"{PERSONS} where birth_on < 'today'", "is the clock"),
        (f"{PERSONS} where birth_on < date ' Yesterday '", "is the clock"),
        (f"{PERSONS} where birth_on < ('to' || 'day')::date", "put together"),
        (f"{PERSONS} where birth_on < e'to\\x64ay'::date", "is written as"),
        (f"{PERSONS} where birth_on < $$today$$::date", "is written as"),
        ("select person_id from audience.member", "may not read 'audience.member'"),
        ("select person_id from consent.person_consent", "may not read"),
        ("select person_id from pg_catalog.pg_stat_activity", "may not read"),
        ("select person_id from person", "may not read 'person'"),
        ("select person_id from segment.membership", "may not read"),
        ("select person_id from segment.current", "without naming a segment"),
        ("select person_id from segment.current where segment = 'a' or true", "without naming a segment"),
        ("select * from profile.person", "exactly one column"),
        ("select email as person_id, email from profile.person", "exactly one column"),
        ("select email from profile.person", "exactly one column"),
        ("select person_id from profile.person where contry = 'DE'", "unknown column 'contry'"),
        ("select person_id frm profile.person", "cannot be read"),
        (f"{PERSONS} where email like '%x'", "single percent sign"),
        (f"{PERSONS} where country = %(land)s", "%(land)s has no value"),
    ],
)
def test_what_has_no_place_in_a_segment_is_refused_when_its_file_is_read(body, cause, write_sql, load) -> None:
    write_sql("a", body)
    with pytest.raises(ConfigError) as caught:
        load()
    assert cause in str(caught.value)
    assert "a.sql:" in str(caught.value)


def test_the_error_names_the_line_of_the_wrong_column(write_sql, load) -> None:
    write_sql("a", "\nselect person_id\nfrom profile.person\nwhere\n    country = 'DE'\n    and contry = 'DE'")
    with pytest.raises(ConfigError, match=r"a\.sql:13: unknown column 'contry'"):
        load()


@pytest.mark.parametrize(
    "body",
    [
        f"{PERSONS} where email like '%%@posteo.example' and interests && array['a']",
        "select person_id from (select person_id, ntile(9) over (order by year_cents) as nth from profile.trait) as t "
        "where nth = 1",
        "select e.person_id from profile.person_event as e where e.properties ->> 'campaign' = 'x' "
        "and extract(year from age(%(as_of)s::date, e.occurred_at)) < 1",
        "select person_id from profile.person cross join lateral unnest(interests) as i (one) where one = 'a'",
        "(select person_id from profile.trait) except select person_id from profile.person_order where is_purchase",
    ],
)
def test_honest_sql_passes_and_runs(body, write_sql, load, conn) -> None:
    write_sql("a", body)
    with conn.transaction():
        assert collect(conn, load()["a"].sql, AS_OF) == 0


@pytest.mark.parametrize(
    "body",
    [
        f"{PERSONS}) as x; drop table profile.person; --",
        f"{PERSONS}; select 1",
        "with gone as (delete from profile.person returning person_id) select person_id from gone",
    ],
)
def test_what_gets_past_the_first_wall_is_refused_by_postgres_itself(body, conn) -> None:
    insert(conn, "profile.person", {"person_id": person(1)})
    conn.commit()
    with (
        pytest.raises(psycopg.errors.SyntaxError if ";" in body else psycopg.errors.FeatureNotSupported),
        conn.transaction(),
    ):
        collect(conn, body, AS_OF)
    assert conn.execute("select count(*) from profile.person").fetchone() == (1,)


def test_a_function_that_writes_is_stopped_because_the_cage_is_read_only(conn) -> None:
    conn.execute(
        "create function public.steal() returns uuid language sql as "
        "$$ insert into profile.person (person_id, row_hash) values (gen_random_uuid(), '') returning person_id $$"
    )
    conn.commit()
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction), conn.transaction():
        collect(conn, "select public.steal() as person_id", AS_OF)


def test_the_cage_cannot_be_opened_from_within(conn) -> None:
    insert(conn, "profile.person", {"person_id": person(1)})
    conn.commit()
    body = "select person_id from profile.person where set_config('transaction_read_only', 'off', true) = 'off'"
    with pytest.raises(psycopg.errors.ActiveSqlTransaction), conn.transaction():
        collect(conn, body, AS_OF)


def test_a_statement_that_takes_too_long_is_cancelled(conn) -> None:
    insert(conn, "profile.person", {"person_id": person(1)})
    conn.commit()
    heavy = f"{PERSONS} cross join generate_series(1, 2000000000) as n (n) group by person_id having sum(n.n) > 0"
    started = time.monotonic()
    with pytest.raises(psycopg.errors.QueryCanceled), conn.transaction():
        collect(conn, heavy, AS_OF, timeout_seconds=1)
    assert time.monotonic() - started < 10


def test_after_the_cage_the_transaction_may_write_again_and_has_its_old_timeout(conn) -> None:
    insert(conn, "profile.person", {"person_id": person(1)})
    conn.execute("set statement_timeout = '77s'")
    conn.commit()
    with conn.transaction():
        assert collect(conn, PERSONS, AS_OF) == 1
        conn.execute("delete from profile.person")
        assert conn.execute("show statement_timeout").fetchone() == ("77s",)
        assert conn.execute("show timezone").fetchone() == ("UTC",)
    assert conn.execute("select count(*) from profile.person").fetchone() == (0,)


def test_a_former_person_id_counts_as_todays_and_nobody_counts_twice(conn) -> None:
    insert(conn, "identity.redirect", {"old_person_id": person(2), "person_id": person(1)})
    body = "select person_id from profile.person_order"
    for number, who in enumerate((1, 2, 2, 3)):
        insert(conn, "profile.person_order", {"person_id": person(who), "order_key": str(number)})
    conn.commit()
    with conn.transaction():
        assert collect(conn, body, AS_OF) == 2
        found = {row[0] for row in conn.execute("select person_id from pg_temp.segment_people")}
    assert found == {person(1), person(3)}
