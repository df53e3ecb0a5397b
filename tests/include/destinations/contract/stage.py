"""A case's scene: a segment of its own in a shared warehouse, feeding one audience of one platform."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from include.destinations.base import Audience, Member
from include.errors import AudienceflowError
from include.ledger.audiences import Declared, of_destination
from include.ledger.plan import Plan, plan_audience
from include.ledger.sync import SyncResult
from include.segments.control import Control
from tests.include.destinations.contract.adapter import Adapter, forms
from tests.include.ledger.world import AS_OF, World

CROWD = """
with
person as (
    insert into profile.person (person_id, email, first_name, row_hash)
    select gen_random_uuid(), address, 'Ada', sha256(convert_to(address, 'UTF8'))
    from unnest(%(addresses)s::text[]) as given (address)
    returning person_id
),
said as (
    insert into consent.ledger
        (identifier_type, identifier_value, purpose, state, occurred_at, stream, record_key)
    select 'email', person_id::text, purpose, 'granted', clock_timestamp(), 'test', gen_random_uuid()::text
    from person cross join unnest(array['email', 'ads']) as purpose
    returning identifier_value::uuid as person_id, purpose, state, consent_id
),
agreed as (
    insert into consent.person_consent (person_id, purpose, state, consent_id)
    select person_id, purpose, state, consent_id from said
)
insert into segment.membership (segment, person_id, version, entered_at)
select %(segment)s, person_id, 'v1', clock_timestamp() - interval '1 day' from person
returning person_id
"""


class Stage(World):
    """A segment and its one audience. Consent is given or withdrawn for all purposes at once.

    :ivar key: the audience's name at the platform.
    :ivar options: of the audience, besides the platform's own; ``limits`` let any number of removals go.
    :ivar controls: the control groups that are kept out of the audience.
    :ivar wait_seconds: how long a sync waits for jobs.
    :ivar failed: what ended the last :meth:`attempt`, if anything did.
    """

    def __init__(self, url: str, adapter: Adapter) -> None:
        super().__init__(url, segment=f"s{uuid.uuid4().hex}")
        self.key = f"Audience {self.segment[:8]}"
        self.adapter = adapter
        self.destination = adapter.destination(tries=1)
        self.options: dict[str, Any] = {}
        self.limits = {"max_removals": 1_000_000}
        self.controls: tuple[Control, ...] = ()
        self.wait_seconds = 10.0
        self.failed: AudienceflowError | None = None

    def _declared(self) -> list[Declared]:
        return [
            Declared(
                self.adapter.name,
                self.key,
                name,
                self.destination.purpose,
                {**self.adapter.options, **self.options, "limits": self.limits},
                self.controls,
            )
            for name in self.declared
        ]

    def consent(self, person: uuid.UUID, state: str) -> None:
        super().consent(person, state)
        self.conn.execute(
            "insert into consent.person_consent select person_id, 'ads', state, consent_id from consent.person_consent"
            " where person_id = %s and purpose = 'email'"
            " on conflict (person_id, purpose) do update set state = excluded.state, consent_id = excluded.consent_id",
            (person,),
        )

    def people(self, *addresses: str) -> list[uuid.UUID]:
        """Members with consent; quick for thousands."""
        crowd = self.conn.execute(CROWD, {"addresses": list(addresses), "segment": self.segment}).fetchall()
        if len(crowd) > 1000:  # as autovacuum would have done before anybody syncs them
            self.conn.execute("analyze profile.person, consent.person_consent, segment.membership")
        return [person for (person,) in crowd]

    def sync(self, progress: Any = None, **extra: Any) -> SyncResult:
        """One sync; by the time the ledger asks for jobs the platform has worked them off."""

        def watch(step: str) -> None:
            if progress is not None:
                progress(step)
            if step == "delivered" and self.adapter.jobs:
                self.adapter.pass_time(3600)

        return super().sync(watch, wait_seconds=self.wait_seconds, **extra)

    def attempt(self, progress: Any = None) -> SyncResult | None:
        """A sync that may end in an error, which is then in :attr:`failed`."""
        self.failed = None
        try:
            return self.sync(progress)
        except AudienceflowError as error:
            self.failed = error
            return None

    def settle(self, syncs: int = 2) -> None:
        """Nothing fails any more: so many syncs, each of which may still leave something to the next."""
        self.adapter.calm()
        for _ in range(syncs):
            self.attempt()

    @property
    def audience_id(self) -> int:
        [(audience_id,)] = self.conn.execute(
            "select audience_id from audience.audience where segment = %s", (self.segment,)
        ).fetchall()
        return audience_id

    def audience(self) -> Audience:
        """The audience as the platform knows it, after its first sync."""
        [audience] = [one for one in of_destination(self.conn, self.adapter.name) if one.key == self.key]
        return audience

    def member(self, address: str, row: int = 0, **fields: str) -> Member:
        """Somebody for a call of the destination, past the ledger."""
        identifiers = self.destination.identify({"email": address, "phone": None})
        assert identifiers is not None
        return Member(row, identifiers, fields)

    def plan(self) -> Plan:
        return plan_audience(self.conn, self.audience_id, self.destination, as_of=AS_OF)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Rows of a query that may say ``%(audience_id)s``."""
        with self.conn.cursor(row_factory=dict_row) as cursor:
            return cursor.execute(query, {"audience_id": self.audience_id}).fetchall()

    def deliveries(self, outcome: str) -> list[dict[str, Any]]:
        """Lines of the delivery log with this outcome, in order."""
        lines = self.rows("select * from audience.delivery where audience_id = %(audience_id)s order by delivery_id")
        return [one for one in lines if one["outcome"] == outcome]

    def attempts(self) -> list[dict[str, Any]]:
        """Open attempts of the ledger."""
        return self.rows(
            "select * from audience.member where audience_id = %(audience_id)s and attempt_state is not null"
        )

    def one_of(self, query: str, *values: Any) -> Any:
        """The one value a query gives."""
        [(value,)] = self.conn.execute(query, values).fetchall()
        return value

    def batches(self) -> list[dict[str, Any]]:
        """The calls as the ledger counts them, in order."""
        return self.rows("select * from audience.batch where audience_id = %(audience_id)s order by batch_id")

    def age_batches(self, age: timedelta) -> None:
        """As if they had been sent so much earlier."""
        self.conn.execute(
            "update audience.batch set started_at = started_at - %s where audience_id = %s", (age, self.audience_id)
        )

    def wanted(self) -> set[str]:
        """Who should be there, as the platform names them."""
        return {self.adapter.wire(address) for address in self.desired()}

    def held(self) -> set[str]:
        """Who is there. Nobody is there twice."""
        members = self.adapter.members(self.key)
        assert len(members) == len(set(members))
        return set(members)

    def named(self, *addresses: str) -> set[str]:
        """Addresses as the platform names them."""
        return {self.adapter.wire(address) for address in addresses}

    def told(self, operation: str) -> list[str]:
        """Whom the calls of this operation named, in order."""
        return [name for call in self.adapter.calls() if call.operation == operation for name in call.names]

    def is_equal(self) -> bool:
        """The platform holds the desired people and the ledger has nothing to do."""
        return self.held() == self.wanted() and self.plan().changes == 0

    def forgotten(self) -> None:
        """Nothing that was sent so far counts any more."""
        self.adapter.forget()

    def close(self) -> None:
        """The warehouse is shared: no later sync may see this audience."""
        self.conn.execute(
            "update audience.audience set destination = destination || ' of ' || segment where segment = %s",
            (self.segment,),
        )
        super().close()


