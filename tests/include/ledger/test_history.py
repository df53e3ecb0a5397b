"""Random histories: whatever happened, at a quiet point the platform holds exactly the desired people."""

import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from include.errors import FatalError, RetriableError
from tests.include.ledger.world import Killed, Platform, World

ADDRESSES = [f"{name}@x.example" for name in "abcd"]  # few, so that persons share and inherit them
PHONES = [None, "+491", "+492", "+493"]
INHERITED = [  # an address whose heir is refused, which chance hardly ever comes to
    ("person", "a@x.example", None),
    ("calm", None, None),
    ("leave", 0, None),
    ("refuse", "a@x.example", True),
    ("person", "a@x.example", None),
    ("calm", None, None),
]
FAULTS = ["lost", "down", "quota", "auth", "fatal", "killed", "killed before"]
TABLES = (
    "audience.line",
    "audience.sent",
    "audience.member",
    "audience.batch",
    "audience.sync",
    "audience.hold",
    "audience.audience",
    "segment.membership",
    "consent.person_consent",
    "consent.ledger",
    "profile.person",
    "identity.redirect",
)

step = st.one_of(
    st.tuples(st.just("person"), st.sampled_from(ADDRESSES), st.sampled_from(PHONES)),
    st.tuples(st.just("leave"), st.integers(0, 30), st.none()),
    st.tuples(st.just("join"), st.integers(0, 30), st.none()),
    st.tuples(st.just("consent"), st.integers(0, 30), st.sampled_from(["granted", "withdrawn"])),
    st.tuples(st.just("email"), st.integers(0, 30), st.sampled_from(ADDRESSES)),
    st.tuples(st.just("phone"), st.integers(0, 30), st.sampled_from(PHONES)),
    st.tuples(st.just("name"), st.integers(0, 30), st.sampled_from(["Ada", "Bob"])),
    st.tuples(st.just("merge"), st.integers(0, 30), st.integers(0, 30)),
    st.tuples(st.just("delete"), st.integers(0, 30), st.none()),
    st.tuples(st.just("refuse"), st.sampled_from(ADDRESSES), st.booleans()),
    st.tuples(st.just("keep"), st.sampled_from(ADDRESSES), st.booleans()),
    st.tuples(st.just("sync"), st.integers(0, 3), st.sampled_from(FAULTS)),
    st.tuples(st.just("sync"), st.integers(0, 3), st.sampled_from(FAULTS)),
    st.tuples(st.just("calm"), st.none(), st.none()),
    st.tuples(st.just("calm"), st.none(), st.none()),
    st.tuples(st.just("quiet"), st.none(), st.none()),
)


class History:
    """Plays steps on a world; ``people`` are today's persons in the order they came."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people: list[uuid.UUID] = []
        self.inside: set[uuid.UUID] = set()

    def play(self, name: str, first: Any, second: Any) -> None:
        if name in ("person", "sync", "calm", "quiet", "refuse", "keep"):
            getattr(self, name)(first, second)
        elif self.people:
            getattr(self, name)(self.people[first % len(self.people)], second)

    def person(self, email: str, phone: str | None) -> None:
        person = self.world.person(email, phone)
        self.people.append(person)
        self.inside.add(person)

    def leave(self, person: uuid.UUID, _: None) -> None:
        self.world.leave(person)
        self.inside.discard(person)

    def join(self, person: uuid.UUID, _: None) -> None:
        if person not in self.inside:
            self.world.join(person)
            self.inside.add(person)

    def consent(self, person: uuid.UUID, state: str) -> None:
        self.world.consent(person, state)

    def email(self, person: uuid.UUID, value: str) -> None:
        self.world.change(person, email=value)

    def phone(self, person: uuid.UUID, value: str | None) -> None:
        self.world.change(person, phone=value)

    def name(self, person: uuid.UUID, value: str) -> None:
        self.world.change(person, first_name=value)

    def merge(self, old: uuid.UUID, other: int) -> None:
        today = self.people[other % len(self.people)]
        if today != old:
            self.world.merge(old, today)
            self.people.remove(old)

    def delete(self, person: uuid.UUID, _: None) -> None:
        self.world.delete(person)
        self.people.remove(person)

    def refuse(self, value: str, on: bool) -> None:
        (self.world.platform.refused.add if on else self.world.platform.refused.discard)(value)

    def keep(self, value: str, on: bool) -> None:
        (self.world.platform.keeps.add if on else self.world.platform.keeps.discard)(value)

    def sync(self, calls: int, fault: str) -> None:
        self.world.platform.script = [""] * calls + [fault]
        with suppress(FatalError, RetriableError, Killed):
            self.world.sync()
        self.world.platform.script = []

    def calm(self, *_: None) -> None:
        """No call fails and no removal is refused, but rows may be: one sync, and nobody is held who is not desired."""
        self.world.platform.keeps = set()
        with suppress(FatalError):  # nobody of those who were due was accepted
            self.world.sync()
        present = self.world.conn.execute(
            "select person_id, sent_identifiers from audience.member where acknowledged = 'present'"
        ).fetchall()
        assert {person for person, _ in present} <= self.world.desired_people()
        assert self.world.held() == {value for _, sent in present for value in sent.values()}

    def quiet(self, *_: None) -> None:
        """Nothing fails and nobody is refused; whoever was parked gives consent anew. Two syncs settle all.

        Asserts there and then: a history has several quiet points.
        """
        self.world.platform.refused, self.world.platform.keeps = set(), set()
        for (person,) in self.world.conn.execute(
            "select distinct m.person_id from audience.member m join consent.person_consent c using (person_id)"
            " where m.attempt_state = 'rejected' and c.state = 'granted'"
        ).fetchall():
            self.world.consent(person, "granted")
        self.world.sync()
        self.world.sync()
        assert self.world.held() == self.world.desired()
        assert self.world.plan().changes == 0


@pytest.fixture(scope="module")
def shared_world(postgres: Any, template: str) -> Iterator[World]:
    """One warehouse for all histories; each begins with empty tables."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(postgres.url("postgres"), autocommit=True) as admin:
        admin.execute(
            psycopg.sql.SQL("create database {} template {} owner {}").format(
                psycopg.sql.Identifier(name), psycopg.sql.Identifier(template), psycopg.sql.Identifier(template)
            )
        )
    world = World(postgres.url(name, role=template))
    world.limits = {"max_removals": 1_000_000}
    yield world
    world.close()


def _empty(world: World) -> None:
    world.platform = Platform()
    world.destination.platform = world.platform
    for table in TABLES:
        world.conn.execute(psycopg.sql.SQL("truncate {} cascade").format(psycopg.sql.Identifier(*table.split("."))))


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(step, min_size=30, max_size=60))
@example(steps=INHERITED)
def test_after_any_history_the_platform_holds_exactly_the_desired(shared_world: World, steps: list) -> None:
    _empty(shared_world)
    history = History(shared_world)
    for one in steps:
        history.play(*one)
    history.quiet()
    assert shared_world.plan().changes == 0
