"""A build that comes right after the night's syncs."""

from datetime import UTC, datetime

from include.identity.build import build_persons
from tests.include.ledger.world import World

STATISTICS = """
select relname, last_analyze is not null
from pg_stat_user_tables
where schemaname = 'audience' and relname in ('line', 'sent')
order by relname
"""


def test_the_planner_knows_what_was_sent_before_a_build_asks_who_was_made_by_it(warehouse_url: str) -> None:
    """Autovacuum comes a minute later; until then each young record would be looked for in all that was sent."""
    world = World(warehouse_url)
    for number in range(120):
        world.person(f"person-{number}@x.example")
    world.sync()
    world.conn.execute("select pg_stat_force_next_flush()")

    build_persons(world.conn, as_of=datetime.now(UTC).date())
    world.conn.execute("select pg_stat_force_next_flush()")

    assert dict(world.conn.execute(STATISTICS).fetchall()) == {"line": False, "sent": True}
    world.close()
