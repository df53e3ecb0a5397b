"""What people name when they ask about identity: a record, a person, an identifier."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.errors import ConfigError, FatalError
from include.identity.normalise import normal_form

MOST_PERSONS = 50  # carriers of one value that are looked at; a value of more people joins nobody anyway
FORMS = (
    "a record as stream:key, a person id of today or of the past, an identifier as type=value, an e-mail address, "
    "a phone number in international form"
)


class UnknownEndError(FatalError):
    """What was named does not exist."""


@dataclass(frozen=True)
class End:
    """One end of a question, as the warehouse knows it.

    :param label: as people may see it, masked.
    :param value: what was typed, of an identifier in normal form; personal.
    :param records: where a chain may begin: the record, or the one a person's id was made of. Empty for an identifier.
    :param identifier_id: of an identifier.
    :param persons: whose it is today; nobody's when its source deleted it, or when the value joins nobody. An order
        that carries two bundles may have two.
    :param carriers: of an identifier: the first persons with a record that carries it, by whatever link.
    """

    kind: Literal["record", "person", "identifier"]
    label: str
    value: str
    records: tuple[int, ...] = ()
    identifier_id: int | None = None
    persons: tuple[UUID, ...] = ()
    carriers: tuple[UUID, ...] = ()


def find_end(conn: psycopg.Connection, named: str) -> End:
    """The end that somebody named, one of :data:`FORMS`.

    :raises ConfigError: it has none of these forms; the text does not repeat it.
    :raises UnknownEndError: nothing of that name is known; the text masks it.
    """
    named = named.strip()
    try:
        return find_person(conn, UUID(named))
    except ValueError:
        pass
    kind, equals, value = named.partition("=")
    stream, colon, key = named.partition(":")
    if equals and value.strip() and kind.strip().isidentifier():
        return find_identifier(conn, kind.strip(), value)
    if colon and key and "." in stream and "@" not in stream:
        return find_record(conn, stream, key)
    for kind, sign in (("email", "@"), ("phone", "+")):
        if sign in named and normal_form(kind, named).value:
            return find_identifier(conn, kind, named)
    raise ConfigError(f"That is none of these: {FORMS}.")


def find_record(conn: psycopg.Connection, stream: str, key: str) -> End:
    """A person record, or the bundles of identifiers on an order or event.

    :raises UnknownEndError: stitching never saw it.
    """
    label = f"{stream}:{mask.key(key)}"
    found = warehouse.rows(conn, "explain/end_record", {"stream": stream, "record_key": key})
    if not found:
        raise UnknownEndError(
            f"No record {label} is known to stitching. A record that carries no identifier at all (a guest's order) is "
            f"nobody; one that was only just published waits for the next build_persons."
        )
    persons = sorted({row["person_id"] for row in found if row["person_id"] is not None})
    return End("record", label, f"{stream}:{key}", tuple(row["record_id"] for row in found), persons=tuple(persons))


def find_person(conn: psycopg.Connection, person_id: UUID) -> End:
    """A person by an id of today or of the past: its chain begins at the record which that id was made of.

    :raises UnknownEndError: no person has it, and none had it who is still there.
    """
    found = warehouse.rows(conn, "explain/end_person", {"person_id": person_id})
    if not found:
        raise UnknownEndError(f"No person {person_id} is known, today or formerly.")
    row = found[0]
    return End("person", f"person {person_id}", str(person_id), (row["record_id"],), persons=(row["person_id"],))


def find_identifier(conn: psycopg.Connection, kind: str, raw_value: str) -> End:
    """An identifier by type and value, in whatever spelling.

    :raises UnknownEndError: no record carries it.
    """
    value = raw_value.strip()
    if kind in ("email", "phone"):
        value = normal_form(kind, value).value or value
    label = f"{kind} {mask.identifier(kind, value)}"
    found = warehouse.rows(conn, "explain/end_identifier", {"type": kind, "value": value, "most": MOST_PERSONS})
    if not found or not found[0]["records"]:
        raise UnknownEndError(f"No record carries the {label}.")
    row = found[0]
    persons, carriers = tuple(row["persons"] or ()), tuple(row["carriers"] or ())
    value = f"{kind} {value}"
    return End("identifier", label, value, identifier_id=row["identifier_id"], persons=persons, carriers=carriers)