def leaks(stage: Stage, log: Sequence[logging.LogRecord], results: Sequence[Any], values: Sequence[str]) -> list[str]:
    """Places where a personal value stands that must not hold one: logs, results, errors, texts of the database.

    :param results: what a sync returned or raised; of an error also what it came from.
    """
    places = {
        "log": " ".join(f"{one.getMessage()} {one.exc_text or ''} {one.args}" for one in log),
        "results": " ".join(_whole(one) for one in results),
        **_tables(stage.conn),
    }
    return [
        f"{place}: {value}"
        for place, text in places.items()
        for value in values
        if any(form.decode() in text for form in forms(value))
    ]


def _whole(result: Any) -> str:
    if not isinstance(result, BaseException):
        return repr(asdict(result))
    told, error = "", result
    while error is not None:
        told += f"{error!r} {error} {vars(error)}"
        error = error.__cause__ or error.__context__
    return told


def _tables(conn: psycopg.Connection) -> Mapping[str, str]:
    """All text of the ledger's tables, but for the identifiers that the ledger is there to keep."""
    names = [
        name
        for (name,) in conn.execute(
            "select table_name from information_schema.tables where table_schema = 'audience' order by 1"
        )
    ]
    kept = "{sent_identifiers,attempt_identifiers,identifiers}"
    return {
        name: " ".join(
            text
            for (text,) in conn.execute(
                psycopg.sql.SQL("select (to_jsonb(t) - {}::text[])::text from {} as t").format(
                    kept, psycopg.sql.Identifier("audience", name)
                )
            )
        )
        for name in names
    }
