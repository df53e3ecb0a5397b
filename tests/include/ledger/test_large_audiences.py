"""Syncs of large audiences, counted by Postgres or grown since: no statement may look at everybody for each person.

With 20,000 people such a statement takes half a minute to minutes, where one that passes them once takes some tenths of
a second; so each is given ten seconds.
"""

from collections.abc import Iterator

import pytest
from psycopg import sql

from include.ledger.audiences import Declared
from include.ledger.sync import SyncResult, sync_destination
from include.segments.control import Control
from tests.include.ledger.world import AS_OF, World

PEOPLE = 20_000
LEAVERS = 6_000
LONGEST = "10s"
PLENTY = {"limits": {"max_removals": PEOPLE}}
FIRST = Declared("fake", "buyers", "buyers", "email", PLENTY)


class Crowded(World):
    """A world whose tables are counted after each sync, or never.

    :ivar counted: whether they are.
    """

    counted: bool


@pytest.fixture(params=[False, True], ids=["uncounted", "counted"])
def world(warehouse_url: str, request: pytest.FixtureRequest) -> Iterator[Crowded]:
    """A crowd in the segment, and a database that ends a statement that takes too long."""
    made = Crowded(warehouse_url, batch_size=500)
    made.counted = request.param
    database = made.conn.info.dbname
    made.conn.execute("alter table audience.member set (autovacuum_enabled = off)")
    made.conn.execute(
        sql.SQL("alter database {} set statement_timeout = {}").format(sql.Identifier(database), sql.Literal(LONGEST))
    )
    made.crowd(PEOPLE)
    yield made
    made.close()


def sync(world: Crowded, *declared: Declared) -> list[SyncResult]:
    results = sync_destination(world.url, world.destination, as_of=AS_OF, run_id="run", declared=declared)
    if world.counted:
        world.conn.execute("analyze")
    return results


def let_go(world: Crowded, people: int) -> None:
    """One of each pair with the same phone number leaves the segment, in so many pairs."""
    world.conn.execute(
        "update segment.membership set left_at = now(), left_version = 'v1' where membership_id in"
        " (select max(membership_id) from segment.membership join profile.person using (person_id)"
        " where segment = 'buyers' group by phone order by phone limit %s)",
        (people,),
    )
    world.build(size=PEOPLE - people)


def second_segment(world: Crowded) -> None:
    """The same people are in another segment too."""
    world.conn.execute(
        "insert into segment.definition (segment, version, title, owner, front_matter, body)"
        " values ('second', 'v1', 'Second', 'growth', '{}', '')"
    )
    world.conn.execute(
        "insert into segment.membership (segment, person_id, version, entered_at)"
        " select 'second', person_id, 'v1', now() from profile.person"
    )
    world.conn.execute(
        "insert into segment.build (segment, version, as_of, size, entered, left_count, seconds)"
        " values ('second', 'v1', %s, %s, %s, 0, 0.1)",
        (AS_OF, PEOPLE, PEOPLE),
    )


def test_leavers_who_share_their_phone_with_others(world: Crowded) -> None:
    assert [one.added for one in sync(world, FIRST)] == [PEOPLE]
    let_go(world, LEAVERS)
    assert [(one.removed, one.updated) for one in sync(world, FIRST)] == [(LEAVERS, LEAVERS)]


def test_an_audience_that_is_retired(world: Crowded) -> None:
    sync(world, FIRST)
    retired, _ = sync(world, Declared("fake", "other", "other", "email", PLENTY))
    assert retired.removed == PEOPLE


def test_identifiers_that_are_all_sent_anew(world: Crowded) -> None:
    sync(world, FIRST)
    world.destination.identifier_version += 1
    assert [one.updated for one in sync(world, FIRST)] == [PEOPLE]


def test_jobs(world: Crowded) -> None:
    world.destination.acknowledgement = "job"
    assert [one.confirmed for one in sync(world, FIRST)] == [PEOPLE]
    read = "select seq_tup_read + coalesce(idx_tup_fetch, 0) from pg_stat_user_tables where relid = %s::regclass"
    [(rows,)] = world.conn.execute(read, ("audience.member",)).fetchall()
    assert rows < 10 * PEOPLE


def test_two_audiences_with_one_control_group(world: Crowded) -> None:
    second_segment(world)
    control = (Control("global", 0.2),)
    second = Declared("fake", "second", "second", "email", PLENTY, control)
    results = sync(world, Declared("fake", "buyers", "buyers", "email", PLENTY, control), second)
    drawn = world.one("select count(*) from experiment.assignment where arm = 'control'")
    assert drawn > 0
    assert [one.added for one in results] == [PEOPLE - drawn] * 2
    assert world.one("select count(*) from experiment.exposure") == PEOPLE - drawn


def test_a_priority_list_whose_first_audience_lets_people_go(world: Crowded) -> None:
    second_segment(world)
    both = (
        Declared("fake", "buyers", "buyers", "email", PLENTY, priority=("list", 1)),
        Declared("fake", "second", "second", "email", PLENTY, priority=("list", 2)),
    )
    sync(world, *both)
    let_go(world, LEAVERS)
    world.conn.execute("update segment.build set left_count = 1 where size = %s", (PEOPLE - LEAVERS,))
    first, second = sync(world, *both)
    assert (first.removed, second.added) == (LEAVERS, LEAVERS)
