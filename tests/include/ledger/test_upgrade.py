"""A ledger of before the delivery engine, carried over: nothing that was acknowledged, logged or under way is lost."""

import uuid
from collections.abc import Iterator

import psycopg
import pytest

from include import warehouse
from include.runtime.postgres import EmbeddedPostgres
from tests.include.ledger.world import SEGMENT, World

ENGINE = "0014_delivery_engine.sql"
BEFORE = """
insert into audience.audience (destination, audience_key, segment, purpose, remote_id)
values ('fake', 'buyers-tag', %(segment)s, 'email', 'remote 0');
insert into audience.sync (audience_id, ended_at) select audience_id, now() from audience.audience;
insert into audience.batch (sync_id, audience_id, operation, state, sent, accepted, unknown, ended_at)
select sync_id, audience_id, 'add', 'confirmed', 1, 1, 0, now() from audience.sync;
insert into audience.batch (sync_id, audience_id, operation, state, sent, unknown)
select sync_id, audience_id, 'add', 'sent', 1, 1 from audience.sync;
insert into audience.delivery (audience_id, person_id, batch_id, batch_row, operation, outcome)
select audience_id, %(there)s, 1, 0, 'add', 'confirmed' from audience.audience;
insert into audience.member (
    audience_id, person_id, identifier_hash, acknowledged, sent_identifiers, identifier_keys, batch_id
)
select audience_id, %(there)s, md5('there')::uuid, 'present', '{"email": "there@x.example"}',
    jsonb_build_object('email', md5('emailthere@x.example')::uuid), 1
from audience.audience;
insert into audience.member (
    audience_id, person_id, identifier_hash, operation, attempt_state, attempt_identifiers, identifier_keys, batch_id
)
select audience_id, %(maybe)s, md5('maybe')::uuid, 'add', 'sent', '{"email": "maybe@x.example"}',
    jsonb_build_object('email', md5('emailmaybe@x.example')::uuid), 2
from audience.audience
"""


@pytest.fixture
def former_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A warehouse as it was before the engine's migration."""
    name = f"former_{uuid.uuid4().hex}"
    url = postgres.ensure_database(name)
    with warehouse.connect(url) as conn:
        conn.execute(warehouse.HISTORY)
        for path in (path for path in warehouse.migrations() if path.name < ENGINE):
            conn.execute(path.read_text(encoding="utf-8"))
            conn.execute("insert into public.schema_migration (name) values (%s)", (path.name,))
    yield url
    with warehouse.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(psycopg.sql.SQL("drop database {} with (force)").format(psycopg.sql.Identifier(name)))


def test_members_log_and_calls_under_way_of_an_older_ledger_are_carried_over(former_url: str) -> None:
    there, maybe = uuid.uuid4(), uuid.uuid4()
    with warehouse.connect(former_url, autocommit=True) as conn:
        for statement in BEFORE.split(";"):
            conn.execute(statement, {"segment": SEGMENT, "there": there, "maybe": maybe})
    warehouse.migrate(former_url)
    world = World(former_url)
    world.platform.audience = "remote 0"
    world.platform.members = {"there@x.example": {}, "maybe@x.example": {}}
    assert world.one("select outcome from audience.delivery") == "confirmed"
    assert world.one("select count(*) from audience.member where email_key is not null") == 2
    assert world.sync().removed == 2
    assert world.held() == set()
    assert world.one("select count(*) from audience.delivery where outcome = 'unknown' and error_code = 'killed'") == 1
    world.close()
