"""Which pairs are worth comparing: those that agree on something rare, however little else they share.

Every field gives keys (the value; its beginning; the year of a date, its day without the year). Every key, and every
two keys of different fields, is a rule. A rule compares rows within one block of it, and a block of more than
``LARGEST`` rows is not looked at: what agrees on so much else as to be missed there agrees on a rarer rule too. Rules
are taken from the fewest pairs up while the budget lasts, so the work is bounded by the rows, whatever the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import duckdb
import numpy as np
from psycopg import sql

from include.identity.linking.fields import NAME_KINDS, WHOLE_NAME, Field
from include.identity.linking.workbench import run

LARGEST = 60  # rows of a block; a person of more rows is still found through smaller ones
PAIRS_PER_RECORD = 90  # before pairs that several rules find are counted once

_BEGINNING = {"given": 3, "family": 3, "text": 4, "code": 3, "date": 4}
_NO_DAY = "0101"  # what a year alone becomes: no birthday

_COUNT = sql.SQL("""
select coalesce(sum(n * (n - 1) // 2), 0)::bigint
from (select count(*) as n from record where {filled} group by {keys} having count(*) between 2 and {largest})
""")
_PAIRS = sql.SQL("""
insert into candidate
with block as (
    select list(row order by row) as members
    from record where {filled} group by {keys} having count(*) between 2 and {largest}
),
one as (select unnest(members) as l, members from block),
two as (select l, unnest(members) as r from one)
select l, r, {free} from two where l < r
""")
_DISTINCT = sql.SQL("""
select c.l, c.r, bit_or(c.free) as free from candidate as c
inner join record as a on c.l = a.row
inner join record as b on c.r = b.row
where {within_sources} or a.source <> b.source
group by c.l, c.r
order by c.l, c.r
""")


@dataclass(frozen=True)
class Pairs:
    """Rows to compare, each pair once with ``left < right``, in order.

    :param free: bit n is set when a rule that says nothing about field n found the pair: for those pairs alone the
        field is a witness, not a reason to be there.
    """

    left: np.ndarray
    right: np.ndarray
    free: np.ndarray

    def __len__(self) -> int:
        """How many pairs there are."""
        return len(self.left)


@dataclass(frozen=True)
class _Rule:
    keys: tuple[sql.Composable, ...]
    says: frozenset[int]  # places of the fields it looks at

    def parts(self) -> dict[str, sql.Composable]:
        filled = sql.SQL(" and ").join(sql.SQL("{} is not null").format(key) for key in self.keys)
        return {"filled": filled, "keys": sql.SQL(", ").join(self.keys), "largest": sql.Literal(LARGEST)}

    def free(self, fields: int) -> sql.Literal:
        return sql.Literal(sum(1 << place for place in range(fields) if place not in self.says))


def candidates(conn: duckdb.DuckDBPyConnection, fields: Sequence[Field], *, within_sources: bool) -> Pairs:
    """The pairs of ``record`` that some affordable rule finds.

    :param within_sources: False: rows of one source are never one person, so they are not compared.
    """
    ((rows,),) = conn.execute("select count(*) from record").fetchall()
    budget = PAIRS_PER_RECORD * rows
    conn.execute("create or replace table candidate (l bigint, r bigint, free bigint)")
    priced = sorted(
        (
            (run(conn, _COUNT.format(**rule.parts())).fetchall()[0][0], place, rule)
            for place, rule in enumerate(_rules(fields))
        ),
        key=lambda one: one[:2],
    )
    for pairs, _, rule in priced:
        budget -= pairs
        if budget < 0:
            break
        if pairs:
            run(conn, _PAIRS.format(free=rule.free(len(fields)), **rule.parts()))
    found = run(conn, _DISTINCT.format(within_sources=sql.Literal(within_sources))).fetchnumpy()
    conn.execute("drop table candidate")
    return Pairs(
        np.asarray(found["l"], np.int64), np.asarray(found["r"], np.int64), np.asarray(found["free"], np.int64)
    )


def _rules(fields: Sequence[Field]) -> list[_Rule]:
    """Every key alone, and every two keys that look at different fields."""
    name = frozenset(place for place, field in enumerate(fields) if field.kind in NAME_KINDS)
    keys = [
        (key, name if field.kind in NAME_KINDS else frozenset({place}), field.name)
        for place, field in enumerate(fields)
        if field.kind != "category"
        for key in _keys(field)
    ]
    if name:
        keys.append((sql.Identifier(WHOLE_NAME), name, WHOLE_NAME))
    rules = [_Rule((key,), says) for key, says, _ in keys]
    for (a, says_a, of_a), (b, says_b, of_b) in combinations(keys, 2):
        if (of_a != of_b and WHOLE_NAME not in (of_a, of_b)) or not says_a & says_b:
            rules.append(_Rule((a, b), says_a | says_b))
    return rules


def _keys(field: Field) -> list[sql.Composable]:
    name = sql.Identifier(field.name)
    keys = [name, sql.SQL("left({}, {})").format(name, sql.Literal(_BEGINNING[field.kind]))]
    if field.kind == "date":
        keys.append(sql.SQL("nullif(substr({}, 5), {})").format(name, sql.Literal(_NO_DAY)))
    return keys
