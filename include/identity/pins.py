"""Decisions by hand: two records are one person, or two, whatever the rules say. They outlive every rebuild.

A pin is written here and acted upon by the next ``build_persons``; nothing else changes before.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.errors import FatalError
from include.identity.ends import End
from include.identity.ties import Tie, tie

Kind = Literal["merge", "split"]
Key = tuple[str, str]  # stream, record key


class PinRefusedError(FatalError):
    """The decision would change nothing, or contradicts one that stands; the text says which and how to go on."""


@dataclass(frozen=True)
class Pinned:
    """A pin just made.

    :param a, b: its records, keys masked where they are addresses.
    :param persons: whose they are until the next build.
    """

    pin_id: int
    kind: Kind
    a: str
    b: str
    persons: tuple[UUID, UUID]


@dataclass(frozen=True)
class _Record:
    stream: str
    record_key: str
    person_id: UUID

    @property
    def key(self) -> Key:
        return self.stream, self.record_key

    def __str__(self) -> str:
        return f"{self.stream}:{mask.key(self.record_key)}"


def merge(conn: psycopg.Connection, a: End, b: End, *, who: str, why: str) -> Pinned:
    """Decide that two ends are one person. Commits, with its line in the audit.

    :param a, b: records, persons (the record that the id was made of), or identifiers of one person.
    :raises PinRefusedError: they are one person already; a split pin in force says otherwise; one of them is nobody's.
    """
    return _pin(conn, "merge", a, b, who, why)


def split(conn: psycopg.Connection, a: End, b: End, *, who: str, why: str) -> Pinned:
    """Decide that two records are two persons. Commits, with its line in the audit.

    :param a, b: records, or ids of the past (the record that the id was made of).
    :raises PinRefusedError: they are two persons already; merge pins in force say otherwise; one of them is nobody's.
    """
    return _pin(conn, "split", a, b, who, why)


def undo(conn: psycopg.Connection, pin_id: int, *, who: str, why: str) -> Kind:
    """Take a pin back: from the next build on, records and rules decide again. Commits, with its line in the audit.

    :returns: what the pin had decided.
    :raises PinRefusedError: there is no such pin, or it is undone already.
    """
    _reason(why)
    with conn.transaction():
        found = warehouse.rows(conn, "pins/undo", {"pin_id": pin_id, "who": who, "why": why})
        if found:
            return found[0]["kind"]
        [known] = [pin for pin in listed(conn, undone_too=True) if pin.number == pin_id] or [None]
    if known is None:
        raise PinRefusedError(f"There is no pin {pin_id}; `identity pins` lists them.")
    raise PinRefusedError(
        f"Pin {pin_id} was undone already, by {known.undone_by} on {known.undone_at:%Y-%m-%d}: {known.undone_why}."
    )


def listed(conn: psycopg.Connection, *, undone_too: bool = False) -> list[Tie]:
    """All pins in force, newest first; with those that were undone when asked for."""
    return [tie(row) for row in warehouse.rows(conn, "pins/listed", {"undone_too": undone_too})]


def _pin(conn: psycopg.Connection, kind: Kind, a: End, b: End, who: str, why: str) -> Pinned:
    _reason(why)
    with conn.transaction():
        warehouse.run(conn, "pins/lock")
        one, two = sorted((_record(conn, a), _record(conn, b)), key=_in_bytes)
        if one.key == two.key:
            raise PinRefusedError(f"Both name one record, {one}; a pin is about two.")
        standing = warehouse.rows(conn, "pins/standing")
        _contradiction(kind, one, two, standing)
        _changes_something(kind, one, two, standing)
        row = warehouse.rows(
            conn,
            "pins/add",
            {
                "kind": kind,
                "stream_a": one.stream,
                "record_key_a": one.record_key,
                "stream_b": two.stream,
                "record_key_b": two.record_key,
                "who": who,
                "why": why,
                "shown_a": str(one),
                "shown_b": str(two),
            },
        )[0]
    return Pinned(row["pin_id"], kind, str(one), str(two), (one.person_id, two.person_id))


def _reason(why: str) -> None:
    if not why.strip():
        raise PinRefusedError("Say why: whoever comes after you has nothing else to go by.")


def _in_bytes(record: _Record) -> tuple[bytes, bytes]:
    """The order of ``collate "C"``."""
    return record.stream.encode(), record.record_key.encode()


def _record(conn: psycopg.Connection, end: End) -> _Record:
    """The one record that stands for an end.

    :raises PinRefusedError: there is none, or more than one.
    """
    records = end.records
    if end.kind == "identifier":
        if len(end.persons) != 1:
            raise PinRefusedError(f"The {end.label} joins nobody, so it stands for no one person; name a record.")
        found = warehouse.rows(conn, "pins/oldest", {"person_id": end.persons[0]})
        records = tuple(row["record_id"] for row in found)
    if len(records) != 1:
        raise PinRefusedError(
            f"{end.label} carries {len(records)} bundles of identifiers; name one by its key, which `identity explain "
            f"person` lists."
        )
    row = warehouse.rows(conn, "pins/record", {"record_id": records[0]})[0]
    if row["person_id"] is None:
        raise PinRefusedError(f"{end.label} was deleted by its source and is nobody's; a pin would change nothing.")
    return _Record(row["stream"], row["record_key"], row["person_id"])


def _contradiction(kind: Kind, one: _Record, two: _Record, standing: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what pins in force rule out.

    :raises PinRefusedError: naming the older pin.
    """
    ours, theirs = _merged_with(one.key, standing), _merged_with(two.key, standing)
    if kind == "split" and two.key in ours:
        pins = [pin for pin in standing if pin["kind"] == "merge" and _ends(pin)[0] in ours]
        same = [pin for pin in pins if set(_ends(pin)) == {one.key, two.key}]
        raise PinRefusedError(_older((same or pins)[0], "that they are one person"))
    if kind == "merge":
        for pin in standing:
            a, b = _ends(pin)
            if pin["kind"] == "split" and ((a in ours and b in theirs) or (b in ours and a in theirs)):
                raise PinRefusedError(_older(pin, "that they are two persons"))


