"""Several segments that feed several audiences of one fake platform: for lists, control groups, order."""

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from include.destinations.base import Answer, Audience, Exceptional, Member
from include.errors import AudienceflowError
from include.ledger.audiences import Declared
from include.ledger.sync import SyncResult, sync_destination
from include.segments.control import Control
from tests.include.ledger.world import AS_OF, FAULTS, Killed, World


@dataclass
class Shelf:
    """A platform with one set of e-mail addresses an audience.

    :ivar script: a fault for each coming call, "" for none; "lost" and "killed" strike after the call was applied.
    :ivar crowded: addresses that were in two audiences at once, seen after each call.
    :ivar sent: every address that was in a request.
    """

    held: dict[str, set[str]] = field(default_factory=dict)
    script: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    keeps: set[str] = field(default_factory=set)
    crowded: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def apply(self, operation: str, key: str, address: str) -> Exceptional | None:
        self.sent.add(address)
        if operation == "remove" and address in self.keeps:
            return Exceptional(0, "debt", "too_small", "the platform refuses the removal")
        if operation != "remove" and address in self.refused:
            return Exceptional(0, "rejected", "bad_row", "the platform refuses the row")
        mine = self.held.setdefault(key, set())
        (mine.discard if operation == "remove" else mine.add)(address)
        self.crowded |= {one for one in mine for name, others in self.held.items() if name != key and one in others}
        return None


@dataclass
class ShelfDestination:
    """The shelf as a destination."""

    shelf: Shelf
    name: str = "fake"
    identifiers: tuple[str, ...] = ("email",)
    fields: tuple[str, ...] = ()
    purpose: Literal["email", "ads"] = "email"
    identifier_version: int = 1
    field_version: int = 1
    batch_size: int = 2
    connections: int = 1
    acknowledgement: Literal["row", "batch", "job", "none"] = "row"

    def open_audience(self, audience: Audience) -> str:
        return audience.key

    def has_audience(self, audience: Audience) -> bool:
        return True

    def identify(self, person: Mapping[str, Any]) -> dict[str, str] | None:
        return {"email": person["email"]}

    def add(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("add", audience, members)

    def update(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("update", audience, members)

    def remove(self, audience: Audience, members: Sequence[Member]) -> Answer:
        return self._call("remove", audience, members)

    def confirm(self, audience: Audience, job_id: str) -> Answer | None:
        return Answer()

    def _call(self, operation: str, audience: Audience, members: Sequence[Member]) -> Answer:
        fault = self.shelf.script.pop(0) if self.shelf.script else ""
        self.shelf.calls.append((operation, audience.key))
        if fault == "killed before":
            raise Killed
        if fault in FAULTS and fault != "lost":
            raise FAULTS[fault]
        found = [(one, self.shelf.apply(operation, audience.key, one.identifiers["email"])) for one in members]
        if fault == "killed":
            raise Killed
        if fault == "lost":
            raise FAULTS["lost"]
        return Answer(tuple(Exceptional(one.row, bad.outcome, bad.code, bad.text) for one, bad in found if bad))


class Shelves(World):
    """Persons in segments ``a``, ``b`` and ``c``, each of which feeds the audience of its name."""

    def __init__(self, url: str, *, names: Sequence[str] = ("a", "b", "c"), listed: bool = False) -> None:
        super().__init__(url)
        self.names = tuple(names)
        self.shelf = Shelf()
        self.target = ShelfDestination(self.shelf)
        self.limits = {"max_removals": 10_000}
        self.controls: dict[str, tuple[Control, ...]] = {}
        self.lists = {name: ("list", rank) for rank, name in enumerate(self.names, 1)} if listed else {}
        for name in self.names:
            self.conn.execute(
                "insert into segment.definition (segment, version, title, owner, front_matter, body)"
                " values (%s, 'v1', 'A', 'growth', '{}', '')",
                (name,),
            )
        self.built()

    def built(self) -> None:
        """Each segment was built with a change."""
        for name in self.names:
            self.conn.execute(
                "insert into segment.build (segment, version, as_of, size, entered, left_count, seconds)"
                " values (%s, 'v1', %s, 1, 1, 0, 0.1)",
                (name, AS_OF),
            )

    def somebody(self, *segments: str) -> uuid.UUID:
        """A new person with consent, in these segments; the address begins with the id's first characters."""
        person = self.person(f"{uuid.uuid4().hex[:12]}@x.example", member=False)
        for name in segments:
            self.enter(person, name)
        return person

    def address(self, person: uuid.UUID) -> str:
        [(email,)] = self.conn.execute("select email from profile.person where person_id = %s", (person,)).fetchall()
        return email

    def enter(self, person: uuid.UUID, segment: str) -> None:
        self.conn.execute(
            "insert into segment.membership (segment, person_id, version, entered_at) values (%s, %s, 'v1', %s)"
            " on conflict do nothing",
            (segment, person, datetime.now(UTC) - timedelta(days=1)),
        )

    def exit(self, person: uuid.UUID, segment: str) -> None:
        self.conn.execute(
            "update segment.membership set left_at = %s, left_version = 'v1'"
            " where person_id = %s and segment = %s and left_at is null",
            (datetime.now(UTC), person, segment),
        )

    def declared_now(self) -> list[Declared]:
        return [
            Declared(
                self.target.name,
                name,
                name,
                "email",
                {"limits": self.limits},
                self.controls.get(name, ()),
                self.lists.get(name),
            )
            for name in self.names
        ]

    def run(self) -> dict[str, SyncResult]:
        """One sync of the destination, by audience; a fault of a call ends as it would in a task."""
        self.built()
        results = sync_destination(
            self.url, self.target, as_of=AS_OF, run_id="run", declared=self.declared_now(), wait_seconds=0
        )
        return {result.audience: result for result in results}

    def run_through_faults(self) -> None:
        """One sync that may die anywhere."""
        with suppress(AudienceflowError, Killed):
            self.run()

    def where(self, person: uuid.UUID) -> list[str]:
        """The audiences the platform has the person in."""
        return sorted(name for name, held in self.shelf.held.items() if self.address(person) in held)

    def arms(self) -> dict[uuid.UUID, str]:
        return dict(self.conn.execute("select person_id, arm from experiment.assignment").fetchall())
