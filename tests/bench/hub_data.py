"""Records with known persons, and fifty values that strangers share: a shop's mailbox, a till's phone, a test value."""

import psycopg

# Each record is one of so many people, who have 2.5 records on average. It carries some of four identifiers of its
# person (two e-mails and phones a person, one account, a device); one device in fifty belongs to a household of two.
# One record in forty names one of fifty hubs instead of its own address or number.
_CARRIED = """
create temp table carried on commit drop as
with drawn as (
    select
        n as record_id,
        1 + (hashint8extended(n, 1) & 2147483647) %% %(people)s as person,
        (hashint8extended(n, 2) & 2147483647) %% 1000 as one,
        (hashint8extended(n, 3) & 2147483647) %% 1000 as two,
        (hashint8extended(n, 4) & 2147483647) %% 1000 as three,
        (hashint8extended(n, 5) & 2147483647) %% 1000 as four,
        (hashint8extended(n, 6) & 2147483647) %% 50 as hub
    from generate_series(1, %(records)s::bigint) as n
)
select record_id, person, 'shop' as type, 's' || person as value from drawn
where one < 780
union all
select
    record_id,
    person,
    'email',
    case when two < 13 then 'hub' || hub else 'e' || person || '-' || two %% 10 / 9 end || '@mail.example'
from drawn
where two < 930
union all
select
    record_id,
    person,
    'phone',
    case when three < 12 then '+4400' || hub else '+49' || person * 10 + three %% 10 / 9 end
from drawn
where three < 800
union all
select record_id, person, 'device', 'd' || case when person %% 50 = 0 then person - 1 else person end from drawn
where four < 450
"""
_RECORDS = """
insert into identity.record (record_id, shape, stream, record_key, first_seen_at, name_key)
overriding system value
select
    n, 'person', 'shop.customers', 'k' || n, timestamptz '2020-01-01' + n * interval '3 minutes',
    'name of ' || (1 + (hashint8extended(n, 1) & 2147483647) %% %(people)s)
from generate_series(1, %(records)s::bigint) as n
"""
_REST = (
    "insert into identity.identifier (type, value) select distinct type, value from carried",
    """
    insert into identity.edge (record_id, identifier_id, raw_value)
    select c.record_id, i.identifier_id, c.value
    from carried as c
    inner join identity.identifier as i on c.type = i.type and c.value = i.value
    """,
    "insert into identity.work_touched (record_id) select record_id from identity.record",
)
_SCORE = """
with
labelled as (
    select record_id, person_id, 1 + (hashint8extended(record_id, 1) & 2147483647) %% %(people)s as truth
    from identity.record
),
both_same as (select count(*) as n from labelled group by person_id, truth),
said as (select count(*) as n from labelled group by person_id),
meant as (select count(*) as n from labelled group by truth)
select
    (select sum(n * (n - 1) / 2) from both_same)::float,
    (select sum(n * (n - 1) / 2) from said)::float,
    (select sum(n * (n - 1) / 2) from meant)::float,
    (select max(n) from said)
"""


def add_people_with_hubs(conn: psycopg.Connection, records: int, people: int) -> None:
    """Records and links as a run leaves them before it decides which links hold."""
    values = {"records": records, "people": people}
    conn.execute(_CARRIED, values)
    conn.execute(_RECORDS, values)
    for statement in _REST:
        conn.execute(statement)
    conn.execute("drop table carried")


def pairwise(conn: psycopg.Connection, people: int) -> tuple[float, float, int]:
    """Precision and recall of pairs of records put into one person, and the records of the largest person."""
    hits, said, meant, largest = conn.execute(_SCORE, {"people": people}).fetchone()
    return hits / said, hits / meant, largest
