"""Deals and companies in rules: who is being talked to, who bought for much, who works where."""

from datetime import date, timedelta

import psycopg

from include.segments.build import build_segments
from tests.sql.conftest import insert, person

DAY = date(2026, 11, 21)


def test_people_are_chosen_by_the_deals_they_are_named_in(conn: psycopg.Connection, write_rule, load) -> None:
    write_rule("in_talks", '{all: [{trait: {open_deal_count: ">= 1"}}, {not: {trait: {lost_deal_count: ">= 1"}}}]}')
    write_rule("large_customers", '{trait: {won_deal_cents: ">= 500000", last_won_on: {within: 30 days}}}')
    for number, deals in enumerate(
        [
            {"open_deal_count": 1},
            {"open_deal_count": 2, "lost_deal_count": 1},
            {"won_deal_cents": 500_000, "last_won_on": DAY - timedelta(days=2)},
            {"won_deal_cents": 900_000, "last_won_on": DAY - timedelta(days=90)},
        ],
        start=1,
    ):
        insert(conn, "profile.person", {"person_id": person(number)})
        insert(conn, "profile.trait", {"person_id": person(number), "as_of": DAY, **deals})
    conn.commit()

    build_segments(conn, as_of=DAY, definitions=load())

    found = conn.execute("select segment, person_id from segment.current").fetchall()
    assert sorted((segment, id.int) for segment, id in found) == [("in_talks", 1), ("large_customers", 3)]


def test_people_are_chosen_by_the_company_they_work_for(conn: psycopg.Connection, write_rule, load) -> None:
    write_rule("mid_sized_retail", '{trait: {company_industry: RETAIL, company_employees: ">= 100"}}')
    for number, company in enumerate(
        [
            {"company_industry": "RETAIL", "company_employees": 250},
            {"company_industry": "RETAIL", "company_employees": 99},
            {"company_industry": "BANKING", "company_employees": 250},
            {},
        ],
        start=1,
    ):
        insert(conn, "profile.person", {"person_id": person(number)})
        insert(conn, "profile.trait", {"person_id": person(number), "as_of": DAY, **company})
    conn.commit()

    build_segments(conn, as_of=DAY, definitions=load())

    assert [id.int for (id,) in conn.execute("select person_id from segment.current")] == [1]
