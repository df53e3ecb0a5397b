"""A small world for the ledger: persons, consent and membership in a warehouse, and a platform that holds members."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any, Literal

import psycopg

from include import warehouse
from include.destinations.base import Answer, Audience, Exceptional, Member
from include.errors import AudienceflowError, AuthError, FatalError, LostAnswerError, QuotaError, RetriableError
from include.ledger.audiences import Declared
from include.ledger.plan import Plan, plan_audience
from include.ledger.sync import SyncResult, sync_destination

AS_OF = date(2026, 11, 21)
SEGMENT, KEY = "buyers", "buyers-tag"


class Killed(BaseException):
    """The process died here: nothing catches it, as nothing catches a kill."""


FAULTS: dict[str, AudienceflowError] = {
    "lost": LostAnswerError("no answer", code="timeout"),
    "down": RetriableError("answered 503", code="503"),
    "quota": QuotaError("no quota left", code="429"),
    "auth": AuthError("refused", code="401"),
    "fatal": FatalError("answered 400", code="400"),
}


@dataclass
class Platform:
    """Holds identifier values and what was sent with them.

    :ivar script: a fault for each coming call, "" for none. "lost" and "killed" strike after the call was applied,
        "killed before" and the others before.
    :ivar name: an audience's id, where that is a name and the same when it is made again.
    :ivar dies_opening: whoever makes an audience is killed when it is made.
    :ivar refused: values it refuses for good; ``keeps``: values it refuses to remove.
    """

    members: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    keeps: set[str] = field(default_factory=set)
    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    jobs: dict[str, Answer | None] = field(default_factory=dict)
    audience: str | None = None
    name: str | None = None
    dies_opening: bool = False
    numbers: Iterator[int] = field(default_factory=count)

    def delete_audience(self) -> None:
        """Somebody deletes the audience in the platform's own pages."""
        self.audience, self.members = None, {}

    def values(self, operation: str) -> list[str]:
        """Every identifier value that was in a call of this operation, in order."""
        return [value for name, values in self.calls if name == operation for value in values]


