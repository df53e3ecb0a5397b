"""A million records as a build leaves them before it stitches: identifiers, links, some values that strangers share."""

import psycopg

# People have 2.5 records each. A record carries a shop account, an e-mail, and a phone or a device. One record in a
# hundred carries an address that a handful of people share: below the threshold for blocking, so limits have to keep
# them apart. Fifty hubs (a till's own address) are carried by more.
_CARRIED = """
create temp table carried on commit drop as
with drawn as (
    select
        n as record_id,
        1 + (hashint8extended(n, 1) & 2147483647) %% %(people)s as person,
        hashint8extended(n, 2) & 2147483647 as one,
        hashint8extended(n, 3) & 2147483647 as two,
        hashint8extended(n, 4) & 2147483647 as three
    from generate_series(%(first)s::bigint, %(last)s::bigint) as n
)
select record_id, 'shop' as type, 's' || person || case when one %% 40 = 0 then '-2' else '' end as value from drawn
union all
select
    record_id,
    'email',
    case
        when two %% 100 = 0 then 'shared' || three %% (%(people)s / 40)
        when two %% 400 = 1 then 'hub' || three %% 50
        else 'e' || person || '-' || (two / 1000) %% 2
    end || '@mail.example'
from drawn
union all
select
    record_id,
    case when three %% 2 = 0 then 'phone' else 'device' end,
    case when three %% 2 = 0 then '+49' || person * 10 + (three / 1000) %% 2 else 'd' || record_id end
from drawn
"""
_RECORDS = """
insert into identity.record (record_id, shape, stream, record_key, first_seen_at)
overriding system value
select
    n, 'person', 'shop.customers', 'k' || n,
    timestamptz '2020-01-01' + (hashint8(n) & 1048575) * interval '3 minutes'
from generate_series(%(first)s::bigint, %(last)s::bigint) as n
"""
_IDENTIFIERS = """
insert into identity.identifier (type, value)
select distinct type, value from carried
on conflict do nothing
"""
_EDGES = """
insert into identity.edge (record_id, identifier_id, raw_value)
select c.record_id, i.identifier_id, c.value
from carried as c
inner join identity.identifier as i on i.type = c.type and i.value = c.value
on conflict do nothing
"""
_TOUCHED = """
insert into identity.work_touched (record_id)
select n from generate_series(%(first)s::bigint, %(last)s::bigint) as n
"""


def add_records(conn: psycopg.Connection, first: int, last: int, people: int) -> None:
    """Records ``first`` to ``last`` with three links each, as looked at by a run that goes on with its blocking."""
    values = {"first": first, "last": last, "people": people}
    for statement in (_CARRIED, _RECORDS):
        conn.execute(statement, values)
    conn.execute("analyze carried")
    conn.execute(_IDENTIFIERS)
    conn.execute(_EDGES)
    conn.execute(_TOUCHED, values)
    conn.execute("drop table carried")


def add_chain(conn: psycopg.Connection, records: int) -> None:
    """Records of which each shares one value with the next: the longest way a component can have."""
    conn.execute(_RECORDS, {"first": 1, "last": records})
    conn.execute(
        "insert into identity.identifier (identifier_id, type, value) overriding system value "
        "select n, 'visitor', 'v' || n from generate_series(1, %s + 1) as n",
        [records],
    )
    conn.execute(
        "insert into identity.edge (record_id, identifier_id, raw_value) "
        "select n, n + step, '' from generate_series(1, %s) as n, generate_series(0, 1) as step",
        [records],
    )