def _older(pin: Mapping[str, Any], what: str) -> str:
    decided = f"{pin['kind']}, by {pin['who']} on {pin['created_at']:%Y-%m-%d}: {pin['why']}"
    return f"Pin {pin['pin_id']} ({decided}) says {what}; undo it first: `identity undo {pin['pin_id']} --why …`."


def _ends(pin: Mapping[str, Any]) -> tuple[Key, Key]:
    return (pin["stream_a"], pin["record_key_a"]), (pin["stream_b"], pin["record_key_b"])


def _merged_with(key: Key, standing: Iterable[Mapping[str, Any]]) -> set[Key]:
    """A record and all that merge pins join to it."""
    pairs = [_ends(pin) for pin in standing if pin["kind"] == "merge"]
    found, grown = {key}, True
    while grown:
        more = {end for pair in pairs if found.intersection(pair) for end in pair}
        grown = not more <= found
        found |= more
    return found


def _changes_something(kind: Kind, one: _Record, two: _Record, standing: Sequence[Mapping[str, Any]]) -> None:
    same = [pin for pin in standing if pin["kind"] == kind and set(_ends(pin)) == {one.key, two.key}]
    if same:
        raise PinRefusedError(f"Pin {same[0]['pin_id']} says so already (by {same[0]['who']}: {same[0]['why']}).")
    if kind == "merge" and one.person_id == two.person_id:
        raise PinRefusedError(
            f"{one} and {two} are one person already ({one.person_id}), and a pin would not change the chain that "
            f"joins them: `identity explain link` shows it."
        )
    if kind == "split" and one.person_id != two.person_id:
        raise PinRefusedError(
            f"{one} and {two} are two persons already ({one.person_id}, {two.person_id}); only records of one "
            f"person can be split."
        )
