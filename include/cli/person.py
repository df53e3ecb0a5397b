"""``person KEY``: everything that is known of one person, why, and what was sent where."""

from typing import Annotated, Any
from uuid import UUID

import psycopg
import typer

from include import warehouse
from include.cli.app import Json, NotFoundError, warehouse_connection
from include.cli.output import print_json, print_line, print_table
from include.errors import ConfigError

MOST_PERSONS = 20
Key = Annotated[
    str,
    typer.Argument(
        metavar="EMAIL",
        help="An e-mail address, a phone number (+49…), a person id of today or of the past, or type:value as "
        "in shopify_customer:77.",
    ),
]
SECTIONS = ("records", "identifiers", "segments", "consent", "statements", "audiences", "deliveries")


def _as_uuid(key: str) -> UUID | None:
    try:
        return UUID(key)
    except ValueError:
        return None


def _identifier(key: str) -> tuple[str, str]:
    """Type and normal form of what somebody typed.

    :raises ConfigError: it can be no identifier; the text does not repeat it.
    """
    from include.identity.normalise import normal_form

    kind, colon, value = key.partition(":")
    if "@" not in key and colon and value.strip():
        return kind.strip(), value.strip()
    kind = "email" if "@" in key else "phone"
    form = normal_form(kind, key)
    if form.value is None:
        raise ConfigError(
            "That is neither an e-mail address, a phone number in international form, a person id, nor type:value."
        )
    return kind, form.value


def _find(conn: psycopg.Connection, key: str) -> list[UUID]:
    person_id = _as_uuid(key)
    if person_id is not None:
        found = warehouse.rows(conn, "person/find_by_id", {"person_id": person_id})
    else:
        kind, value = _identifier(key)
        params = {"type": kind, "value": value, "most": MOST_PERSONS + 1}
        found = warehouse.rows(conn, "person/find_by_identifier", params)
    return [row["person_id"] for row in found]


def _read(conn: psycopg.Connection, person_id: UUID) -> dict[str, Any]:
    former = [row["old_person_id"] for row in warehouse.rows(conn, "person/former_ids", {"person_id": person_id})]
    params = {"person_id": person_id, "ids": [person_id, *former]}
    profile = warehouse.rows(conn, "person/profile", params)
    sections = {section: warehouse.rows(conn, f"person/{section}", params) for section in SECTIONS}
    return {"person_id": person_id, "former_ids": former, "profile": profile[0] if profile else None, **sections}


def _print(found: dict[str, Any]) -> None:
    profile = found["profile"] or {}
    print_line(f"Person {found['person_id']}" + ("" if profile else ": no record is left, only history"))
    if found["former_ids"]:
        print_line(f"Formerly also {', '.join(map(str, found['former_ids']))}")
    winners = profile.get("winners") or {}
    values = [
        {"value": name, "is": value, "from": winners.get(name)}
        for name, value in profile.items()
        if name not in ("person_id", "winners") and value not in (None, [])
    ]
    print_table("Profile", ["value", "is", "from"], values)
    print_table("Records", ["stream", "record_key", "shape", "first_seen_at", "withdrawn_at"], found["records"])
    print_table("Identifiers", ["type", "value", "records", "joins", "why_not"], found["identifiers"])
    print_table("Segments", ["segment", "since", "until", "left_reason", "version"], found["segments"], empty="in none")
    print_table(
        "Consent today",
        ["purpose", "state", "decided_by", "occurred_at", "stream", "text_version"],
        found["consent"],
        empty="no statement: no",
    )
    print_table(
        "Statements",
        ["purpose", "state", "occurred_at", "identifier", "stream", "record_key", "text_version"],
        found["statements"],
    )
    print_table(
        "At the platforms",
        [
            "destination",
            "audience",
            "acknowledged",
            "acknowledged_at",
            "confirmed_at",
            "attempt",
            "error_code",
            "error_text",
        ],
        found["audiences"],
    )
    print_table(
        "Sent",
        [
            "at",
            "destination",
            "audience",
            "operation",
            "outcome",
            "because_of",
            "consent",
            "error_code",
            "error_text",
            "request_id",
        ],
        found["deliveries"],
    )


def show(key: Key, json: Json = False) -> None:
    """Records, identifiers, segments, consent with its proof, and what was sent where, when, why, with which answer."""
    with warehouse_connection() as conn:
        ids = _find(conn, key)
        persons = [_read(conn, person_id) for person_id in ids[:MOST_PERSONS]]
    if not persons:
        raise NotFoundError("No person is known by that.")
    if json:
        print_json({"persons": persons, "more": len(ids) > MOST_PERSONS})
        return
    if len(persons) > 1:
        more = " and more" if len(ids) > MOST_PERSONS else ""
        print_line(f"{len(persons)}{more} persons carry that identifier; it joins nobody.\n")
    for person in persons:
        _print(person)
