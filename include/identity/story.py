"""Everything identity knows of one person: what it is made of, what does not hold, and how it came to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg

from include import mask, warehouse
from include.identity.explain import Show
from include.identity.ties import Tie, refusal, ties_of

MOST = 200  # rows of a section; the counts beside them are of all
Rows = tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Story:
    """One person, section by section; personal values as ``show`` gave them.

    :param former: ids that lead here: ``old_person_id``, ``redirected_at``, ``record`` it was made of.
    :param records: ``record``, ``shape``, ``first_seen_at``, ``here_since``, ``links`` that join.
    :param identifiers: ``type``, ``value``, ``joins`` so many records, ``dropped`` links, ``streams``,
        ``first_seen_at``, ``carried_by`` so many records in all.
    :param dropped: links that do not hold: ``record``, ``type``, ``value``, ``why_not``.
    :param ties: pins and accepted proposals about the person's records.
    :param changes: merges and splits, newest first: ``kind``, ``changed_at``, ids, ``records`` moved, ``because``.
    :param consent: today's answer per purpose, with the count of statements.
    :param audiences: per destination how many hold the person.
    :param counts: of all ``records``, ``identifiers`` and ``dropped`` links, also those not listed.
    """

    person_id: UUID
    former: Rows
    records: Rows
    identifiers: Rows
    dropped: Rows
    ties: tuple[Tie, ...]
    changes: Rows
    consent: Rows
    audiences: Rows
    counts: Mapping[str, int]


def tell(conn: psycopg.Connection, person_id: UUID, *, show: Show = mask.identifier, most: int = MOST) -> Story:
    """The story of a person of today.

    :param most: rows of a section.
    """
    key: dict[str, Any] = {"person_id": person_id, "most": most}
    former = warehouse.rows(conn, "explain/person_redirects", key)
    key["ids"] = [person_id, *(row["old_person_id"] for row in former)]
    records = warehouse.rows(conn, "explain/person_records", key)
    identifiers = warehouse.rows(conn, "explain/person_identifiers", key)
    dropped = warehouse.rows(conn, "explain/person_dropped", key)
    return Story(
        person_id=person_id,
        former=tuple(_with_record(row) for row in former),
        records=tuple(_without(_with_record(row), "of_records") for row in records),
        identifiers=tuple(_without(_shown(row, show), "of_identifiers") for row in identifiers),
        dropped=tuple(_refused(row, show) for row in dropped),
        ties=tuple(ties_of(conn, [person_id])),
        changes=tuple(_change(row) for row in warehouse.rows(conn, "explain/person_changes", key)),
        consent=tuple(warehouse.rows(conn, "explain/person_consent", key)),
        audiences=tuple(warehouse.rows(conn, "explain/person_audiences", key)),
        counts={
            "records": records[0]["of_records"] if records else 0,
            "identifiers": identifiers[0]["of_identifiers"] if identifiers else 0,
            "dropped": dropped[0]["of_links"] if dropped else 0,
        },
    )


def _with_record(row: Mapping[str, Any]) -> dict[str, Any]:
    """Stream and key as one name, the key masked where it is an address."""
    named = f"{row['stream']}:{mask.key(row['record_key'])}" if row["stream"] else None
    return {**_without(row, "stream", "record_key"), "record": named}


def _without(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _shown(row: Mapping[str, Any], show: Show) -> dict[str, Any]:
    return {**row, "value": show(row["type"], row["value"])}


def _refused(row: Mapping[str, Any], show: Show) -> dict[str, Any]:
    shown = _with_record(_shown(row, show))
    kept = {name: shown[name] for name in ("record_id", "record", "identifier_id", "type", "value", "refused_at")}
    return {**kept, "why_not": row["blocked_reason"] or refusal(row) or row["dropped_reason"]}


def _change(row: Mapping[str, Any]) -> dict[str, Any]:
    because = f"{row['action']} by {row['who']}: {row['why']}" if row["action"] else "records and rules"
    return {**_without(row, "action", "who", "why"), "because": because}