@dataclass
class FakeDestination:
    """The platform as a destination. Identifiers are its members, so one person may be two of them."""

    platform: Platform
    identifiers: tuple[str, ...] = ("email", "phone")
    fields: tuple[str, ...] = ("first_name",)
    name: str = "fake"
    purpose: Literal["email", "ads"] = "email"
    identifier_version: int = 1
    field_version: int = 1
    batch_size: int = 3
    connections: int = 1
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"

    def open_audience(self, audience: Audience) -> str:
        self.platform.audience = self.platform.audience or self.platform.name or f"remote {next(self.platform.numbers)}"
        if self.platform.dies_opening:
            self.platform.dies_opening = False
            raise Killed
        return self.platform.audience

    def has_audience(self, audience: Audience) -> bool:
        return audience.remote_id == self.platform.audience

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        found = {name: person[name] for name in self.identifiers if person[name] and "unusable" not in person[name]}
        return found or None

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("add", members)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("update", members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("remove", members)

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        return self.platform.jobs.get(job_id, Answer())

    def _call(self, operation: str, members: Sequence[Member]) -> Answer:
        assert 0 < len(members) <= self.batch_size
        fault = self.platform.script.pop(0) if self.platform.script else ""
        if fault == "killed before":
            raise Killed
        if fault in FAULTS and fault != "lost":
            raise FAULTS[fault]
        answer = self._apply(operation, members)
        if fault == "killed":
            raise Killed
        if fault == "lost":
            raise FAULTS["lost"]
        return answer

    def _apply(self, operation: str, members: Sequence[Member]) -> Answer:
        self.platform.calls.append((operation, tuple(v for one in members for v in one.identifiers.values())))
        exceptions = []
        for member in members:
            values = set(member.identifiers.values())
            if operation == "remove" and values & self.platform.keeps:
                exceptions.append(Exceptional(member.row, "debt", "too_small", "the platform refuses the removal"))
            elif operation == "remove":
                for value in values:
                    self.platform.members.pop(value, None)
            elif values & self.platform.refused:
                exceptions.append(Exceptional(member.row, "rejected", "bad_row", "the platform refuses the row"))
            else:
                self.platform.members.update({value: dict(member.fields) for value in values})
        job_id = f"job {len(self.platform.calls)}" if self.acknowledgement == "job" else None
        return Answer(tuple(exceptions), job_id=job_id)


CROWD = """
with

people as (
    insert into profile.person (person_id, email, phone, first_name, row_hash)
    select gen_random_uuid(), 'p' || n || '@x.example', '+49' || (n + 1) / 2, 'Ada', sha256(n::text::bytea)
    from generate_series(1, %(people)s) as n
    returning person_id
),

said as (
    insert into consent.ledger (identifier_type, identifier_value, purpose, state, occurred_at, stream, record_key)
    values ('email', 'all', 'email', 'granted', now(), 'test', 'all')
    returning consent_id
),

answers as (
    insert into consent.person_consent (person_id, purpose, state, consent_id)
    select person_id, 'email', 'granted', consent_id from people cross join said
)

insert into segment.membership (segment, person_id, version, entered_at)
select %(segment)s, person_id, 'v1', now() - interval '1 day' from people
"""


class World:
    """Persons and their membership in one segment that feeds one audience of the fake platform.

    :param segment: name of the segment; several worlds may share a warehouse when each has its own.
    """

    def __init__(self, url: str, *, segment: str = SEGMENT, **destination: Any) -> None:
        self.url = url
        self.segment = segment
        self.conn = warehouse.connect(url, autocommit=True)
        self.platform = Platform()
        self.destination = FakeDestination(self.platform, **destination)
        self.limits: dict[str, Any] = {}
        self.declared = [segment]
        self.conn.execute(
            "insert into segment.definition (segment, version, title, owner, front_matter, body)"
            " values (%s, 'v1', 'Buyers', 'growth', '{}', '')",
            (segment,),
        )
        self.build()

    def build(self, *, hours_ago: float = 0, size: int = 1, alert: str | None = None) -> None:
        """A build of the segment, so many hours ago."""
        self.conn.execute(
            "insert into segment.build (segment, version, as_of, built_at, size, entered, left_count, seconds, alert)"
            " values (%s, 'v1', %s, %s, %s, 0, 0, 0.1, %s)",
            (self.segment, AS_OF, datetime.now(UTC) - timedelta(hours=hours_ago), size, alert),
        )

    def person(
        self,
        email: str | None,
        phone: str | None = None,
        *,
        first_name: str = "Ada",
        consent: str | None = "granted",
        member: bool = True,
    ) -> uuid.UUID:
        """A new person with consent (None: no statement) who is in the segment."""
        person = uuid.uuid4()
        self.conn.execute("insert into profile.person (person_id, row_hash) values (%s, '')", (person,))
        self.change(person, email=email, phone=phone, first_name=first_name)
        if consent:
            self.consent(person, consent)
        if member:
            self.join(person)
        return person

    def crowd(self, people: int) -> None:
        """So many persons with consent in the segment, two of them with the same phone number each."""
        self.conn.execute(CROWD, {"people": people, "segment": self.segment})

    def change(self, person: uuid.UUID, **values: str | None) -> None:
        """Give the person other values of email, phone or first_name."""
        for name, value in values.items():
            self.conn.execute(
                psycopg.sql.SQL("update profile.person set {} = %s where person_id = %s").format(
                    psycopg.sql.Identifier(name)
                ),
                (value, person),
            )
        self.conn.execute(
            "update profile.person set row_hash = sha256(convert_to(row(email, phone, first_name)::text, 'UTF8'))"
            " where person_id = %s",
            (person,),
        )

    def consent(self, person: uuid.UUID, state: str) -> None:
        """A new statement of the person, and the answer that follows from it."""
        self.conn.execute(
            "with said as (insert into consent.ledger (identifier_type, identifier_value, purpose, state, occurred_at,"
            " stream, record_key) values ('email', %(person)s, 'email', %(state)s, clock_timestamp(), 'test', %(key)s)"
            " returning consent_id)"
            " insert into consent.person_consent select %(person)s::uuid, 'email', %(state)s, consent_id from said"
            " on conflict (person_id, purpose) do update set state = excluded.state, consent_id = excluded.consent_id",
            {"person": str(person), "state": state, "key": uuid.uuid4().hex},
        )

    def join(self, person: uuid.UUID) -> None:
        self.conn.execute(
            "insert into segment.membership (segment, person_id, version, entered_at) values (%s, %s, 'v1', %s)",
            (self.segment, person, datetime.now(UTC) - timedelta(days=1)),
        )

    def leave(self, person: uuid.UUID) -> None:
        self.conn.execute(
            "update segment.membership set left_at = %s, left_version = 'v1'"
            " where segment = %s and person_id = %s and left_at is null",
            (datetime.now(UTC), self.segment, person),
        )

    def delete(self, person: uuid.UUID) -> None:
        """The person is gone from the profile; a segment build has not noticed yet."""
        self.conn.execute("delete from profile.person where person_id = %s", (person,))
        self.conn.execute("delete from consent.person_consent where person_id = %s", (person,))

    def merge(self, old: uuid.UUID, today: uuid.UUID) -> None:
        """``old`` becomes ``today`` as build_persons does it; membership is as before until the next segment build."""
        self.delete(old)
        self.conn.execute("update identity.redirect set person_id = %s where person_id = %s", (today, old))
        self.conn.execute(
            "insert into identity.redirect (old_person_id, record_id, person_id) values (%s, 1, %s)", (old, today)
        )

    def sync(self, progress: Any = None, **extra: Any) -> SyncResult:
        """One sync of the audience."""
        extra |= {"progress": progress} if progress else {}
        [result] = sync_destination(
            self.url, self.destination, as_of=AS_OF, run_id="run", declared=self._declared(), **extra
        )
        return result

    def _declared(self) -> list[Declared]:
        return [Declared("fake", KEY, name, "email", {"limits": self.limits}) for name in self.declared]

    def plan(self) -> Plan:
        """A dry run."""
        [(audience_id,)] = self.conn.execute("select audience_id from audience.audience").fetchall()
        return plan_audience(self.conn, audience_id, self.destination, as_of=AS_OF)

    def hold(self) -> dict[str, Any]:
        """The newest hold."""
        with self.conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            found = cursor.execute("select * from audience.hold order by hold_id desc limit 1").fetchone()
        assert found is not None
        return found

    def counts_hold(self) -> bool:
        """Whether everybody in every batch is accounted for."""
        return self.one("select bool_and(sent = accepted + rejected + unknown) from audience.batch")

    def one(self, query: str) -> Any:
        """The one value a query gives."""
        [(value,)] = self.conn.execute(query).fetchall()
        return value

    def desired(self) -> set[str]:
        """Identifier values the platform should hold, worked out without the ledger."""
        return {value for _, *values in self._wanted() for value in values if value}

    def desired_people(self) -> set[uuid.UUID]:
        """The persons whose values those are."""
        return {person for person, *_ in self._wanted()}

    def _wanted(self) -> list[tuple[Any, ...]]:
        return self.conn.execute(
            "select p.person_id, p.email, p.phone from segment.membership m"
            " left join identity.redirect r on r.old_person_id = m.person_id"
            " join profile.person p on p.person_id = coalesce(r.person_id, m.person_id)"
            " join consent.person_consent c on c.person_id = p.person_id and c.purpose = 'email'"
            " where m.segment = %s and m.left_at is null and c.state = 'granted'",
            (self.segment,),
        ).fetchall()

    def held(self) -> set[str]:
        """Identifier values the platform holds."""
        return set(self.platform.members)

    def close(self) -> None:
        self.conn.close()
