"""Records come, change and go, people pin and take back, builds run and start from nothing, in any order."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from include import warehouse
from include.identity.build import build_persons
from include.runtime.postgres import EmbeddedPostgres
from tests.databases import Databases
from tests.include.identity.decided import decide, publish, refused, undo
from tests.include.identity.graphs import LIMITED, MINUTES, Carrier, Decision
from tests.include.identity.plain_stitching import STREAM, stitched
from tests.include.identity.staged import AS_OF, delete, forget_everything, minute, persons, publish_events
from tests.include.identity.test_stitching import assert_sound

KEYS = st.sampled_from([f"r{number:02}" for number in range(14)])
VALUES = st.frozensets(st.tuples(st.sampled_from(("id0", "id1", "id2", "id3")), st.sampled_from("abcdef")), max_size=3)
EXAMPLES = 4


@contextmanager
def lent(databases: Databases, postgres: EmbeddedPostgres, template: str) -> Iterator[psycopg.Connection]:
    name = databases.lend()
    try:
        with warehouse.connect(postgres.url(name, role=template)) as conn:
            yield conn
    finally:
        databases.take_back(name)


class History(RuleBasedStateMachine):
    """What may happen to persons; after each build they are what the rules say of the records as they stand."""

    conn: psycopg.Connection

    @initialize(records=st.lists(st.tuples(KEYS, st.sampled_from(MINUTES), VALUES), min_size=6, max_size=14))
    def begin(self, records: list[tuple[str, int, frozenset]]) -> None:
        self.standing: dict[str, Carrier] = {}
        self.decisions: list[Decision] = []
        for one in records:
            self._come(*one)
        publish_events(
            self.conn,
            [
                {"record_key": f"e{value}", "ids": {"id3": value}, "occurred_at": minute(600_000 + place)}
                for place, value in enumerate("abc")
            ],
        )

    def _come(self, key: str, at: int, values: frozenset) -> None:
        self.standing[key] = Carrier(key, at, values)
        publish(self.conn, [self.standing[key]])

    @rule(records=st.lists(st.tuples(KEYS, st.sampled_from(MINUTES), VALUES), min_size=1, max_size=3))
    def records_come_or_change(self, records: list[tuple[str, int, frozenset]]) -> None:
        for one in records:
            self._come(*one)

    @precondition(lambda self: len(self.standing) > 1)
    @rule(data=st.data())
    def a_record_goes(self, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(self.standing)))
        del self.standing[key]
        delete(self.conn, "person", STREAM, key)

    @rule(ends=st.tuples(KEYS, KEYS), kind=st.sampled_from(("merge", "split", "link")))
    def people_decide(self, ends: tuple[str, str], kind: str) -> None:
        a, b = sorted(ends)
        taken = {(one.a, one.b, one.kind == "link") for one in self.decisions}
        if a != b and (a, b, kind == "link") not in taken:
            self.decisions.append(Decision(kind, a, b, 5.0))
            decide(self.conn, self.decisions[-1:])

    @precondition(lambda self: self.decisions)
    @rule(data=st.data())
    def people_take_back(self, data: st.DataObject) -> None:
        undo(self.conn, self.decisions.pop(data.draw(st.integers(0, len(self.decisions) - 1))))

    @rule(start_anew=st.booleans())
    def build(self, start_anew: bool) -> None:
        before = persons(self.conn)
        if start_anew:
            build_persons(self.conn, as_of=AS_OF, rules=LIMITED)
            before = persons(self.conn)
            forget_everything(self.conn)
        build_persons(self.conn, as_of=AS_OF, rules=LIMITED, rebuild=start_anew)
        if start_anew:
            assert persons(self.conn) == before
        self._check()

    def teardown(self) -> None:
        if hasattr(self, "standing"):
            self.build(False)

    def _check(self) -> None:
        assert_sound(self.conn)
        events = [
            Carrier(key, at, frozenset({("id3", value)}))
            for key, at, value in self.conn.execute(
                "select r.record_key, (extract(epoch from r.first_seen_at - '2026-01-01Z') / 60)::int, i.value "
                "from identity.record as r inner join identity.edge as e using (record_id) "
                "inner join identity.identifier as i using (identifier_id) where r.shape = 'bundle'"
            )
        ]
        wanted = stitched([*self.standing.values(), *events], self.decisions, LIMITED)
        groups: dict[str, set[str]] = {}
        for (_, key), person in persons(self.conn).items():
            groups.setdefault(person, set()).add(key)
        assert set(map(frozenset, groups.values())) == {frozenset(one.records) for one in wanted.clusters}
        kept = {key: set(record.identifiers) for key, record in self.standing.items()}
        found: dict[str, set[tuple[str, str]]] = {key: set() for key in kept}
        for key, kind, value in self.conn.execute(
            "select r.record_key, i.type, i.value from identity.record as r "
            "inner join identity.edge as e using (record_id) inner join identity.identifier as i using (identifier_id) "
            "where r.shape = 'person' and r.withdrawn_at is null"
        ):
            found[key].add((kind, value))
        assert found == kept  # no value is lost, whether it joins or not
        assert refused(self.conn) == wanted.refused


def test_any_history_ends_where_the_rules_say(databases: Databases, postgres: EmbeddedPostgres, template: str) -> None:
    """What must hold is asserted after each build, in ``History._check``."""
    with lent(databases, postgres, template) as conn:

        class Machine(History):
            def __init__(self) -> None:
                super().__init__()
                self.conn = conn
                conn.rollback()

        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=EXAMPLES, stateful_step_count=12, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
